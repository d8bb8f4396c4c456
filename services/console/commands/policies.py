"""`visavis policy …`: the catalogue of policies, taken in checked, looked at, and given out again."""

from pathlib import Path
from typing import Annotated

import typer
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb

from services.console.clients import connect
from services.console.matrices import all_catalogues, policies_file, take_policies
from services.console.render.output import write_file
from services.console.render.policies import print_catalogues, print_policy
from services.console.session import ActingAs, AsJson, Session, run

app = typer.Typer(help="Policies: what can be offered.", no_args_is_help=True)

Catalogue = Annotated[str, typer.Option(help="policyCatalogues/ID; the newest if not given.")]


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV (UTF-8 or GBK) or a workbook (.xlsx).")
    ],
    products: Annotated[
        Path | None,
        typer.Option(help="The file of the products; without it the sheet products of the workbook.", exists=True),
    ] = None,
    acting_as: ActingAs = "",
    as_json: AsJson = False,
) -> None:
    """Take a catalogue in: of a workbook its sheets policies and products."""

    async def command(session: Session) -> None:
        async with connect(session.settings, principal=acting_as) as clients:
            taken = await take_policies(file, products, clients)
        if not session.output.message(taken):
            session.output.line(
                f"{taken.policy_count} policies about {taken.product_count} products are {taken.policy_catalogue}."
            )

    run(command, as_json=as_json)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write, NAME.xlsx or NAME.csv; it must not be there yet.")],
    catalogue: Annotated[str, typer.Argument(help="policyCatalogues/ID; the newest if not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write a catalogue to a file that comes in again as the same policies."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            write_file(out, await policies_file(catalogue, out, clients), session.output)

    run(command, as_json=as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all versions of the catalogue, newest first."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            found = [catalogue async for catalogue in all_catalogues(clients)]
        if not session.output.message(policy_pb.ListPolicyCataloguesResponse(policy_catalogues=found)):
            print_catalogues(found, session.output)

    run(command, as_json=as_json)


@app.command()
def show(
    policy: Annotated[str, typer.Argument(metavar="CODE", help="The policy's code.")],
    catalogue: Catalogue = "",
    as_json: AsJson = False,
) -> None:
    """Show one policy: what it is, who may have it, what is said, and what it counts for."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            asked = policy_pb.GetPolicyRequest(policy=policy, parent=catalogue)
            found = await clients.policies.GetPolicy(asked)
        if not session.output.message(found):
            print_policy(found, session.output)

    run(command, as_json=as_json)
