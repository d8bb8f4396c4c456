"""`visavis cycle …`: a marketing month from extracts to lists."""

import re
from pathlib import Path
from typing import Annotated

import typer
from visavis.common.v1 import run_pb2
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb

from services.console.clients import Clients, connect
from services.console.cycle import CycleInputs, CycleResult, run_cycle
from services.console.plans import assembly_runs
from services.console.render.output import Output, as_value, enum_word
from services.console.render.progress import RunBoard
from services.console.runs import GOES_ON, Follower, RunResource, pages
from services.console.session import ActingAs, AsJson, Session, run

app = typer.Typer(help="Run a marketing month, or look at one.", no_args_is_help=True)


def month_text(text: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise typer.BadParameter(f"expected a month like 2026-11, got {text}")
    return text


Cycle = Annotated[str, typer.Argument(help="The marketing month, as 2026-11.", callback=month_text)]
Extracts = Annotated[
    Path,
    typer.Option(
        help="The folder of extracts, with mapping.toml in it.", exists=True, file_okay=False, resolve_path=True
    ),
]


@app.command("run")
def run_(
    cycle: Cycle,
    extracts: Extracts,
    planner: Annotated[
        Path | None,
        typer.Option(
            help="The planners' files: a folder with NAME.csv or NAME.xlsx for each matrix and policies, or one workbook. "
            "Without it: what is published for the cycle, and the newest catalogue.",
            exists=True,
            resolve_path=True,
        ),
    ] = None,
    control: Annotated[int, typer.Option(help="Percent never contacted.", min=0, max=50)] = 10,
    random: Annotated[int, typer.Option(help="Percent contacted by lot, to compare.", min=0, max=50)] = 10,
    seed: Annotated[int, typer.Option(help="Seeds the lot of the arms.")] = 1,
    product: Annotated[
        list[str] | None,
        typer.Option(
            help="A product whose need is scored; may be repeated. Without it: every product taken in the history."
        ),
    ] = None,
    publish_as: Annotated[
        str,
        typer.Option(
            metavar="WHO",
            help="Who approves and publishes what of the planner's matrices is not published for the cycle; not who took them in.",
        ),
    ] = "",
    acting_as: ActingAs = "",
    as_json: AsJson = False,
) -> None:
    """Run a cycle from extracts to lists that are switched in; run again, it goes on where it was."""
    inputs = CycleInputs(cycle, extracts, planner, control, random, seed, tuple(product or ()), publish_as)

    async def command(session: Session) -> None:
        async with connect(session.settings, principal=acting_as) as clients:
            with RunBoard(session.output.console, quiet=as_json) as board:
                result = await run_cycle(inputs, clients=clients, follower=Follower(board))
        if not session.output.message(result.assembly_run):
            _print_result(result, session.output)

    run(command, as_json=as_json, trace="cycle run", when_interrupted=GOES_ON)


@app.command()
def show(cycle: Cycle, as_json: AsJson = False) -> None:
    """Show the imports, views, scores and lists of a cycle, newest first, and where each stands."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            found = await _runs_of(cycle, clients)
        values = [{"step": step, "name": made.name, "status": as_value(made.status)} for step, made in found]
        if session.output.value(values):
            return
        rows = [
            (step, made.name, _state(made.status), made.status.done_count, made.status.failure.message)
            for step, made in found
        ]
        session.output.table(f"Cycle {cycle}", ("step", "run", "state", "done", "failure"), rows)
        for trace_id in dict.fromkeys(made.status.trace_id for _, made in found if made.status.trace_id):
            session.output.line(f"What took how long: visavis trace {trace_id}")

    run(command, as_json=as_json)


async def _runs_of(cycle: str, clients: Clients) -> list[tuple[str, RunResource]]:
    imports = pages(
        lambda size, token: clients.profile.ListImports(profile_pb.ListImportsRequest(page_size=size, page_token=token))
    )
    snapshots = pages(
        lambda size, token: clients.profile.ListSnapshots(
            profile_pb.ListSnapshotsRequest(page_size=size, page_token=token)
        )
    )
    scorings = pages(
        lambda size, token: clients.scoring.ListScoringRuns(
            scoring_pb.ListScoringRunsRequest(page_size=size, page_token=token)
        )
    )
    return [
        *[("import", made) async for page in imports for made in page.imports if made.cycle == cycle],
        *[("customer views", made) async for page in snapshots for made in page.snapshots if made.cycle == cycle],
        *[("scores", made) async for page in scorings for made in page.scoring_runs if made.cycle == cycle],
        *[
            ("policy lists", made)
            async for page in assembly_runs(clients)
            for made in page.assembly_runs
            if made.cycle == cycle
        ],
    ]


def _print_result(result: CycleResult, output: Output) -> None:
    lists, snapshot = result.assembly_run, result.snapshot
    viewless, listless = snapshot.rejects.row_count, lists.rejects.row_count
    output.line(f"{lists.lists.row_count:,} policy lists are switched in for {lists.cycle}.")
    output.line(
        f"{viewless + listless:,} customers got none, each with a reason: {viewless:,} have no view ({snapshot.name}), "
        f"{listless:,} only no list ({lists.name})."
    )
    if result.scoring_run.HasField("enterprise_scores"):
        output.line(f"{result.scoring_run.enterprise_scores.row_count:,} enterprises are scored.")
    for why in result.unscored:
        output.line(why)
    if lists.dilution.expected_fen or lists.dilution.blocked_count:
        output.line(
            f"If every main retention policy were accepted, bills would fall by {-lists.dilution.expected_fen // 100:,} yuan a month; "
            f"the dilution guard has blocked {lists.dilution.blocked_count:,} other policies."
        )
    output.line(f"What took how long: visavis trace {lists.status.trace_id}")


def _state(status: run_pb2.RunStatus) -> str:
    return enum_word(run_pb2.RunState.Name(status.state), "RUN_STATE_")
