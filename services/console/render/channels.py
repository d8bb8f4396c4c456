"""Channels beside each other: what came of each plan, by the channel that it went by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.feedback.v1 import evaluation_service_pb2 as evaluation_pb

from services.console.render.output import Output, enum_word

_TARGETED = "targeted"


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """What came of the targeted arm of one plan; percent and points with the ends of their 95% intervals."""

    channel: str
    plan: str
    contacted: int
    reached: int
    ordered: int
    success_percent: tuple[float, float, float]
    points_over_control: tuple[float, float, float]


def side_by_side(
    reports: Iterable[tuple[plan_pb.PushPlan, evaluation_pb.PlanReport]],
) -> Sequence[ChannelFigures]:
    """Return the figures of each plan, those of one channel together, the more successful first."""
    found = [_figures(plan, report) for plan, report in reports]
    return sorted(found, key=lambda row: (row.channel, -row.success_percent[0], row.plan))


def channel_of(plan: plan_pb.PushPlan) -> str:
    """Return the channel's name for people."""
    return enum_word(contact_pb.Channel.Name(plan.channel), "CHANNEL_")


def print_side_by_side(rows: Sequence[ChannelFigures], output: Output) -> None:
    """Print one line per plan; what differs in offer or customers is not the channel's doing, which the reader is told."""
    columns = ("channel", "plan", "contacted", "reached", "ordered", "success (95% interval)", "points over control")
    output.table("Channels beside each other (targeted arm)", columns, [_row(row) for row in rows])
    output.line(
        "Plans differ in what they offer and to whom: points over control compare like with like within a plan only."
    )


def _figures(plan: plan_pb.PushPlan, report: evaluation_pb.PlanReport) -> ChannelFigures:
    arm = next((arm for arm in report.arms if arm.arm == _TARGETED), evaluation_pb.ArmReport())
    lift = report.lift_over_control
    return ChannelFigures(
        channel=channel_of(plan),
        plan=plan.display_name,
        contacted=arm.sent_count,
        reached=arm.reached_count,
        ordered=arm.success_count,
        success_percent=(arm.success_percent, arm.success_percent_low, arm.success_percent_high),
        points_over_control=(lift.points, lift.points_low, lift.points_high),
    )


def _row(row: ChannelFigures) -> tuple[object, ...]:
    percent, percent_low, percent_high = row.success_percent
    points, points_low, points_high = row.points_over_control
    return (
        row.channel,
        row.plan,
        row.contacted,
        row.reached,
        row.ordered,
        f"{percent:.1f}% ({percent_low:.1f}-{percent_high:.1f}%)",
        f"{points:+.1f} ({points_low:+.1f} to {points_high:+.1f})",
    )
