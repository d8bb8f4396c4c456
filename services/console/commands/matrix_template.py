"""`visavis matrix template`: the workbook that a planner begins a matrix with."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from visavis.recommendation.v1 import matrix_service_pb2 as pb

from services.console.clients import connect
from services.console.render.output import write_file
from services.console.session import AsJson, Session, run
from shared.errors import InvalidInput


class Purpose(StrEnum):
    """What a matrix is for."""

    PRIORITY = "priority"
    RETENTION = "retention"
    NEW_SERVICE = "new_service"
    VOICE_USAGE = "voice_usage"
    VPMN = "vpmn"
    EXTRACTION = "extraction"


def template(
    purpose: Annotated[Purpose, typer.Argument(help="What the matrix will be for.")],
    out: Annotated[Path, typer.Option(help="The workbook to write, NAME.xlsx; it must not be there yet.")],
    as_json: AsJson = False,
) -> None:
    """Write a workbook to begin a matrix with: a worked example under Chinese headers, and a sheet of all fields."""

    async def command(session: Session) -> None:
        if out.suffix.lower() != ".xlsx":
            raise InvalidInput.of("out", f'"{out.name}": expected a name that ends in .xlsx')
        asked = pb.GetMatrixTemplateRequest(purpose=pb.MatrixPurpose.Value(f"MATRIX_PURPOSE_{purpose.upper()}"))
        async with connect(session.settings) as clients:
            answer = await clients.matrices.GetMatrixTemplate(asked)
        write_file(out, answer.content, session.output)

    run(command, as_json=as_json)
