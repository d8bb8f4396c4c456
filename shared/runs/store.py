"""Runs as their service's RPCs see them: asked for, looked up, listed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from shared.db.locks import notify
from shared.db.transactions import AnyTransaction, WriteTransaction
from shared.errors import AlreadyExists, NotFound
from shared.jsontypes import JsonObject, JsonValue
from shared.observability.context import current_traceparent
from shared.runs.domain import Run, RunPage, RunPlace, RunState
from shared.runs.tables import RunTables, run_of


@dataclass(frozen=True, slots=True)
class RunStore:
    """The runs of one service, of all its kinds."""

    tables: RunTables

    async def create(
        self, tx: WriteTransaction, *, kind: str, run_id: str, request: JsonObject, principal: str, now: datetime
    ) -> Run:
        """Queue a run, within the current trace; a worker takes it up after `tx` has committed.

        The same id with the same kind and request returns the run that is there; one that failed is queued again and
        goes on from the stage that failed. The same id with anything else raises `AlreadyExists`.
        """
        runs = self.tables.runs
        asked = {"principal": principal, "traceparent": current_traceparent()}
        fresh = {"state": RunState.PENDING, "attempt": 0, "stage": "", "done": 0, "total": 0, "result": {}}
        statement = (
            insert(runs)
            .values(run_id=run_id, kind=kind, request=request, create_time=now, **asked, **fresh)
            .on_conflict_do_nothing(index_elements=[runs.c.run_id])
            .returning(*runs.c)
        )
        created = (await tx.connection.execute(statement)).one_or_none()
        if created is not None:
            return await self._queued(tx, created)
        found = run_of(
            (await tx.connection.execute(select(runs).where(runs.c.run_id == run_id).with_for_update())).one()
        )
        if (found.kind, found.request) != (kind, request):
            raise AlreadyExists(f"{kind}/{run_id}")
        return await self._queue_again(tx, run_id, asked) if found.state is RunState.FAILED else found

    async def get(self, tx: AnyTransaction, kind: str, run_id: str) -> Run:
        """Return one run or raise `NotFound`."""
        runs = self.tables.runs
        statement = select(runs).where(runs.c.run_id == run_id, runs.c.kind == kind)
        row = (await tx.connection.execute(statement)).one_or_none()
        if row is None:
            raise NotFound(f"{kind}/{run_id}")
        return run_of(row)

    async def page(
        self,
        tx: AnyTransaction,
        kind: str,
        *,
        after: RunPlace | None = None,
        limit: int,
        request_has: Mapping[str, JsonValue] | None = None,
    ) -> RunPage:
        """Return up to `limit` runs, newest first, behind `after`; `request_has` keeps those asked for with these values."""
        runs = self.tables.runs
        statement = select(runs).where(runs.c.kind == kind)
        if after is not None:
            statement = statement.where(tuple_(runs.c.create_time, runs.c.run_id) < (after.create_time, after.run_id))
        if request_has:
            statement = statement.where(runs.c.request.contains(request_has))
        statement = statement.order_by(runs.c.create_time.desc(), runs.c.run_id.desc()).limit(limit + 1)
        found = tuple(run_of(row) for row in await tx.connection.execute(statement))
        shown = found[:limit]
        more = len(found) > limit
        return RunPage(shown, RunPlace(shown[-1].create_time, shown[-1].run_id) if more else None)

    async def _queue_again(self, tx: WriteTransaction, run_id: str, asked: Mapping[str, str]) -> Run:
        runs = self.tables.runs
        statement = (
            runs.update()
            .where(runs.c.run_id == run_id)
            .values(state=RunState.PENDING, failure_reason=None, failure_message=None, end_time=None, **asked)
            .returning(*runs.c)
        )
        return await self._queued(tx, (await tx.connection.execute(statement)).one())

    async def _queued(self, tx: WriteTransaction, row: Row[tuple[object, ...]]) -> Run:
        await notify(tx, self.tables.lock_namespace)
        return run_of(row)
