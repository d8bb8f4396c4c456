"""Proves by a real login that the server at an address is the one of a given data folder."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg

from shared.db.embedded.address import ServerAddress
from shared.errors import Unavailable

_SECONDS = 5.0


def refusal(address: ServerAddress, data: Path) -> str | None:
    """Log in as superuser; return None if the server serves `data`, else why not (yet). Waits at most about 5 s."""
    # A thread of its own, because the caller's may have a running event loop.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, _refusal(address, data)).result()


async def _refusal(address: ServerAddress, data: Path) -> str | None:
    try:
        served = await asyncio.wait_for(_served_folder(address), _SECONDS)
    except asyncpg.InvalidPasswordError as error:
        raise Unavailable(f"the password kept beside {data} is not the server's: restore it ({error})") from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return f"{type(error).__name__}: {error}"
    return None if served == str(data) else f"port {address.port} is served from {served}"


async def _served_folder(address: ServerAddress) -> str:
    connection = await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database="postgres",
        ssl=False,
    )
    try:
        return str(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()
