"""`visavis report`: what came of push plans."""

from typing import Annotated

import typer
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.feedback.v1 import evaluation_service_pb2 as evaluation_pb

from services.console.clients import Clients, connect
from services.console.plans import all_plans, find_plan
from services.console.render.channels import print_side_by_side, side_by_side
from services.console.render.output import Output, as_value, local_time
from services.console.session import AsJson, Session, run

Name = Annotated[
    str, typer.Argument(help="A plan: display name, id or pushPlans/ID. Without it all started plans, by channel.")
]


def report(name: Name = "", as_json: AsJson = False) -> None:
    """Say what came of a plan, arm by arm, with 95% intervals; or of all plans, channels beside each other."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            if not name:
                await _print_all(clients, session.output)
                return
            answer = await _report(await find_plan(name, clients), clients)
        if not session.output.message(answer):
            _print_report(answer, session.output)

    run(command, as_json=as_json)


async def _print_all(clients: Clients, output: Output) -> None:
    started = [plan for plan in await all_plans(clients) if plan.state == plan_pb.PushPlan.STATE_STARTED]
    reports = [(plan, await _report(plan.name, clients)) for plan in started]
    if not output.value([as_value(report) for _, report in reports]):
        print_side_by_side(side_by_side(reports), output)


async def _report(plan: str, clients: Clients) -> evaluation_pb.PlanReport:
    return (await clients.evaluation.GetPlanReport(evaluation_pb.GetPlanReportRequest(push_plan=plan))).report


def _print_report(report: evaluation_pb.PlanReport, output: Output) -> None:
    rows = [
        (
            arm.arm,
            arm.member_count,
            arm.sent_count,
            arm.reached_count,
            arm.declined_count,
            arm.opted_out_count,
            arm.success_count,
            f"{arm.success_percent:.1f}% ({arm.success_percent_low:.1f}-{arm.success_percent_high:.1f}%)",
        )
        for arm in report.arms
    ]
    columns = ("arm", "customers", "contacted", "reached", "said no", "opted out", "ordered", "success (95% interval)")
    output.table(report.display_name, columns, rows)
    for name, lift in (("control", report.lift_over_control), ("random", report.lift_over_random)):
        output.line(
            f"Targeted over {name}: {lift.points:+.1f} points ({lift.points_low:+.1f} to {lift.points_high:+.1f})"
        )
    if report.HasField("as_of_time"):
        output.line(f"As of {local_time(report.as_of_time)}.")
