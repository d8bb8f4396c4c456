"""`visavis snapshot show`: what the customer views of a cycle are made of, and what the data are like."""

from typing import Annotated

import typer
from visavis.common.v1 import run_pb2
from visavis.profile.v1 import profile_service_pb2 as profile_pb

from services.console.clients import Clients, connect
from services.console.render.output import Output
from services.console.runs import pages
from services.console.session import AsJson, Session, run
from shared.errors import NotFound

app = typer.Typer(help="Look at the customer views of a cycle.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `show` a command of its own: the only one would be the group itself."""


@app.command()
def show(
    cycle: Annotated[str, typer.Argument(help="The marketing month, as 2026-11; the newest without it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the newest customer views of a cycle: rows, rejects and empty cells, beside those of the cycle before."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            found = await _newest(cycle, clients)
        if not session.output.message(found):
            _print(found, session.output)

    run(command, as_json=as_json)


async def _newest(cycle: str, clients: Clients) -> profile_pb.Snapshot:
    listed = pages(
        lambda size, token: clients.profile.ListSnapshots(
            profile_pb.ListSnapshotsRequest(page_size=size, page_token=token)
        )
    )
    async for page in listed:
        for snapshot in page.snapshots:
            if snapshot.status.state == run_pb2.RUN_STATE_SUCCEEDED and cycle in ("", snapshot.cycle):
                return snapshot
    raise NotFound(f"customer views of {cycle}" if cycle else "customer views")


def _print(snapshot: profile_pb.Snapshot, output: Output) -> None:
    output.facts(
        f"{snapshot.name} for {snapshot.cycle}",
        {
            "made of": snapshot.import_run,
            "customers": snapshot.views.row_count,
            "without a view": snapshot.rejects.row_count,
            "enterprises": snapshot.enterprise_views.row_count,
            "earlier views": snapshot.history_views.row_count,
        },
    )
    rows = [
        (figure.subject, figure.figure, figure.count, figure.count_before if figure.HasField("count_before") else "")
        for figure in snapshot.quality
        if figure.count or figure.count_before
    ]
    output.table("What the data are like", ("of", "what", "now", "cycle before"), rows)
