"""Reads that a person waits for: one prepared statement each, without a transaction around it or an ORM before it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

from shared.db.errors import driver_errors_translated
from shared.errors import Unavailable

_CONNECT_SECONDS = 5.0
_Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Found: TypeAlias = "asyncpg.Record"


@dataclass(frozen=True, slots=True)
class SingleReads:
    """Connections of their own, read-only; a transaction of SQLAlchemy would cost two more round trips and its own time.

    Raises Unavailable where the database does not answer in five seconds.
    """

    pool: _Pool

    async def rows(self, sql: str, *values: object) -> Sequence[Found]:
        """Return what one statement finds; its values are `$1`, `$2` …"""
        with driver_errors_translated():
            try:
                return await self.pool.fetch(sql, *values)
            except OSError as error:  # refused, unreachable, or not in time
                raise Unavailable("the database cannot be reached; try again") from error


@asynccontextmanager
async def open_single_reads(url: str, *, application_name: str, pool_size: int = 8) -> AsyncIterator[SingleReads]:
    """Open the connections; the first is made at first use, so the server may come up later."""
    pool = asyncpg.create_pool(
        url,
        min_size=0,
        max_size=pool_size,
        timeout=_CONNECT_SECONDS,
        command_timeout=_CONNECT_SECONDS,
        reset=_keep,
        server_settings={
            "application_name": application_name,
            "default_transaction_read_only": "on",
            "jit": "off",
            "timezone": "UTC",
        },
    )
    async with pool:
        yield SingleReads(pool)


async def _keep(_connection: object) -> None:
    """Give a connection back as it is: single statements leave nothing behind, and resetting is a round trip."""
