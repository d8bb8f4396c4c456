"""Shows that a worker is alive, settles what dead ones left, and hears of plans that are started.

A worker holds a session-level advisory lock on its random key. Whoever gets hold of the key of another knows that it is dead.
"""

import asyncio
import uuid

import structlog

from services.dispatch.ports.store import PLAN_STARTED, WorkOpener
from services.dispatch.use_cases.sending import bury_worker
from services.dispatch.worker.open_plans import OpenPlans
from shared.clock import Clock
from shared.db.engine import Database
from shared.db.locks import LockSession
from shared.errors import Conflict, Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_NAMESPACE = "dispatch.worker"
_LOOK_SECONDS = 0.5
_RETRY_SECONDS = 0.05


class Presence:
    """One worker's key. While `held` is set nobody else takes its claims for a dead worker's."""

    def __init__(self, database: Database, *, work: WorkOpener, plans: OpenPlans, clock: Clock) -> None:
        self.worker_key = str(uuid.uuid4())
        self.held = asyncio.Event()
        self._database = database
        self._work = work
        self._plans = plans
        self._clock = clock

    async def run(self) -> None:
        """Hold the key until cancelled, through any restart of the database."""
        while True:
            try:
                async with self._database.lock_session() as session:
                    await self._hold(session)
            except (Unavailable, Conflict) as failure:
                log.warning("worker_presence_lost", why=failure.message)
            finally:
                self.held.clear()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _hold(self, session: LockSession) -> None:
        while not await session.try_lock(_NAMESPACE, self.worker_key):  # noqa: ASYNC110 - another process has it
            await asyncio.sleep(_RETRY_SECONDS)  # it buries what we left at the last connection
        await session.listen(PLAN_STARTED, self._plans.changed)
        self.held.set()
        while not session.lost.is_set():
            await self._bury_the_dead(session)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _bury_the_dead(self, session: LockSession) -> None:
        async with self._work() as work:
            others = await work.claims.worker_keys() - {self.worker_key}
        for worker_key in sorted(others):
            if not await session.try_lock(_NAMESPACE, worker_key):
                continue
            try:
                async with self._work() as work:
                    unknown = await bury_worker(worker_key, work=work, now=self._clock.now())
                log.warning("dead_worker_settled", worker=worker_key, indeterminate=unknown)
            finally:
                await session.unlock(_NAMESPACE, worker_key)
