"""`visavis import`, `visavis cycle …`: a marketing month from extracts to lists."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from visavis.common.v1 import run_pb2
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb

from services.console.clients import Clients
from services.console.cycle import CycleInputs, CycleResult, run_cycle, take_extracts
from services.console.render.output import Output
from services.console.render.progress import RunBoard
from services.console.runs import Follower
from services.console.session import AsJson, Session, connected, run

app = typer.Typer(help="Run a marketing month, or look at one.", no_args_is_help=True)

Cycle = Annotated[str, typer.Argument(help="The marketing month, as 2026-11.")]
Extracts = Annotated[
    Path,
    typer.Option(
        help="The folder of extracts, with mapping.toml in it.", exists=True, file_okay=False, resolve_path=True
    ),
]

_REJECTS_SHOWN = 20


def import_(
    folder: Annotated[
        Path,
        typer.Argument(
            help="The folder of extracts, with mapping.toml in it.", exists=True, file_okay=False, resolve_path=True
        ),
    ],
    cycle: Annotated[str, typer.Option(help="The marketing month, as 2026-11.")],
    as_json: AsJson = False,
) -> None:
    """Take a folder of extracts in, and show which rows were set aside and why."""

    async def command(session: Session) -> None:
        async with connected(session) as clients:
            with RunBoard(session.output.console, quiet=as_json) as board:
                taken = await take_extracts(cycle, folder, clients=clients, follower=Follower(board))
            asked = profile_pb.ListImportRejectsRequest(parent=taken.name, page_size=_REJECTS_SHOWN)
            rejects = await clients.profile.ListImportRejects(asked)
        if not session.output.message(taken):
            _print_import(taken, rejects, session.output)

    run(command, as_json=as_json)


@app.command("run")
def run_(
    cycle: Cycle,
    extracts: Extracts,
    planner: Annotated[
        Path,
        typer.Option(help="The folder of the planners' CSV files.", exists=True, file_okay=False, resolve_path=True),
    ],
    control: Annotated[int, typer.Option(help="Percent never contacted.", min=0, max=50)] = 10,
    random: Annotated[int, typer.Option(help="Percent contacted by lot, to compare.", min=0, max=50)] = 10,
    seed: Annotated[int, typer.Option(help="Seeds the lot of the arms.")] = 1,
    product: Annotated[list[str] | None, typer.Option(help="A product whose need is scored; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a cycle from extracts to lists that are switched in; run again, it goes on where it was."""
    inputs = CycleInputs(cycle, extracts, planner, control, random, seed, tuple(product or ("mobile_newspaper",)))

    async def command(session: Session) -> None:
        async with connected(session) as clients:
            with RunBoard(session.output.console, quiet=as_json) as board:
                result = await run_cycle(inputs, clients=clients, follower=Follower(board))
        if not session.output.message(result.assembly_run):
            _print_result(result, session.output)

    run(command, as_json=as_json)


@app.command()
def show(cycle: Cycle, as_json: AsJson = False) -> None:
    """Show every run of a cycle and where it stands."""

    async def command(session: Session) -> None:
        async with connected(session) as clients:
            found = await _runs_of(cycle, clients)
        values = [{"step": step, "name": name, "state": _state(status)} for step, name, status in found]
        if session.output.value(values):
            return
        rows = [
            (step, name, _state(status), f"{status.done_count:,}", status.failure.message)
            for step, name, status in found
        ]
        session.output.table(f"Cycle {cycle}", ("step", "run", "state", "done", "failure"), rows)

    run(command, as_json=as_json)


async def _runs_of(cycle: str, clients: Clients) -> list[tuple[str, str, run_pb2.RunStatus]]:
    imports, snapshots, scorings, assemblies = await asyncio.gather(
        clients.profile.ListImports(profile_pb.ListImportsRequest(page_size=1000)),
        clients.profile.ListSnapshots(profile_pb.ListSnapshotsRequest(page_size=1000)),
        clients.scoring.ListScoringRuns(scoring_pb.ListScoringRunsRequest(page_size=1000)),
        clients.recommendation.ListAssemblyRuns(recommendation_pb.ListAssemblyRunsRequest(page_size=1000)),
    )
    return [
        *(("import", run.name, run.status) for run in imports.imports if run.cycle == cycle),
        *(("customer views", run.name, run.status) for run in snapshots.snapshots if run.cycle == cycle),
        *(("scores", run.name, run.status) for run in scorings.scoring_runs if run.cycle == cycle),
        *(("policy lists", run.name, run.status) for run in assemblies.assembly_runs if run.cycle == cycle),
    ]


def _print_import(taken: profile_pb.Import, rejects: profile_pb.ListImportRejectsResponse, output: Output) -> None:
    rows = [(table.table, table.row_count, table.accepted_count, table.reject_count) for table in taken.tables]
    output.table(f"{taken.name} for {taken.cycle}", ("table", "rows", "taken", "set aside"), rows)
    if not rejects.rejects:
        return
    lines = [(reject.file, reject.line, reject.column, reject.value, reject.reason) for reject in rejects.rejects]
    output.table("Set aside", ("file", "line", "column", "value", "why"), lines)
    if rejects.next_page_token:
        output.console.print(f"… and more; these are the first {_REJECTS_SHOWN}.")


def _print_result(result: CycleResult, output: Output) -> None:
    lists = result.assembly_run
    output.console.print(
        f"{lists.lists.row_count:,} policy lists are switched in for {lists.cycle}; "
        f"{lists.rejects.row_count:,} customers got none, each with a reason ({lists.name})."
    )


def _state(status: run_pb2.RunStatus) -> str:
    return run_pb2.RunState.Name(status.state).removeprefix("RUN_STATE_").lower()
