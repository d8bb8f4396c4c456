"""What feedback does: follow dispatch's events, take orders, report."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.feedback.domain import ContactEvent, EventKind, Outcome
from services.feedback.ports import Dispatch, Evaluations, OpenIntake, Targets
from shared.errors import InvalidInput, Violation
from shared.lake.dataset import Dataset

CONTROL_GROUPS = "controlGroups"
"""The collection, and the kind of the runs that draw them."""

MAX_OUTCOMES = 1000
EVENTS_AT_ONCE = 1000
MAX_PERCENT = 50
_CYCLE = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class DrawnArms:
    """Published membership and customers per arm."""

    membership: Dataset
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DrawArms:
    """A request to draw the arms of a cycle over the owners of its views."""

    cycle: str
    views: Dataset
    control_percent: int
    random_percent: int
    seed: int

    def check(self) -> None:
        """Raise InvalidInput with all that is wrong."""
        shares = {"control_percent": self.control_percent, "random_percent": self.random_percent}
        violations = [
            Violation(name, f"expected 0 to {MAX_PERCENT} percent, got {share}")
            for name, share in shares.items()
            if not 0 <= share <= MAX_PERCENT
        ]
        if not _CYCLE.fullmatch(self.cycle):
            violations.append(Violation("cycle", f"expected a month like 2026-11, got {self.cycle!r}"))
        if not self.views.uri:
            violations.append(Violation("views", "is missing"))
        if violations:
            raise InvalidInput(violations)


async def follow_dispatch(*, dispatch: Dispatch, targets: Targets, open_intake: OpenIntake) -> Sequence[ContactEvent]:
    """Take one page of dispatch's events and remember the place, in one transaction; return them, none when nothing is new.

    Members of a plan are loaded with the event of its start. Raises Unavailable when dispatch or the database is away.
    """
    async with open_intake() as intake:
        cursor = await intake.load_cursor()
        page = await dispatch.events(cursor, limit=EVENTS_AT_ONCE)
        if page.cursor == cursor:
            return ()
        started = {event.plan for event in page.events if event.kind is EventKind.PLAN_STARTED}
        for name in sorted(started - await intake.known_plans(started)):
            plan, dataset = await dispatch.plan(name)
            await intake.add_plan(plan, targets.members(dataset))
        await intake.apply(page.events)
        await intake.save_cursor(page.cursor)
    return page.events


async def record_outcomes(outcomes: Sequence[Outcome], *, evaluations: Evaluations) -> int:
    """Store orders that BOSS saw; return how many were new. Raises InvalidInput with all that is wrong."""
    violations = [violation for index, outcome in enumerate(outcomes) for violation in _check(index, outcome)]
    if not 1 <= len(outcomes) <= MAX_OUTCOMES:
        violations.append(Violation("outcomes", f"expected 1 to {MAX_OUTCOMES}, got {len(outcomes)}"))
    if violations:
        raise InvalidInput(violations)
    return await evaluations.add_outcomes(outcomes)


def _check(index: int, outcome: Outcome) -> list[Violation]:
    texts = {"order_id": outcome.order_id, "customer_id": outcome.customer_id, "policy": outcome.policy}
    found = [Violation(f"outcomes[{index}].{name}", "is empty") for name, text in texts.items() if not text]
    if outcome.order_time <= datetime.fromtimestamp(0, tz=outcome.order_time.tzinfo):
        found.append(Violation(f"outcomes[{index}].order_time", "is missing"))
    return found
