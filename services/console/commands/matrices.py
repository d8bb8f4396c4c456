"""`visavis matrix import|export`: planners' files, taken in checked and given out again."""

from pathlib import Path
from typing import Annotated

import typer
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from services.console.clients import connect
from services.console.matrices import matrices_file, take_matrices, version_given
from services.console.render.matrices import print_matrices
from services.console.render.output import write_file
from services.console.session import ActingAs, AsJson, Session, run
from shared.errors import InvalidInput, Violation

app = typer.Typer(help="Matrices: planners' decision tables.", no_args_is_help=True)

MatrixFile = typer.Argument(exists=True, dir_okay=False, help="CSV (UTF-8 or GBK), a workbook (.xlsx) or DMN (.dmn).")
MatrixOut = Annotated[
    Path, typer.Option(help="The file to write, NAME.xlsx, NAME.csv or NAME.dmn; it must not be there yet.")
]


@app.command("import")
def import_(
    files: Annotated[list[Path], MatrixFile],
    edited: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="The version that the file was edited from, or NAME@ETAG; once for each matrix in it. Refused where somebody else "
            "has edited it meanwhile.",
        ),
    ] = None,
    acting_as: ActingAs = "",
    as_json: AsJson = False,
) -> None:
    """Take matrices in, of a workbook one per sheet, of DMN one per decision; say all that is wrong in any of the files."""

    async def command(session: Session) -> None:
        taken: list[matrix_pb.Matrix] = []
        violations: list[Violation] = []
        reason = ""
        if edited and len(files) > 1:
            raise InvalidInput.of("edited", f"expected one file with it, got {len(files)}")
        async with connect(session.settings, principal=acting_as) as clients:
            edited_from = [await version_given(name, clients) for name in edited or ()]
            for file in files:
                try:
                    taken += await take_matrices(file, clients, edited_from=edited_from)
                except InvalidInput as refused:
                    violations += refused.violations
                    reason = refused.reason
        if violations:
            raise InvalidInput(violations, reason=reason)
        print_matrices("Taken in", taken, session.output)

    run(command, as_json=as_json)


@app.command()
def export(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME…", help="Purposes (what is published), display names (the newest), ids, or matrices/ID."
        ),
    ],
    out: MatrixOut,
    as_json: AsJson = False,
) -> None:
    """Write matrices to a file that comes in again as the same tables; several go into one workbook or one file of DMN."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            write_file(out, await matrices_file(names, out, clients), session.output)

    run(command, as_json=as_json)
