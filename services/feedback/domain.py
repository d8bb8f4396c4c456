"""What customers did, by arm: values and the statistics of a comparison."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import sqrt
from typing import NewType

PlanName = NewType("PlanName", str)
"""pushPlans/{push_plan}."""

_Z95 = 1.959963984540054
"""Two-sided 95% quantile of the normal distribution."""


class Arm(StrEnum):
    TARGETED = "targeted"
    RANDOM = "random"
    CONTROL = "control"


class EventKind(StrEnum):
    """What dispatch tells us, as far as it changes a report."""

    PLAN_STARTED = "plan_started"
    SENT = "sent"
    INDETERMINATE = "indeterminate"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    ACCEPTED = "accepted"
    CONSIDERING = "considering"
    DECLINED = "declined"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True, slots=True)
class ContactEvent:
    """One event of dispatch; `customer_id` is empty for an event of a plan, `plan` for an opt-out that no plan caused and at
    the desk, where `policy` says what was offered."""

    event_id: str
    kind: EventKind
    event_time: datetime
    plan: PlanName
    customer_id: str
    traceparent: str
    policy: str = ""

    def as_order(self) -> "Outcome | None":
        """Return the order that a yes at the desk is: no plan had to cause it; None for all else."""
        if self.kind is not EventKind.ACCEPTED or not self.policy:
            return None
        return Outcome(f"desk/{self.event_id}", self.customer_id, self.policy, self.event_time)


@dataclass(frozen=True, slots=True)
class StartedPlan:
    """A plan as it was when it was started."""

    name: PlanName
    display_name: str
    start_time: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """An order that BOSS saw, or a yes at the desk; `order_id` is unique, BOSS's own for the former."""

    order_id: str
    customer_id: str
    policy: str
    order_time: datetime


@dataclass(frozen=True, slots=True)
class MemberOutcome:
    """What came of one customer of a plan; `ordered_at` is the first order of the policy after the plan's start."""

    arm: Arm
    policy: str
    sent: bool
    reached: bool
    answer: str
    opted_out: bool
    ordered_at: datetime | None
    success: bool


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """Customers of one arm of one plan, counted once each."""

    arm: Arm
    members: int = 0
    sent: int = 0
    reached: int = 0
    declined: int = 0
    opted_out: int = 0
    successes: int = 0
    outcomes: int = 0

    @property
    def base(self) -> int:
        """Those who could succeed: who was sent to; in the control arm, everyone."""
        return self.members if self.arm is Arm.CONTROL else self.sent


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95% interval, as a share or a difference of shares."""

    estimate: float
    low: float
    high: float


def wilson(successes: int, base: int) -> Interval:
    """Return the share successes/base with its Wilson score interval (Wilson 1927); of nothing, nothing is known: 0 in [0, 1]."""
    if base == 0:
        return Interval(0.0, 0.0, 1.0)
    share, z2 = successes / base, _Z95**2
    centre = (share + z2 / (2 * base)) / (1 + z2 / base)
    half = _Z95 / (1 + z2 / base) * sqrt(share * (1 - share) / base + z2 / (4 * base**2))
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def difference(one: Interval, other: Interval) -> Interval:
    """Return one - other with its interval by Newcombe's hybrid of Wilson scores (Newcombe 1998, method 10)."""
    estimate = one.estimate - other.estimate
    down = sqrt((one.estimate - one.low) ** 2 + (other.high - other.estimate) ** 2)
    up = sqrt((one.high - one.estimate) ** 2 + (other.estimate - other.low) ** 2)
    return Interval(estimate, estimate - down, estimate + up)


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What came of a plan; `as_of` is the time of the newest event or order that it counts, None before the first."""

    plan: StartedPlan
    arms: tuple[ArmCounts, ...]
    as_of: datetime | None

    def counts(self, arm: Arm) -> ArmCounts:
        """Return the counts of an arm; all zeros for one without members."""
        return next((counts for counts in self.arms if counts.arm is arm), ArmCounts(arm))

    def success(self, arm: Arm) -> Interval:
        """Return the success rate of an arm; an empty one is unknown."""
        counts = self.counts(arm)
        return wilson(counts.successes, counts.base)
