"""`visavis matrix preview`: what drafts would change for the whole base, before anybody publishes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.console.clients import connect
from services.console.plans import Channel
from services.console.previews import ChangesFile, PreviewRequest, preview_drafts
from services.console.render.previews import print_preview
from services.console.render.progress import RunBoard
from services.console.runs import GOES_ON, Follower
from services.console.session import ActingAs, AsJson, Session, run
from shared.errors import InvalidInput, Violation


def preview(
    drafts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|FILE…",
            help="Drafts in any state: files, which are taken in first, display names (the newest), ids, or matrices/ID. "
            "Purposes and cities that are not among them stay as published.",
        ),
    ] = None,
    capacity: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANNEL=PERSONS",
            help=f"What a channel can bring in a cycle, as CALL=20000; channels: {', '.join(Channel)}.",
        ),
    ] = None,
    policies: Annotated[
        str, typer.Option(metavar="policyCatalogues/ID", help="The drafts' policies; those of the lists if not given.")
    ] = "",
    lists: Annotated[
        str,
        typer.Option(
            metavar="assemblyRuns/ID", help="The lists on whose inputs to compare; those switched in if not given."
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write the changed customers to this file, NAME.csv or NAME.parquet.")
    ] = None,
    acting_as: ActingAs = "",
    as_json: AsJson = False,
) -> None:
    """Show what drafts would change for the whole base: lists, rows, channels, money. Nothing else changes by it."""

    async def command(session: Session) -> None:
        file = ChangesFile.at(out) if out else None
        request = PreviewRequest(drafts or [], policies, lists, _capacities(capacity or []))
        async with connect(session.settings, principal=acting_as) as clients:
            with RunBoard(session.output.console, quiet=as_json) as board:
                found = await preview_drafts(request, clients=clients, follower=Follower(board))
            # First, so that the file is there whatever becomes of the page: it may go into a pipe that ends early.
            written = None if file is None else await file.fill(found.name, clients)
            if not session.output.message(found):
                print_preview(found, session.output)
            if written is not None:
                session.output.remark(f"{written:,} changed customers are in {out}.")

    run(command, as_json=as_json, trace="matrix preview", when_interrupted=GOES_ON)


def _capacities(texts: Sequence[str]) -> dict[Channel, int]:
    """Return capacities by channel. Raises InvalidInput with all that is none."""
    capacities: dict[Channel, int] = {}
    wrong = []
    for text in texts:
        name, _, number = text.partition("=")
        channel = next((channel for channel in Channel if channel == name.strip().lower()), None)
        if channel is None or not number.strip().isdecimal():
            wrong.append(
                Violation("capacity", f'"{text}": expected CHANNEL=PERSONS, of {", ".join(Channel)}, as CALL=20000')
            )
        elif channel in capacities:
            wrong.append(Violation("capacity", f"{channel} is given twice"))
        else:
            capacities[channel] = int(number)
    if wrong:
        raise InvalidInput(wrong)
    return capacities
