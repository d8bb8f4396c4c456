"""The two kinds of transaction; distinct types, so that the type checker keeps writes out of read paths."""

from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class ReadTransaction:
    """A read-only transaction, READ COMMITTED: each statement sees what was committed before it."""

    connection: AsyncConnection


@dataclass(frozen=True, slots=True)
class WriteTransaction:
    """A read-write transaction, READ COMMITTED; the `Database` that opened it commits or rolls back at its edge."""

    connection: AsyncConnection

    async def copy_records(
        self,
        table: Table,
        columns: Sequence[str],
        records: Iterable[tuple[object, ...]] | AsyncIterable[tuple[object, ...]],
    ) -> int:
        """Load `records`, values in the order of `columns`, by binary COPY; a JSON value is its text. Return the rows."""
        driver = await self._driver()
        status = await driver.copy_records_to_table(
            table.name, schema_name=table.schema, columns=list(columns), records=records
        )
        return _row_count(status)

    async def copy_binary(
        self, table: Table, columns: Sequence[str], chunks: AsyncIterable[bytes], *, new: bool = False
    ) -> int:
        """Load PostgreSQL's binary COPY format, cut anywhere into `chunks`. Return the rows.

        `new` says that this transaction made the table: its rows are then written as old ones, and need no vacuum.
        """
        driver = await self._driver()
        status = await driver.copy_to_table(
            table.name, schema_name=table.schema, columns=list(columns), source=chunks, format="binary", freeze=new
        )
        return _row_count(status)

    async def _driver(self) -> asyncpg.Connection:
        driver = await driver_of(self.connection)
        if not driver.is_in_transaction():
            # SQLAlchemy sends BEGIN with the first statement only; without it, COPY would commit by itself.
            await self.connection.exec_driver_sql("SELECT 1")
        return driver


async def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """Return the driver's connection below SQLAlchemy's."""
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise TypeError(f"expected asyncpg, not {type(driver).__name__}")
    return driver


AnyTransaction: TypeAlias = ReadTransaction | WriteTransaction
"""For queries that are asked on read paths and before writes alike."""


def _row_count(status: str) -> int:
    """Read n from the command tag `COPY n`."""
    return int(status.rpartition(" ")[2])
