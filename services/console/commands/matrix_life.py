"""`visavis matrix approve|publish|rollback|retire`: the steps of a matrix's life, each with a reason for the log."""

from typing import Annotated

import typer
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from services.console.clients import connect
from services.console.commands.cycles import month_text
from services.console.commands.matrix_views import Purpose
from services.console.matrices import version_given
from services.console.render.matrices import print_version, whose
from services.console.session import ActingAs, AsJson, Session, run

_VERSION = "A display name (the newest), id or matrices/ID; with @ETAG it must be what `matrix show` showed."
Name = Annotated[str, typer.Argument(metavar="NAME", help=_VERSION)]
Names = Annotated[list[str], typer.Argument(metavar="NAME…", help=_VERSION)]
Reason = Annotated[str, typer.Option(help="Why, for those who read the log.")]
Cycle = Annotated[str, typer.Option(help="The marketing month, as 2026-11.", callback=month_text)]


def approve(names: Names, reason: Reason, acting_as: ActingAs = "", as_json: AsJson = False) -> None:
    """Approve checked versions; not by whom they were taken in."""

    async def command(session: Session) -> None:
        done = []
        async with connect(session.settings, principal=acting_as) as clients:
            for version in [await version_given(name, clients) for name in names]:
                asked = matrix_pb.ApproveMatrixRequest(name=version.name, etag=version.etag, reason=reason)
                done.append((await clients.matrices.ApproveMatrix(asked)).matrix)
        if session.output.message(matrix_pb.ListMatricesResponse(matrices=done)):
            return
        for matrix in done:
            print_version(matrix, session.output)

    run(command, as_json=as_json)


def publish(names: Names, cycle: Cycle, reason: Reason, acting_as: ActingAs = "", as_json: AsJson = False) -> None:
    """Publish approved versions for a cycle, all of them or none."""

    async def command(session: Session) -> None:
        async with connect(session.settings, principal=acting_as) as clients:
            versions = [await version_given(name, clients) for name in names]
            asked = matrix_pb.PublishMatrixRequest(versions=versions, cycle=cycle, reason=reason)
            done = await clients.matrices.PublishMatrix(asked)
        if session.output.message(done):
            return
        for matrix in done.matrices:
            session.output.line(f"Published for {cycle}: {whose(matrix)}")
        for matrix in done.superseded:
            session.output.line(f"In place of: {whose(matrix)}")

    run(command, as_json=as_json)


def rollback(
    purpose: Annotated[Purpose, typer.Option(help="What the matrix decides.")],
    cycle: Cycle,
    reason: Reason,
    city: Annotated[str, typer.Option(help="The city whose override is meant; without it the province's matrix.")] = "",
    acting_as: ActingAs = "",
    as_json: AsJson = False,
) -> None:
    """Publish for a cycle what was published before the version that is now."""

    async def command(session: Session) -> None:
        asked = matrix_pb.RollbackMatrixRequest(purpose=purpose.number, cycle=cycle, city=city, reason=reason)
        async with connect(session.settings, principal=acting_as) as clients:
            done = await clients.matrices.RollbackMatrix(asked)
        if session.output.message(done):
            return
        session.output.line(f"Published again for {cycle}: {whose(done.matrix)}")
        if done.HasField("rolled_back"):
            session.output.line(f"In place of: {whose(done.rolled_back)}")

    run(command, as_json=as_json)


def retire(name: Name, reason: Reason, acting_as: ActingAs = "", as_json: AsJson = False) -> None:
    """Give a version up for good."""

    async def command(session: Session) -> None:
        async with connect(session.settings, principal=acting_as) as clients:
            version = await version_given(name, clients)
            asked = matrix_pb.RetireMatrixRequest(name=version.name, etag=version.etag, reason=reason)
            done = await clients.matrices.RetireMatrix(asked)
        if not session.output.message(done.matrix):
            print_version(done.matrix, session.output)

    run(command, as_json=as_json)
