"""Wires feedback: `python -m services.feedback serve` answers, `… worker` draws arms and follows dispatch."""

import asyncio

import grpc
import typer
from visavis.feedback.v1 import evaluation_service_pb2_grpc, feedback_service_pb2_grpc

from services.feedback.postgres import PostgresFeedback
from services.feedback.servicer import SERVICE_NAMES, EvaluationServicer, FeedbackServicer
from services.feedback.settings import FeedbackServerSettings, FeedbackWorkerSettings
from services.feedback.tables import RUNS
from shared import process
from shared.clock import SystemClock
from shared.db.engine import open_database
from shared.db.settings import DatabaseSettings, database_url
from shared.observability.settings import TelemetrySettings
from shared.observability.telemetry import configure
from shared.rpc import server

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def serve() -> None:
    """Answer RPCs until stopped."""
    with configure("feedback", settings=TelemetrySettings()):
        process.run(_serve)


@app.command()
def worker() -> None:
    """Do runs and follow dispatch's events until stopped."""
    with configure("feedback-worker", settings=TelemetrySettings()):
        process.run(_work)


async def _serve(stop: asyncio.Event) -> None:
    clock = SystemClock.from_environment()
    async with open_database(database_url(DatabaseSettings(), "feedback"), application_name="feedback") as database:

        def register(to: grpc.aio.Server) -> None:
            feedback_service_pb2_grpc.add_FeedbackServiceServicer_to_server(FeedbackServicer(database, clock), to)
            evaluation_service_pb2_grpc.add_EvaluationServiceServicer_to_server(EvaluationServicer(database), to)

        await server.serve(
            FeedbackServerSettings(),
            register=register,
            service_names=SERVICE_NAMES,
            checks={"postgres": database.ping},
            stop=stop,
        )


async def _work(stop: asyncio.Event) -> None:
    from services.feedback.clients import READING, DispatchClient
    from services.feedback.datasets import LakeTargets
    from services.feedback.worker import DispatchFollower, handlers
    from shared.lake.lake import Lake
    from shared.lake.settings import LakeSettings
    from shared.rpc.client import open_channel, reading_methods
    from shared.runs.worker import RunWorker

    clock, settings = SystemClock.from_environment(), FeedbackWorkerSettings()
    lake = Lake(LakeSettings().root)
    async with (
        open_database(database_url(DatabaseSettings(), "feedback"), application_name="feedback-worker") as database,
        open_channel(settings.dispatch_address, client_name="feedback", retry=reading_methods(*READING)) as channel,
        asyncio.TaskGroup() as tasks,
    ):
        runs = RunWorker(database=database, tables=RUNS, handlers=handlers(lake, clock), clock=clock)
        follower = DispatchFollower(
            DispatchClient.on(channel), LakeTargets(lake), PostgresFeedback(database).open_intake
        )
        tasks.create_task(runs.run(stop))
        tasks.create_task(follower.run(stop))


if __name__ == "__main__":
    app()
