"""`visavis matrix list|show|diff`: which versions there are, what holds, and what differs."""

from enum import StrEnum
from typing import Annotated

import typer
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from services.console.clients import Clients, connect
from services.console.commands.cycles import month_text
from services.console.matrices import all_matrices, find_matrix, read_matrix
from services.console.render.matrices import print_differences, print_effective, print_matrices, print_version
from services.console.session import AsJson, Session, run
from shared.clock import local_date


class Purpose(StrEnum):
    """What a matrix decides."""

    PRIORITY = "priority"
    RETENTION = "retention"
    NEW_SERVICE = "new_service"
    VOICE_USAGE = "voice_usage"
    VPMN = "vpmn"
    EXTRACTION = "extraction"

    @property
    def number(self) -> "matrix_pb.MatrixPurpose.ValueType":
        return matrix_pb.MatrixPurpose.Value(f"MATRIX_PURPOSE_{self.upper()}")


class State(StrEnum):
    """How far a version has come."""

    DRAFT = "draft"
    CHECKED = "checked"
    APPROVED = "approved"
    PUBLISHED = "published"
    RETIRED = "retired"

    @property
    def number(self) -> "matrix_pb.Matrix.State.ValueType":
        return matrix_pb.Matrix.State.Value(f"STATE_{self.upper()}")


def _month_or_none(text: str) -> str:
    return month_text(text) if text else text


OptionalCycle = Annotated[str, typer.Option(help="The marketing month, as 2026-11.", callback=_month_or_none)]


def list_(
    purpose: Annotated[Purpose | None, typer.Option(help="Only what decides this.")] = None,
    state: Annotated[State | None, typer.Option(help="Only versions in this state.")] = None,
    cycle: OptionalCycle = "",
    city: Annotated[str, typer.Option(help="Only overrides of this city.")] = "",
    as_json: AsJson = False,
) -> None:
    """List versions of matrices, newest first; with --cycle those that are published for it."""

    async def command(session: Session) -> None:
        wanted = matrix_pb.ListMatricesRequest(
            purpose=purpose.number if purpose else matrix_pb.MATRIX_PURPOSE_UNSPECIFIED,
            state=state.number if state else matrix_pb.Matrix.STATE_UNSPECIFIED,
            cycle=cycle,
            city=city,
        )
        async with connect(session.settings) as clients:
            found = [matrix async for matrix in all_matrices(clients, wanted)]
        print_matrices("Matrices", found, session.output)

    run(command, as_json=as_json)


def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A purpose (retention …): what is published of it; or a version, by display name, id or matrices/ID."
        ),
    ],
    city: Annotated[str, typer.Option(help="Only rows that customers of this city can meet.")] = "",
    cycle: OptionalCycle = "",
    as_json: AsJson = False,
) -> None:
    """Show what holds for a cycle (without --cycle the present month) and where each row comes from; or one version by itself."""

    async def command(session: Session) -> None:
        present = f"{local_date(session.clock.now()):%Y-%m}"
        async with connect(session.settings) as clients:
            asked = await _effective(name, cycle, city, present, clients)
            found = await clients.matrices.GetEffectiveMatrix(asked)
        if session.output.message(found):
            return
        for matrix in found.matrices:
            print_version(matrix, session.output)
        print_effective(found, session.output)

    run(command, as_json=as_json)


async def _effective(
    name: str, cycle: str, city: str, present: str, clients: Clients
) -> matrix_pb.GetEffectiveMatrixRequest:
    """Return what a name asks for: a purpose, or a version with a cycle, what is published; else the version itself."""
    if name in list(Purpose):
        return matrix_pb.GetEffectiveMatrixRequest(purpose=Purpose(name).number, cycle=cycle or present, city=city)
    if cycle:
        purpose = (await read_matrix(name, clients)).purpose
        return matrix_pb.GetEffectiveMatrixRequest(purpose=purpose, cycle=cycle, city=city)
    return matrix_pb.GetEffectiveMatrixRequest(name=await find_matrix(name, clients), city=city)


def diff(
    old: Annotated[str, typer.Argument(help="The older version: a display name (the newest), id or matrices/ID.")],
    new: Annotated[str, typer.Argument(help="The newer version.")],
    as_json: AsJson = False,
) -> None:
    """Show what differs between two versions, by row and cell."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            asked = matrix_pb.DiffMatricesRequest(
                old_name=await find_matrix(old, clients), new_name=await find_matrix(new, clients)
            )
            found = await clients.matrices.DiffMatrices(asked)
        if not session.output.message(found):
            print_differences(found, session.output)

    run(command, as_json=as_json)
