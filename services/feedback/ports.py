"""What feedback needs of the outside."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from services.feedback.domain import ContactEvent, MemberOutcome, Outcome, PlanName, PlanReport, StartedPlan
from shared.lake.dataset import Dataset

MemberRow = tuple[str, str, str]
"""Customer id, arm, policy."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in the order of their commit, and where to go on."""

    events: tuple[ContactEvent, ...]
    cursor: str


class Dispatch(Protocol):
    """What dispatch tells."""

    async def events(self, cursor: str, *, limit: int) -> EventPage:
        """Return what happened after `cursor`; the same cursor when that is nothing. Raises Unavailable."""
        ...

    async def plan(self, name: PlanName) -> tuple[StartedPlan, Dataset]:
        """Return a started plan and its targets. Raises NotFound, Unavailable."""
        ...


class Targets(Protocol):
    """The targets of plans, in the lake."""

    def members(self, targets: Dataset) -> AsyncIterator[MemberRow]:
        """Yield every target of a plan, the control arm too. Raises DatasetUnreadable."""
        ...


class Evaluations(Protocol):
    """What is known of plans and outcomes, inside one transaction."""

    async def add_plan(self, plan: StartedPlan, members: AsyncIterator[MemberRow]) -> None:
        """Store a plan that is not known yet, with its members."""
        ...

    async def apply(self, events: Sequence[ContactEvent]) -> None:
        """Mark the members of whom `events` tell; applying an event again changes nothing."""
        ...

    async def add_outcomes(self, outcomes: Sequence[Outcome]) -> int:
        """Store orders and return how many were new."""
        ...

    async def known_plans(self, names: Collection[PlanName]) -> set[PlanName]:
        """Return those of `names` that are stored."""
        ...

    async def report(self, name: PlanName) -> PlanReport:
        """Count a plan's arms. Raises NotFound."""
        ...

    async def member(self, name: PlanName, customer_id: str) -> MemberOutcome:
        """Return what came of one customer of a plan, by the rules of its report. Raises NotFound."""
        ...


class Intake(Evaluations, Protocol):
    """The writing side with its place in dispatch's events."""

    async def load_cursor(self) -> str: ...

    async def save_cursor(self, cursor: str) -> None: ...


class OpenIntake(Protocol):
    """Opens one transaction, committed when the body ends."""

    def __call__(self) -> AbstractAsyncContextManager[Intake]: ...
