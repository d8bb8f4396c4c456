"""Says where a process can be reached, once it is ready to be talked to."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from shared.db.embedded import EmbeddedPostgres
from shared.errors import Unavailable
from shared.rpc import probe

Locate = Callable[[], Awaitable[str | None]]
"""Returns host:port of a process that is ready, None of one that is not (yet)."""

_LOGIN_SECONDS = 0.1


def serving(address: str) -> Locate:
    """Ready = the health service at `address` says SERVING."""

    async def locate() -> str | None:
        return address if await probe.is_serving(address) else None

    return locate


def listening(address: str) -> Locate:
    """Ready = something takes connections at `address`."""
    host, _, port = address.rpartition(":")

    async def locate() -> str | None:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return None
        writer.close()
        return address

    return locate


def taking_logins(postgres: Path) -> Locate:
    """Ready = the embedded server in the folder `postgres` lets its superuser in."""

    def look() -> str | None:
        try:
            found = EmbeddedPostgres(postgres).wait_ready(_LOGIN_SECONDS)
        except Unavailable:
            return None
        return f"{found.host}:{found.port}"

    async def locate() -> str | None:
        return await asyncio.to_thread(look)

    return locate
