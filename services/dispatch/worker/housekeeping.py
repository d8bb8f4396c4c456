"""What time brings about: holds end, plans end, leases end, and receipts find their contacts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from services.dispatch.domain.plans import Channel
from services.dispatch.ports.store import Work, WorkOpener
from services.dispatch.use_cases.calls import expire_call
from services.dispatch.use_cases.incoming import match_receipts, settle_by_number
from shared.clock import Clock
from shared.errors import Conflict, Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_ROUND_SECONDS = 0.4
_AT_ONCE = 1000
_MATCHES, _MANY = 10, 250
"""How often receipts are matched in one round, as long as that changes so many contacts: all else waits meanwhile, and while a
plan is under way there are always some more."""
_SAID_AGAIN = timedelta(seconds=4)
"""After so long the same notice is told again: it shows that the worker lives."""
_Done = TypeVar("_Done")


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """Goes round the ledger until told to stop; each task is a transaction of its own."""

    work: WorkOpener
    notices: Callable[[], Mapping[Channel, str]]
    """What is wrong with each channel that the worker serves, empty where nothing is."""
    call_grace: timedelta
    clock: Clock
    _told: dict[Channel, tuple[str, datetime]] = field(default_factory=dict, init=False)
    """What was said of each channel, and when."""

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.go_round()
            try:
                async with asyncio.timeout(_ROUND_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue

    async def go_round(self) -> None:
        """Do everything that is due once."""
        for _ in range(_MATCHES):
            if (await self._tried(self._match_receipts) or 0) < _MANY:
                break
        for task in (self._release_held, self._expire_pushes, self._end_calls, self._settle_by_number, self._tell):
            await self._tried(task)

    async def _tried(self, task: Callable[[Work], Awaitable[_Done]]) -> _Done | None:
        try:
            async with self.work() as work:
                return await task(work)
        except (Unavailable, Conflict) as failure:
            log.warning("housekeeping_waits", why=failure.message)
            return None

    async def _release_held(self, work: Work) -> None:
        await work.ledger.release_all_held(self.clock.now(), limit=_AT_ONCE)

    async def _expire_pushes(self, work: Work) -> None:
        await work.ledger.expire(self.clock.now(), limit=_AT_ONCE)

    async def _end_calls(self, work: Work) -> None:
        now = self.clock.now()
        overdue = await work.calls.overdue(now, started_before=now - self.call_grace, limit=_AT_ONCE)
        for call in (await work.calls.lock(overdue)).values() if overdue else ():
            await expire_call(call, work=work, now=now)

    async def _match_receipts(self, work: Work) -> int:
        return await match_receipts(work=work, now=self.clock.now())

    async def _settle_by_number(self, work: Work) -> None:
        await settle_by_number(work=work, now=self.clock.now())

    async def _tell(self, work: Work) -> None:
        now = self.clock.now()
        for channel, notice in self.notices().items():
            said, at = self._told.get(channel, ("", now - _SAID_AGAIN))
            if said != notice or now - at >= _SAID_AGAIN:
                await work.plans.tell(channel, notice, now)
                self._told[channel] = notice, now
