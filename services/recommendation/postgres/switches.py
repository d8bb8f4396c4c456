"""Lists loaded and switched in, inside the transactions of a worker's stages."""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import MetaData, Table, insert, select, text

from services.recommendation.tables import DESK_NUMBER_PAGES, DESK_PAGES, SWITCHES, metadata
from shared.db.locks import advisory_lock
from shared.db.transactions import WriteTransaction

KEPT_BATCHES = 2
"""How many switched-in runs stay loaded: the current one, and the one before for readers still in it."""

_SCHEMA = metadata.schema
_WHOLE_BLOCK = 8_160
"""The largest allowed: what fits a block is stored there as it is, neither compressed nor set aside."""


@dataclass(frozen=True, slots=True)
class PostgresSwitches:
    """Loads lists and switches them in, inside the transactions of a worker's stages."""

    async def switch_in(
        self,
        tx: WriteTransaction,
        *,
        run_id: str,
        cycle: str,
        catalogue_id: str,
        switch_time: datetime,
        lists: AsyncIterable[bytes],
        numbers: AsyncIterable[bytes],
    ) -> None:
        """Load pages, in COPY's binary format, into partitions of their own and make them those that the desk reads.

        Readers see none of it before `tx` commits, and all of it from then on. Runs that switch at once queue here.
        """
        await advisory_lock(tx, SWITCHES.fullname, ["lists"])
        await _execute_all(tx, "SET LOCAL statement_timeout = 0")
        values = {"run_id": run_id, "cycle": cycle, "catalogue_id": catalogue_id, "switch_time": switch_time}
        added = await tx.connection.execute(insert(SWITCHES).values(values).returning(SWITCHES.c.batch))
        batch: int = added.scalar_one()
        await _load(tx, DESK_PAGES, batch, lists)
        await _load(tx, DESK_NUMBER_PAGES, batch, numbers)

    async def drop_old(self, tx: WriteTransaction) -> None:
        """Drop the partitions of all but the newest batches. Readers wait for its commit, which is at once."""
        kept = select(SWITCHES.c.batch).order_by(SWITCHES.c.batch.desc()).limit(KEPT_BATCHES)
        newest = set((await tx.connection.execute(kept)).scalars())
        found = await tx.connection.execute(
            text(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = ANY (CAST(:parents AS regclass[]))"
            ),
            {"parents": [DESK_PAGES.fullname, DESK_NUMBER_PAGES.fullname]},
        )
        old = [name for name in found.scalars() if int(name.rpartition("_")[2]) not in newest]
        await _execute_all(tx, *(f"DROP TABLE {name}" for name in old))


async def _load(tx: WriteTransaction, pages: Table, batch: int, chunks: AsyncIterable[bytes]) -> None:
    """Fill a partition for the batch, with its index, and attach it."""
    partition = Table(f"{pages.name}_{batch}", MetaData(schema=_SCHEMA))
    await _execute_all(
        tx,
        f"CREATE TABLE {partition.fullname} (LIKE {pages.fullname}, CHECK (batch = {batch}))"
        f" WITH (toast_tuple_target = {_WHOLE_BLOCK})",
        f"ALTER TABLE {partition.fullname} ALTER batch SET DEFAULT {batch}",
    )
    await tx.copy_binary(
        partition, [column.name for column in pages.columns if column.name != "batch"], chunks, new=True
    )
    await _execute_all(
        tx,
        f"CREATE UNIQUE INDEX ON {partition.fullname} (first_key)",
        f"ALTER TABLE {pages.fullname} ATTACH PARTITION {partition.fullname} FOR VALUES IN ({batch})",
    )


async def _execute_all(tx: WriteTransaction, *statements: str) -> None:
    for statement in statements:
        await tx.connection.execute(text(statement))
