"""Imports and snapshots in PostgreSQL: they are runs, and nothing else is kept there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from services.profile.domain.resources import (
    IMPORTS,
    SNAPSHOTS,
    Import,
    ImportRequest,
    Snapshot,
    SnapshotRequest,
)
from services.profile.tables import RUNS
from shared.db.engine import Database
from shared.db.transactions import AnyTransaction, WriteTransaction
from shared.runs.domain import RunPlace, RunState
from shared.runs.json import to_json
from shared.runs.store import RunStore
from shared.runs.tables import run_of

_STORE = RunStore(RUNS)


@dataclass(frozen=True, slots=True)
class PostgresStore:
    """Opens transactions on the profile schema."""

    database: Database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["StoredResources"]:
        async with self.database.read() as tx:
            yield StoredResources(tx)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator["ChangeableStoredResources"]:
        async with self.database.write() as tx:
            yield ChangeableStoredResources(tx, tx)


@dataclass(frozen=True, slots=True)
class StoredResources:
    """What one transaction sees."""

    tx: AnyTransaction

    async def get_import(self, import_id: str) -> Import:
        return Import.of(await _STORE.get(self.tx, IMPORTS, import_id))

    async def list_imports(self, after: RunPlace | None, limit: int) -> tuple[Sequence[Import], RunPlace | None]:
        page = await _STORE.page(self.tx, IMPORTS, after=after, limit=limit)
        return [Import.of(run) for run in page.runs], page.next_place

    async def newest_import_before(self, cycle: str) -> Import | None:
        runs = RUNS.runs
        of = runs.c.request["cycle"].astext
        succeeded = (runs.c.kind == IMPORTS, runs.c.state == RunState.SUCCEEDED, of < cycle)
        latest_first = (of.desc(), runs.c.create_time.desc(), runs.c.run_id.desc())
        row = (
            await self.tx.connection.execute(select(runs).where(*succeeded).order_by(*latest_first).limit(1))
        ).first()
        return None if row is None else Import.of(run_of(row))

    async def get_snapshot(self, snapshot_id: str) -> Snapshot:
        return Snapshot.of(await _STORE.get(self.tx, SNAPSHOTS, snapshot_id))

    async def list_snapshots(self, after: RunPlace | None, limit: int) -> tuple[Sequence[Snapshot], RunPlace | None]:
        page = await _STORE.page(self.tx, SNAPSHOTS, after=after, limit=limit)
        return [Snapshot.of(run) for run in page.runs], page.next_place

    async def newest_snapshot(self) -> Snapshot | None:
        runs = RUNS.runs
        succeeded = (runs.c.kind == SNAPSHOTS, runs.c.state == RunState.SUCCEEDED)
        newest_first = (runs.c.create_time.desc(), runs.c.run_id.desc())
        statement = select(runs).where(*succeeded).order_by(*newest_first).limit(1)
        row = (await self.tx.connection.execute(statement)).one_or_none()
        return None if row is None else Snapshot.of(run_of(row))

    async def newest_snapshot_before(self, cycle: str) -> Snapshot | None:
        runs = RUNS.runs
        cycle_of = runs.c.request["cycle"].astext
        succeeded = (runs.c.kind == SNAPSHOTS, runs.c.state == RunState.SUCCEEDED, cycle_of < cycle)
        newest_first = (cycle_of.desc(), runs.c.create_time.desc(), runs.c.run_id.desc())
        statement = select(runs).where(*succeeded).order_by(*newest_first).limit(1)
        row = (await self.tx.connection.execute(statement)).one_or_none()
        return None if row is None else Snapshot.of(run_of(row))


@dataclass(frozen=True, slots=True)
class ChangeableStoredResources(StoredResources):
    """What one writing transaction sees and adds."""

    writing: WriteTransaction

    async def create_import(self, import_id: str, request: ImportRequest, *, principal: str, now: datetime) -> Import:
        asked = {"kind": IMPORTS, "run_id": import_id, "principal": principal}
        return Import.of(await _STORE.create(self.writing, **asked, request=to_json(request), now=now))

    async def create_snapshot(
        self, snapshot_id: str, request: SnapshotRequest, *, principal: str, now: datetime
    ) -> Snapshot:
        asked = {"kind": SNAPSHOTS, "run_id": snapshot_id, "principal": principal}
        return Snapshot.of(await _STORE.create(self.writing, **asked, request=to_json(request), now=now))
