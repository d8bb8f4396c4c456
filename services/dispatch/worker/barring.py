"""Follows the newest customer views, so that whom they forbid to contact is not contacted by plans made before."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from services.dispatch.domain.rules import Rule
from services.dispatch.ports.store import WorkOpener
from services.dispatch.ports.views import Snapshots
from shared.errors import Failure
from shared.lake.dataset import Dataset

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_LOOK_SECONDS = 5.0


@dataclass(slots=True)
class ViewsFollower:
    """Looks for a newer snapshot now and then; without profile, what was known last goes on to hold."""

    snapshots: Snapshots
    barred_in: Callable[[Dataset], Sequence[tuple[str, Rule]]]
    work: WorkOpener
    _complained: bool = False

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.look()
                self._complained = False
            except Failure as failure:
                if not self._complained:
                    log.warning("views_not_followed", reason=failure.reason, why=failure.message)
                self._complained = True
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Take whom the newest views bar, unless that is known already. Raises Failure."""
        newest = await self.snapshots.newest()
        if newest is None:
            return
        name, views = newest
        async with self.work() as work:
            known = await work.barred.snapshot()
        if known == name:
            return
        barred = await asyncio.to_thread(self.barred_in, views)
        async with self.work() as work:
            if await work.barred.snapshot() == known:  # else another worker was faster
                await work.barred.replace(name, barred)
        log.info("barred_customers_followed", snapshot=name, count=len(barred))
