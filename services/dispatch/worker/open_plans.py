"""The started plans that may have something to push, as all senders of a worker see them: read again after a moment, or at once
when a plan is started."""

import asyncio
import time
from collections.abc import Sequence

from services.dispatch.domain.plans import Channel, Plan, PlanId
from services.dispatch.ports.store import WorkOpener

_READ_SECONDS = 0.2


class OpenPlans:
    """Read by whoever asks when what is known is too old. A plan changes no more once it is started, so each is read once."""

    def __init__(self, work: WorkOpener) -> None:
        self._work = work
        self._plans: Sequence[Plan] = ()
        self._known: dict[PlanId, Plan] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._news = asyncio.Event()

    async def of(self, channel: Channel) -> Sequence[Plan]:
        """Return those of a channel, the longest started first."""
        async with self._reading:
            if time.monotonic() - self._read_at > _READ_SECONDS:
                self._read_at = time.monotonic()
                async with self._work() as work:
                    self._plans = await work.plans.started(self._known)
                self._known = {plan.plan_id: plan for plan in self._plans}
        return [plan for plan in self._plans if plan.request.channel is channel]

    def changed(self) -> None:
        """Somebody started a plan: wake up who waits, and read again."""
        self._read_at = float("-inf")
        self._news.set()
        self._news = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait for the next change, so long at most."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
