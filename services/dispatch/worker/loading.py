"""Loads the targets of a plan into pushes: one stage, one transaction."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from services.dispatch.domain.plans import PlanId
from services.dispatch.domain.templates import CITY, LONGEST_CITY
from services.dispatch.ports.store import ReadingOpener, TargetValues, Work
from shared.db.transactions import WriteTransaction
from shared.errors import InvalidInput
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.runs.stages import Stage, StageContext


class TargetSource(Protocol):
    """The rows of one dataset of targets that are to be pushed."""

    @property
    def traceparent(self) -> str: ...

    def policies(self) -> set[str]: ...

    def longest_city(self) -> str: ...

    def rows(self) -> Iterator[TargetValues]: ...


@dataclass(frozen=True, slots=True)
class PlanLoader:
    """Works on runs of kind `pushPlans`."""

    reading: ReadingOpener
    work_in: Callable[[WriteTransaction], Work]
    targets_of: Callable[[Dataset], TargetSource]

    @property
    def stages(self) -> tuple[Stage, ...]:
        return (Stage("pushes", self._load),)

    async def _load(self, context: StageContext) -> JsonObject:
        plan_id = PlanId(context.run.run_id)
        async with self.reading() as reading:
            plan = await reading.plans.get(plan_id)
        total = plan.request.targets.row_count
        await context.progress(0, total)
        source = self.targets_of(plan.request.targets)
        wordless = await asyncio.to_thread(source.policies) - {offer.policy for offer in plan.request.offers}
        if wordless:
            names = ", ".join(sorted(wordless))
            raise InvalidInput.of(
                "offers", f"there are targets of policies without an offer: {names}; create a new plan"
            )
        if any(CITY in offer.message + offer.title for offer in plan.request.offers):
            _require_fitting(await asyncio.to_thread(source.longest_city))
        work = self.work_in(await context.transaction())
        count = await work.plans.load(plan_id, source.rows(), traceparent=source.traceparent)
        await context.progress(total, total)
        return {"push_count": count}


def _require_fitting(city: str) -> None:
    """The lengths of the texts were reckoned for cities of common length."""
    if len(city) > LONGEST_CITY:
        why = f"{CITY} would be {city!r} for some, of {len(city)} characters, at most {LONGEST_CITY} expected"
        raise InvalidInput.of("offers", f"{why}; create a new plan that does not name it")
