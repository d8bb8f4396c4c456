"""Wires scoring: `python -m services.scoring serve` answers, `… worker` trains and scores."""

import asyncio

import grpc
import typer
from visavis.scoring.v1 import model_service_pb2_grpc, scoring_service_pb2_grpc

from services.scoring.datasets import LakeRows
from services.scoring.postgres import PostgresStore
from services.scoring.servicer import SERVICE_NAMES, ModelServicer, ScoringServicer
from services.scoring.settings import ScoringServerSettings, ScoringSettings
from services.scoring.tables import RUNS
from shared import process
from shared.clock import SystemClock
from shared.db.engine import open_database
from shared.db.settings import DatabaseSettings, database_url
from shared.lake.lake import Lake
from shared.lake.settings import LakeSettings
from shared.observability.settings import TelemetrySettings
from shared.observability.telemetry import configure
from shared.rpc import server

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def serve() -> None:
    """Answer RPCs until stopped."""
    with configure("scoring", settings=TelemetrySettings()):
        process.run(_serve)


@app.command()
def worker() -> None:
    """Train and score until stopped."""
    with configure("scoring-worker", settings=TelemetrySettings()):
        process.run(_work)


async def _serve(stop: asyncio.Event) -> None:
    clock, rows = SystemClock.from_environment(), LakeRows(Lake(LakeSettings().root))
    async with open_database(database_url(DatabaseSettings(), "scoring"), application_name="scoring") as database:
        store = PostgresStore(database)

        def register(to: grpc.aio.Server) -> None:
            scoring = ScoringServicer(store, rows, clock, settings_file=ScoringSettings().settings_file)
            scoring_service_pb2_grpc.add_ScoringServiceServicer_to_server(scoring, to)
            model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(store, rows, clock), to)

        await server.serve(
            ScoringServerSettings(),
            register=register,
            service_names=SERVICE_NAMES,
            checks={"postgres": database.ping},
            stop=stop,
        )


async def _work(stop: asyncio.Event) -> None:
    from services.scoring.worker import handlers, warm_up
    from shared.runs.worker import RunWorker

    clock, settings = SystemClock.from_environment(), ScoringSettings()
    url = database_url(DatabaseSettings(), "scoring")
    async with (
        open_database(url, application_name="scoring-worker") as database,
        asyncio.TaskGroup() as tasks,
    ):
        stages = handlers(settings, lake=Lake(LakeSettings().root), store=PostgresStore(database), clock=clock)
        tasks.create_task(warm_up())
        for _ in range(settings.runs_at_once):
            tasks.create_task(RunWorker(database=database, tables=RUNS, handlers=stages, clock=clock).run(stop))


if __name__ == "__main__":
    app()
