"""The runs, as RPCs see them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from services.recommendation.tables import SWITCHES
from services.recommendation.use_cases.targets import TARGET_SELECTIONS
from shared.db.engine import Database
from shared.errors import NotFound
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.runs.domain import Run, RunPage, RunPlace
from shared.runs.store import RunStore
from shared.runs.tables import run_of


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

    async def last_of(self, cycle: str) -> str:
        """Return the id of the assembly run of a cycle that was switched in last. Raises NotFound."""
        statement = (
            select(SWITCHES.c.run_id).where(SWITCHES.c.cycle == cycle).order_by(SWITCHES.c.batch.desc()).limit(1)
        )
        async with self.database.read() as tx:
            found: str | None = (await tx.connection.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound(f"an assembly run of {cycle} that was switched in")
        return found

    async def switched_in(self) -> str:
        """Return the id of the assembly run whose lists the desk reads. Raises NotFound before the first switch."""
        statement = select(SWITCHES.c.run_id).order_by(SWITCHES.c.batch.desc()).limit(1)
        async with self.database.read() as tx:
            found: str | None = (await tx.connection.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound("an assembly run that was switched in (run a cycle first)")
        return found
