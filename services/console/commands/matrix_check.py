"""`visavis matrix check`: what is wrong with matrices, over all their inputs at once, and whom it concerns."""

from collections.abc import Sequence
from typing import Annotated

import typer
from visavis.recommendation.v1 import matrix_check_pb2 as pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from services.console.checks import check_matrices, versions_to_check
from services.console.clients import Clients, connect
from services.console.matrices import read_matrix
from services.console.render.output import Output, enum_word
from services.console.render.progress import RunBoard
from services.console.runs import GOES_ON, Follower
from services.console.session import EXIT_FAILURE, AsJson, Session, run

_TITLES = {
    pb.MATRIX_FINDING_SEVERITY_ERROR: "Errors: such a matrix cannot be published",
    pb.MATRIX_FINDING_SEVERITY_WARNING: "Warnings",
    pb.MATRIX_FINDING_SEVERITY_INFO: "Good to know",
}


def check(
    given: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME|FILE…",
            help="Purposes (what is published), display names (the newest), ids or matrices/ID; or files, taken in as drafts first.",
        ),
    ],
    city: Annotated[
        str, typer.Option(help="Only as it is in this city: its parameters, its overrides, its customers.")
    ] = "",
    day: Annotated[
        str, typer.Option(help="The day on which policies must be valid, as 2026-11-30; today if not given.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Look for gaps, overlaps, dead rows and wrong policies, and count whom they concern; exit code 1 where there is an error.

    A draft without errors is checked by that, and can be approved. Overrides are checked with the province's matrix.
    """
    errors: list[int] = []

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            names = await versions_to_check(given, clients)
            with RunBoard(session.output.console, quiet=as_json) as board:
                found = await check_matrices(names, clients, Follower(board), city=city, day=day)
            waiting = [] if found.error_count else await _await_approval(found.matrices, clients)
        errors.append(found.error_count)
        if not session.output.message(found):
            _print(found, waiting, session.output)

    run(command, as_json=as_json, trace="matrix check", when_interrupted=GOES_ON)
    if any(errors):
        raise typer.Exit(EXIT_FAILURE)


async def _await_approval(names: Sequence[str], clients: Clients) -> Sequence[str]:
    versions = [await read_matrix(name, clients) for name in names]
    return [version.name for version in versions if version.state == matrix_pb.Matrix.STATE_CHECKED]


def _print(found: pb.MatrixCheck, waiting: Sequence[str], output: Output) -> None:
    columns = ("matrix", "kind", "rows", "what is wrong, and what to do", "where", "customers", "one of them")
    for severity, title in _TITLES.items():
        rows = [_row(finding) for finding in found.findings if finding.severity == severity]
        if rows:
            output.table(title, columns, rows)
    counted = f"counted on {found.customer_count:,} customers" if found.customer_count else "counted on nobody"
    numbers = {"error": found.error_count, "warning": found.warning_count, "remark": found.info_count}
    told = ", ".join(f"{number} {what}{'' if number == 1 else 's'}" for what, number in numbers.items())
    output.line(f"{told}; {counted}, policies as of {found.day} ({found.name})")
    if found.error_count:
        output.line("Mend the errors in the sheet, and check it again.")
    elif waiting:
        names = " ".join(waiting)
        output.line(f"Checked. Somebody else than the author can approve it: visavis matrix approve {names} --reason …")


def _row(finding: pb.MatrixFinding) -> tuple[object, ...]:
    return (
        finding.display_name,
        enum_word(pb.MatrixFindingKind.Name(finding.kind), "MATRIX_FINDING_KIND_"),
        ", ".join(f"{row.row} ({row.city})" if row.city else str(row.row) for row in finding.rows),
        finding.text,
        "\n".join(f"{cell.input}: {cell.test}" for cell in finding.witness),
        finding.customer_count if finding.HasField("customer_count") else "",
        _example(finding),
    )


def _example(finding: pb.MatrixFinding) -> str:
    """Return the customer, with what the finding is about first of all."""
    if not finding.HasField("example"):
        return ""
    about = {cell.input for cell in finding.witness}
    values = [f"{value.input} {value.test}" for value in finding.example.values if value.input in about]
    return "\n".join((f"{finding.example.customer} {finding.example.msisdn}", *values))
