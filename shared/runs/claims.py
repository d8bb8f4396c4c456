"""Runs as their workers see them: claimed by one, recorded stage by stage, ended once.

A claim is a session-level advisory lock, which dies with its worker, plus an attempt number, which outlives a worker
that lost its lock without noticing: each change names its attempt, and changes nothing if a later one began.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Update, insert, select, update

from shared.db.engine import Database
from shared.db.locks import LockSession
from shared.db.transactions import WriteTransaction
from shared.jsontypes import JsonObject
from shared.runs.domain import OPEN_STATES, Attempt, Run, RunFailure, RunState, Superseded
from shared.runs.tables import RunTables, run_of

_CANDIDATES = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that is ours as long as the lock session lives."""

    run: Run
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class FinishedStage:
    """What a stage left: its output, and the units of work it counted."""

    name: str
    output: JsonObject
    units: int


@dataclass(frozen=True, slots=True)
class Claims:
    """The open runs of one service."""

    database: Database
    tables: RunTables

    async def listen(self, session: LockSession) -> None:
        """Let `session` hear of each run that is queued from now on."""
        await session.listen(self.tables.lock_namespace)

    async def take(self, session: LockSession, kinds: Sequence[str], now: datetime) -> Claim | None:
        """Claim the oldest open run of `kinds` that no living worker has; its lock is held by `session`."""
        for run_id in await self._open_runs(kinds):
            if not await session.try_lock(self.tables.lock_namespace, run_id):
                continue
            claim = await self._begin(run_id, now)
            if claim is not None:
                return claim
            await self.release(session, run_id)  # it ended between the look and the lock
        return None

    async def release(self, session: LockSession, run_id: str) -> None:
        """Give up the lock of a run."""
        await session.unlock(self.tables.lock_namespace, run_id)

    async def finished_stages(self, run_id: str) -> tuple[FinishedStage, ...]:
        """Return the stages that need not be done again."""
        stages = self.tables.stages
        statement = select(stages.c.name, stages.c.output, stages.c.units).where(stages.c.run_id == run_id)
        async with self.database.read() as tx:
            return tuple(FinishedStage(*row) for row in await tx.connection.execute(statement))

    async def show(self, claim: Claim, *, stage: str, done: int, total: int) -> None:
        """Store where the run stands, at once."""
        async with self.database.write() as tx:
            await _change_one(tx, self._of(claim).values(stage=stage, done=done, total=total))

    async def record(
        self, tx: WriteTransaction, claim: Claim, stage: FinishedStage, *, done: int, total: int, now: datetime
    ) -> None:
        """Add the finished stage to what `tx` commits; `Superseded` rolls back all of it."""
        await _change_one(tx, self._of(claim).values(stage=stage.name, done=done, total=total))
        row = {"name": stage.name, "output": stage.output, "units": stage.units}
        await tx.connection.execute(
            insert(self.tables.stages).values(run_id=claim.run.run_id, attempt=claim.attempt, end_time=now, **row)
        )

    async def succeed(self, claim: Claim, result: JsonObject, now: datetime) -> None:
        """End the run with its result."""
        async with self.database.write() as tx:
            await _change_one(tx, self._of(claim).values(state=RunState.SUCCEEDED, result=result, end_time=now))

    async def fail(self, claim: Claim, failure: RunFailure, now: datetime) -> None:
        """End the run with a failure; its finished stages stay, for when it is asked for again."""
        values = {"failure_reason": failure.reason, "failure_message": failure.message}
        async with self.database.write() as tx:
            await _change_one(tx, self._of(claim).values(state=RunState.FAILED, end_time=now, **values))

    async def _open_runs(self, kinds: Sequence[str]) -> list[str]:
        runs = self.tables.runs
        statement = (
            select(runs.c.run_id)
            .where(runs.c.state.in_(OPEN_STATES), runs.c.kind.in_(kinds))
            .order_by(runs.c.create_time, runs.c.run_id)
            .limit(_CANDIDATES)
        )
        async with self.database.read() as tx:
            return list((await tx.connection.execute(statement)).scalars())

    async def _begin(self, run_id: str, now: datetime) -> Claim | None:
        runs = self.tables.runs
        found = select(runs).where(runs.c.run_id == run_id, runs.c.state.in_(OPEN_STATES)).with_for_update()
        async with self.database.write() as tx:
            row = (await tx.connection.execute(found)).one_or_none()
            if row is None:
                return None
            begun = {"state": RunState.RUNNING, "attempt": row.attempt + 1, "start_time": row.start_time or now}
            statement = update(runs).where(runs.c.run_id == run_id).values(**begun).returning(*runs.c)
            row = (await tx.connection.execute(statement)).one()
        return Claim(run_of(row), Attempt(row.attempt))

    def _of(self, claim: Claim) -> Update:
        """Change the run, provided it still is this claim's."""
        runs = self.tables.runs
        ours = (runs.c.attempt == claim.attempt, runs.c.state == RunState.RUNNING)
        return update(runs).where(runs.c.run_id == claim.run.run_id, *ours)


async def _change_one(tx: WriteTransaction, statement: Update) -> None:
    changed = await tx.connection.execute(statement)
    if changed.rowcount != 1:
        raise Superseded
