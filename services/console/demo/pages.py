"""The page that a manager reads at the end of a demonstration."""

from services.console.demo.report import ARMS, ArmFigures, DemoReport
from services.console.render.channels import print_side_by_side
from services.console.render.output import Output

_EXPLAINED = {
    "targeted": "chosen by expected value",
    "random": "contacted by lot, to compare",
    "control": "not contacted, only watched",
}


def print_report(report: DemoReport, output: Output) -> None:
    """Print what came in, what left, what came of it, and whether every balance holds."""
    output.line(
        f"\n{report.customers:,} customers came in: {report.lists:,} have a policy list, "
        f"{report.rejects:,} were set aside, each with a reason."
    )
    _print_pushes(report, output)
    for plan in report.arms:
        _print_arms(report, plan, output)
    print_side_by_side(report.channels, output)
    problems = report.problems()
    for problem in problems:
        output.line(f"✗ {problem}", style="red")
    if not problems:
        output.line(
            "✓ Every balance holds: nobody lost, each push in one state, each arm to compare has outcomes.",
            style="green",
        )


def _print_pushes(report: DemoReport, output: Output) -> None:
    states = sorted({state for counts in report.pushes.values() for state, count in counts.items() if count})
    rows = [
        (plan, report.targets[plan], *(counts[state] for state in states)) for plan, counts in report.pushes.items()
    ]
    output.table("Pushes by plan and state", ("plan", "planned in all", *states), rows)
    output.line(
        f"Calls lent to the call platform: {report.calls_leased:,}; reported back: {report.calls_reported:,}; "
        f"withdrawn or come back undialled: {report.calls_returned:,}"
    )


def _print_arms(report: DemoReport, plan: str, output: Output) -> None:
    rows = [_row(arm, report.arms[plan][arm]) for arm in ARMS]
    columns = ("arm", "customers", "contacted", "ordered", "success", "95% interval")
    output.table(f"Success: {plan}", columns, rows)


def _row(arm: str, figures: ArmFigures) -> tuple[object, ...]:
    interval = f"{figures.success_percent_low:.1f}-{figures.success_percent_high:.1f}%"
    success = f"{figures.success_percent:.1f}%"
    return (f"{arm} ({_EXPLAINED[arm]})", figures.members, figures.sent, figures.successes, success, interval)
