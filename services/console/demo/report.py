"""What a demonstration run came to: figures for a manager, and every promise that they must keep."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.feedback.v1 import evaluation_service_pb2 as evaluation_pb

from services.console.render.channels import ChannelFigures

ARMS = ("targeted", "random", "control")
COMPARABLE = 50
"""Members that each arm of a plan needs before its silence tells anything."""
_STATES = (
    "planned",
    "held",
    "claimed",
    "leased",
    "sent",
    "suppressed",
    "failed",
    "indeterminate",
    "expired",
    "cancelled",
)


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """What came of one arm; percentages with their 95% interval."""

    members: int
    sent: int
    outcomes: int
    successes: int
    success_percent: float
    success_percent_low: float
    success_percent_high: float


@dataclass(frozen=True, slots=True)
class DemoReport:
    """The figures of `.visavis/demo-report.json`. `pushes` is plan -> state -> count; `arms` is plan -> arm -> figures.

    Pushes and calls were counted at `time`, ISO 8601 by the injected clock; what comes due later, such as a call that somebody
    asked for, is not in them.
    """

    time: str
    customers: int
    lists: int
    rejects: int
    targets: Mapping[str, int]
    pushes: Mapping[str, Mapping[str, int]]
    calls_leased: int
    calls_reported: int
    calls_returned: int
    arms: Mapping[str, Mapping[str, ArmFigures]]
    channels: Sequence[ChannelFigures]
    trace_id: str
    seconds: Mapping[str, float]

    def as_json(self) -> dict[str, object]:
        """Return the report with its problems, as JSON values."""
        return {**asdict(self), "problems": list(self.problems())}

    def problems(self) -> Sequence[str]:
        """Return each promise that does not hold, in words; empty when all balances hold and each arm has outcomes."""
        return [*self._lost(), *self._unbalanced(), *self._silent()]

    def _lost(self) -> list[str]:
        if self.customers == self.lists + self.rejects:
            return []
        return [f"{self.customers} customers came in, but lists and rejects add up to {self.lists + self.rejects}"]

    def _unbalanced(self) -> list[str]:
        found = []
        for plan, states in self.pushes.items():
            if sum(states.values()) != self.targets[plan]:
                found.append(f"{plan}: the push states add up to {sum(states.values())} of {self.targets[plan]}")
            if unfinished := states["planned"] + states["claimed"] + states["leased"]:
                found.append(f"{plan}: {unfinished} pushes are still in work")
        if self.calls_leased != self.calls_reported + self.calls_returned:
            ended = f"{self.calls_reported} reported, {self.calls_returned} returned"
            found.append(f"{self.calls_leased} calls were lent, {ended}")
        return found

    def _silent(self) -> list[str]:
        return [
            f"{plan}: no outcome in the {arm} arm of {arms[arm].members} customers; more CUSTOMERS= help"
            for plan, arms in self.arms.items()
            if min(arms[arm].members for arm in ARMS) >= COMPARABLE
            for arm in ARMS
            if not arms[arm].outcomes
        ]


def push_states(balance: plan_pb.PushBalance) -> dict[str, int]:
    """Return the disjoint states of a balance by name."""
    return {state: int(getattr(balance, f"{state}_count")) for state in _STATES}


def arm_figures(report: evaluation_pb.PlanReport) -> dict[str, ArmFigures]:
    """Return the figures of each arm of a plan's report; an arm without members is all zeros."""
    found = {arm.arm: arm for arm in report.arms}
    return {name: _figures(found.get(name, evaluation_pb.ArmReport(arm=name))) for name in ARMS}


def _figures(arm: evaluation_pb.ArmReport) -> ArmFigures:
    return ArmFigures(
        members=arm.member_count,
        sent=arm.sent_count,
        outcomes=arm.outcome_count,
        successes=arm.success_count,
        success_percent=round(arm.success_percent, 2),
        success_percent_low=round(arm.success_percent_low, 2),
        success_percent_high=round(arm.success_percent_high, 2),
    )
