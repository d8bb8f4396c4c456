"""`visavis matrix eval`: what a matrix makes of one customer whom a planner thinks up."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from visavis.recommendation.v1 import matrix_evaluation_pb2 as pb

from services.console.clients import connect
from services.console.matrices import find_matrix
from services.console.render.output import Output
from services.console.session import AsJson, Session, run
from shared.errors import InvalidInput, Violation


def evaluate(
    matrix: Annotated[
        str,
        typer.Argument(help="Display name (the newest), id, or matrices/ID; or a file with one matrix, not taken in."),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="NAME=VALUE",
            help="What is known of the customer, any number of times: arpu=86.50, brand=GoTone, warned=true; the rest is null.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fire a matrix for one customer, who need not exist: which rows fire, what they give, where each other row fails."""

    async def command(session: Session) -> None:
        given = _given(inputs or [])
        async with connect(session.settings) as clients:
            asked = _of_file(matrix) or pb.EvaluateMatrixRequest(name=await find_matrix(matrix, clients))
            asked.inputs.update(given)
            answer = await clients.matrices.EvaluateMatrix(asked)
        if not session.output.message(answer):
            _print(answer, session.output)

    run(command, as_json=as_json)


def _given(inputs: Sequence[str]) -> dict[str, str]:
    """Return values by name. Raises InvalidInput with all that is no name and value."""
    given: dict[str, str] = {}
    wrong = []
    for written in inputs:
        name, sign, value = written.partition("=")
        name = name.strip()
        if not sign or not name:
            wrong.append(Violation("input", f'"{written}": expected NAME=VALUE, as in arpu=86.50'))
        elif name in given:
            wrong.append(Violation(f"input {name}", "is given twice"))
        given[name] = value.strip()
    if wrong:
        raise InvalidInput(wrong)
    return given


def _of_file(matrix: str) -> pb.EvaluateMatrixRequest | None:
    path = Path(matrix)
    return pb.EvaluateMatrixRequest(content=path.read_bytes(), file_name=path.name) if path.is_file() else None


def _print(answer: pb.EvaluateMatrixResponse, output: Output) -> None:
    output.facts(f"{answer.display_name} ({answer.hit_policy})", {each.name: each.value for each in answer.inputs})
    rows = ", ".join(map(str, answer.fired_rows))
    if answer.ambiguous:
        output.line(f"Ambiguous: rows {rows} all match and contradict each other, so nothing is given", style="red")
    else:
        output.line(f"Fired: row {rows}" if rows else "No row fired")
    for given in answer.outputs:
        output.line("  gives " + ", ".join(f"{each.name} = {each.value}" for each in given.values))
    others = [row for row in answer.rows if not row.fired]
    output.table("Rows that did not fire", ("row", "input", "cell", "value"), [_failed(row) for row in others])


def _failed(row: pb.EvaluatedRow) -> tuple[object, ...]:
    if not row.failed_input:
        return (row.row, "", "all cells pass", "")
    return (row.row, row.failed_input, row.failed_cell, row.failed_value)
