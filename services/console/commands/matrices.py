"""`visavis matrix …`, `visavis policies …`: planners' files, taken in checked and given out again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from services.console.clients import connect
from services.console.matrices import all_matrices, matrices_file, policies_file, take_matrices, take_policies
from services.console.render.output import Output, enum_word, local_time
from services.console.session import AsJson, Session, run
from shared.errors import InvalidInput, Violation

app = typer.Typer(help="Matrices: planners' decision tables.", no_args_is_help=True)
policies_app = typer.Typer(help="The catalogue of policies.", no_args_is_help=True)

Out = Annotated[Path, typer.Option(help="The file to write, NAME.xlsx or NAME.csv; it must not be there yet.")]
ExistingFile = typer.Argument(exists=True, dir_okay=False, help="CSV (UTF-8 or GBK) or a workbook (.xlsx).")
MatrixFile = typer.Argument(exists=True, dir_okay=False, help="CSV (UTF-8 or GBK), a workbook (.xlsx) or DMN (.dmn).")
MatrixOut = Annotated[
    Path, typer.Option(help="The file to write, NAME.xlsx, NAME.csv or NAME.dmn; it must not be there yet.")
]


@app.command("import")
def import_(files: Annotated[list[Path], MatrixFile], as_json: AsJson = False) -> None:
    """Take matrices in, of a workbook one per sheet, of DMN one per decision; say all that is wrong in any of the files."""

    async def command(session: Session) -> None:
        taken: list[matrix_pb.Matrix] = []
        violations: list[Violation] = []
        reason = ""
        async with connect(session.settings) as clients:
            for file in files:
                try:
                    taken += await take_matrices(file, clients)
                except InvalidInput as refused:
                    violations += refused.violations
                    reason = refused.reason
        if violations:
            raise InvalidInput(violations, reason=reason)
        _print("Taken in", taken, session.output)

    run(command, as_json=as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all versions of matrices, newest first."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            found = [matrix async for matrix in all_matrices(clients)]
        _print("Matrices", found, session.output)

    run(command, as_json=as_json)


@app.command()
def export(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME…", help="Display names (the newest), ids, or matrices/ID.")
    ],
    out: MatrixOut,
    as_json: AsJson = False,
) -> None:
    """Write matrices to a file that comes in again as the same tables; several go into one workbook or one file of DMN."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            _write(out, await matrices_file(names, out, clients), session.output)

    run(command, as_json=as_json)


@policies_app.command("import")
def import_policies(
    file: Annotated[Path, ExistingFile],
    products: Annotated[
        Path | None,
        typer.Option(help="The file of the products; without it the sheet products of the workbook.", exists=True),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take a catalogue in: of a workbook its sheets policies and products."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            taken = await take_policies(file, products, clients)
        if not session.output.message(taken):
            session.output.line(
                f"{taken.policy_count} policies about {taken.product_count} products are {taken.policy_catalogue}."
            )

    run(command, as_json=as_json)


@policies_app.command("export")
def export_policies(
    out: Out,
    catalogue: Annotated[str, typer.Argument(help="policyCatalogues/ID; the newest if not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write a catalogue to a file that comes in again as the same policies."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            _write(out, await policies_file(catalogue, out, clients), session.output)

    run(command, as_json=as_json)


def _write(out: Path, content: bytes, output: Output) -> None:
    with out.open("xb") as file:
        file.write(content)
    if not output.value({"file": str(out), "bytes": len(content)}):
        output.line(f"Written: {out} ({len(content):,} bytes)")


def _print(title: str, matrices: Sequence[matrix_pb.Matrix], output: Output) -> None:
    if output.message(matrix_pb.ListMatricesResponse(matrices=matrices)):
        return
    columns = ("name", "purpose", "hit policy", "rules", "taken in", "by", "matrix")
    rows = [
        (
            matrix.display_name,
            enum_word(matrix_pb.MatrixPurpose.Name(matrix.purpose), "MATRIX_PURPOSE_"),
            matrix.hit_policy,
            matrix.rule_count,
            local_time(matrix.create_time),
            matrix.author,
            matrix.name,
        )
        for matrix in matrices
    ]
    output.table(title, columns, rows)
