"""All SQL of recommendation."""

import json
from collections.abc import AsyncIterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import MetaData, Row, Table, insert, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as insert_or_find

from services.recommendation.domain import Arm, Purpose, Zone
from services.recommendation.ports import DeskItem, DeskList, Place, StoredCatalogue, StoredMatrix
from services.recommendation.tables import CATALOGUES, DESK_NUMBER_PAGES, DESK_PAGES, MATRICES, SWITCHES, metadata
from services.recommendation.use_cases.targets import TARGET_SELECTIONS
from shared.db.engine import Database
from shared.db.locks import advisory_lock
from shared.db.single_reads import Found, SingleReads
from shared.db.transactions import WriteTransaction
from shared.errors import AlreadyExists, NotFound
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.runs.domain import Run, RunPage, RunPlace
from shared.runs.store import RunStore
from shared.runs.tables import run_of

KEPT_BATCHES = 2
"""How many switched-in runs stay loaded: the current one, and the one before for readers still in it."""

_SCHEMA = metadata.schema
_WHOLE_BLOCK = 8_160
"""The largest allowed: what fits a block is stored there as it is, neither compressed nor set aside."""


def _entry(page: str, key: str) -> str:
    return f"{page}.entries[array_position({page}.keys, {key})]"


def _page(name: str, pages: Table, key: str) -> str:
    """Return a join with the page of the newest batch in which the key is, if it is there at all."""
    return f"""
    CROSS JOIN LATERAL (
        SELECT keys, entries FROM {pages.fullname}
        WHERE batch = newest.batch AND first_key <= {key} ORDER BY first_key DESC LIMIT 1
    ) AS {name}
    """


def _desk_sql(customer_id: str, joins: str) -> str:
    return f"""
    SELECT run_id, cycle, catalogue_id, switch_time, {customer_id} AS customer_id, {_entry("page", customer_id)} AS list
    FROM (SELECT * FROM {SWITCHES.fullname} ORDER BY batch DESC LIMIT 1) AS newest {joins}
    """


_KEY = "CAST($1 AS text)"
_HOLDER = _entry("numbers", _KEY)
_BY_CUSTOMER = _desk_sql(_KEY, _page("page", DESK_PAGES, _KEY))
_BY_MSISDN = _desk_sql(_HOLDER, _page("numbers", DESK_NUMBER_PAGES, _KEY) + _page("page", DESK_PAGES, _HOLDER))


@dataclass(frozen=True, slots=True)
class PostgresRulebook:
    """Versions of matrices and catalogues, each call in a transaction of its own."""

    database: Database

    async def add_matrix(self, matrix: StoredMatrix) -> StoredMatrix:
        """Store a version, or return the one that is there with the same id and text. Raises AlreadyExists."""
        async with self.database.write() as tx:
            found = await _add(tx, MATRICES, _values(matrix, MATRICES))
        return _matrix(_same_text(found, matrix.csv, f"matrices/{matrix.matrix_id}"))

    async def matrix(self, matrix_id: str) -> StoredMatrix:
        """Return one version. Raises NotFound."""
        async with self.database.read() as tx:
            statement = select(MATRICES).where(MATRICES.c.matrix_id == matrix_id)
            found = (await tx.connection.execute(statement)).one_or_none()
        if found is None:
            raise NotFound(f"matrices/{matrix_id}")
        return _matrix(found)

    async def matrices(self, *, after: Place | None, limit: int) -> Sequence[StoredMatrix]:
        """Return up to `limit` versions, newest first."""
        columns = MATRICES.c.create_time, MATRICES.c.matrix_id
        statement = select(MATRICES).order_by(*(column.desc() for column in columns)).limit(limit)
        if after is not None:
            statement = statement.where(tuple_(*columns) < (after.create_time, after.identifier))
        async with self.database.read() as tx:
            return [_matrix(row) for row in await tx.connection.execute(statement)]

    async def add_catalogue(self, catalogue: StoredCatalogue) -> StoredCatalogue:
        """Store a version, or return the one that is there with the same id and text. Raises AlreadyExists."""
        async with self.database.write() as tx:
            found = await _add(tx, CATALOGUES, _values(catalogue, CATALOGUES))
        found = _same_text(found, catalogue.csv, f"policyCatalogues/{catalogue.catalogue_id}")
        if found.products_csv != catalogue.products_csv:
            raise AlreadyExists(f"policyCatalogues/{catalogue.catalogue_id}")
        return _catalogue(found)

    async def catalogue(self, catalogue_id: str) -> StoredCatalogue:
        """Return one version. Raises NotFound."""
        async with self.database.read() as tx:
            statement = select(CATALOGUES).where(CATALOGUES.c.catalogue_id == catalogue_id)
            found = (await tx.connection.execute(statement)).one_or_none()
        if found is None:
            raise NotFound(f"policyCatalogues/{catalogue_id}")
        return _catalogue(found)

    async def newest_catalogue_id(self) -> str:
        """Return the id of the newest version. Raises NotFound when there is none."""
        newest_first = CATALOGUES.c.create_time.desc(), CATALOGUES.c.catalogue_id.desc()
        async with self.database.read() as tx:
            statement = select(CATALOGUES.c.catalogue_id).order_by(*newest_first).limit(1)
            found: str | None = (await tx.connection.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound("a policy catalogue (import one first)")
        return found


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


@dataclass(frozen=True, slots=True)
class PostgresRuns:
    """The runs of both kinds, each call in a transaction of its own."""

    database: Database
    store: RunStore

    async def create(self, kind: str, run_id: str, request: JsonObject, *, principal: str, now: datetime) -> Run:
        """Queue a run, or return the one that is there with this id and request. Raises AlreadyExists."""
        async with self.database.write() as tx:
            return await self.store.create(tx, kind=kind, run_id=run_id, request=request, principal=principal, now=now)

    async def get(self, kind: str, run_id: str) -> Run:
        """Return one run. Raises NotFound."""
        async with self.database.read() as tx:
            return await self.store.get(tx, kind, run_id)

    async def selection_of(self, targets: Dataset) -> Run:
        """Return the target selection that made these targets. Raises NotFound."""
        runs, made = self.store.tables.runs, {"targets": {"uri": targets.uri, "fingerprint": targets.fingerprint}}
        statement = select(runs).where(runs.c.kind == TARGET_SELECTIONS, runs.c.result.contains(made)).limit(1)
        async with self.database.read() as tx:
            found = (await tx.connection.execute(statement)).one_or_none()
        if found is None:
            raise NotFound(f"a target selection that made {targets.uri}")
        return run_of(found)

    async def page(self, kind: str, *, after: RunPlace | None, limit: int) -> RunPage:
        """Return up to `limit` runs, newest first."""
        async with self.database.read() as tx:
            return await self.store.page(tx, kind, after=after, limit=limit)

    async def switched_in(self) -> str:
        """Return the id of the assembly run whose lists the desk reads. Raises NotFound before the first switch."""
        statement = select(SWITCHES.c.run_id).order_by(SWITCHES.c.batch.desc()).limit(1)
        async with self.database.read() as tx:
            found: str | None = (await tx.connection.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound("an assembly run that was switched in (run a cycle first)")
        return found


@dataclass(frozen=True, slots=True)
class PostgresDesk:
    """The lists that are switched in, by index."""

    reads: SingleReads

    async def by_customer(self, customer_id: str) -> DeskList | None:
        """Return the list of a customer as it is switched in now."""
        return await self._one(_BY_CUSTOMER, customer_id)

    async def by_msisdn(self, msisdn: str) -> DeskList | None:
        """Return the list of the customer who held the number at the snapshot."""
        return await self._one(_BY_MSISDN, msisdn)

    async def _one(self, sql: str, key: str) -> DeskList | None:
        rows = await self.reads.rows(sql, key)
        return _desk_list(rows[0]) if rows and rows[0]["list"] is not None else None


async def _add(tx: WriteTransaction, table: Table, values: dict[str, object]) -> Row[tuple[object, ...]]:
    """Insert a row, or find the one with its primary key."""
    key = next(iter(table.primary_key.columns))
    statement = insert_or_find(table).values(values).on_conflict_do_nothing(index_elements=[key]).returning(*table.c)
    added = (await tx.connection.execute(statement)).one_or_none()
    if added is not None:
        return added
    return (await tx.connection.execute(select(table).where(key == values[key.name]))).one()


def _same_text(found: Row[tuple[object, ...]], csv: str, name: str) -> Row[tuple[object, ...]]:
    if found.csv != csv:
        raise AlreadyExists(name)
    return found


def _values(stored: StoredMatrix | StoredCatalogue, table: Table) -> dict[str, object]:
    return {column.name: getattr(stored, column.name) for column in table.columns}


def _matrix(row: Row[tuple[object, ...]]) -> StoredMatrix:
    return StoredMatrix(
        matrix_id=row.matrix_id,
        purpose=Purpose(row.purpose),
        display_name=row.display_name,
        hit_policy=row.hit_policy,
        rule_count=row.rule_count,
        csv=row.csv,
        create_time=row.create_time,
        author=row.author,
    )


def _catalogue(row: Row[tuple[object, ...]]) -> StoredCatalogue:
    return StoredCatalogue(
        catalogue_id=row.catalogue_id,
        csv=row.csv,
        products_csv=row.products_csv,
        policy_count=row.policy_count,
        product_count=row.product_count,
        create_time=row.create_time,
        author=row.author,
    )


def _desk_list(row: Found) -> DeskList:
    msisdn, city, arm, withheld, items = json.loads(row["list"])
    return DeskList(
        run_id=row["run_id"],
        cycle=row["cycle"],
        catalogue_id=row["catalogue_id"],
        switch_time=row["switch_time"],
        customer_id=row["customer_id"],
        msisdn=msisdn,
        city=city,
        arm=Arm(arm),
        withheld=withheld,
        items=tuple(_items(items)),
    )


def _items(entries: Sequence[Mapping[str, Any]]) -> Iterator[DeskItem]:
    """Read the recommendations; the first about a product, or of the retention zone, is the main one.

    Packs are no choice among one another, so each of them is one. Lists loaded of old do not name the matrix: its name was the
    zone's.
    """
    seen = set()
    for entry in entries:
        zone, about = Zone(entry["z"]), (entry["z"], entry["d"])
        main = zone is Zone.VOICE_USAGE or about not in seen
        yield DeskItem(zone, entry["p"], entry["n"], Purpose(entry.get("m", entry["z"])), entry["r"], main)
        seen.add(about)


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
