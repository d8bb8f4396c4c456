"""Wires recommendation: `python -m services.recommendation serve` answers, `… worker` assembles lists and picks targets."""

import asyncio
from functools import partial

import grpc
import typer
from visavis.recommendation.v1 import matrix_service_pb2_grpc, policy_service_pb2_grpc, recommendation_service_pb2_grpc

from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.postgres import PostgresRulebook
from services.recommendation.tables import RUNS
from services.recommendation.use_cases.rules import Readings
from shared import process
from shared.clock import SystemClock
from shared.db.engine import open_database
from shared.db.settings import DatabaseSettings, database_url
from shared.db.single_reads import open_single_reads
from shared.lake.lake import Lake
from shared.lake.settings import LakeSettings
from shared.observability.settings import TelemetrySettings
from shared.observability.telemetry import configure

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def serve() -> None:
    """Answer RPCs until stopped."""
    with configure("recommendation", settings=TelemetrySettings()):
        process.run(_serve)


@app.command()
def worker() -> None:
    """Do runs until stopped."""
    with configure("recommendation-worker", settings=TelemetrySettings()):
        process.run(_work)


async def _serve(stop: asyncio.Event) -> None:
    from services.recommendation import servicer
    from services.recommendation.clients import DispatchChecks, DispatchContacts
    from services.recommendation.datasets.changes import LakeChanges
    from services.recommendation.datasets.evidence import LakeEvidence
    from services.recommendation.postgres import PostgresDesk, PostgresLogbook, PostgresRuns
    from services.recommendation.settings import PeerSettings, RecommendationServerSettings
    from shared.rpc import server
    from shared.rpc.client import open_channel
    from shared.runs.store import RunStore

    clock, settings = SystemClock.from_environment(), RecommendationServerSettings()
    url, lake = database_url(DatabaseSettings(), "recommendation"), Lake(LakeSettings().root)
    async with (
        open_database(url, application_name="recommendation") as database,
        open_single_reads(url, application_name="recommendation-desk") as reads,
        open_channel(PeerSettings().dispatch_address, client_name="recommendation") as dispatch,
    ):
        rulebook, logbook, fields = PostgresRulebook(database), PostgresLogbook(database), matrix_fields()
        readings, runs = Readings(rulebook, fields), PostgresRuns(database, RunStore(RUNS))
        recommendation = servicer.RecommendationServicer(
            runs=runs,
            rulebook=rulebook,
            logbook=logbook,
            readings=readings,
            desk=PostgresDesk(reads),
            contacts=DispatchContacts.on(dispatch, deadline_seconds=settings.contacts_deadline_seconds),
            checks=DispatchChecks.on(dispatch),
            evidence=LakeEvidence(lake),
            clock=clock,
        )
        matrices = servicer.MatrixServicer(
            rulebook=rulebook,
            logbook=logbook,
            readings=readings,
            runs=runs,
            changes=LakeChanges(lake),
            fields=fields,
            clock=clock,
        )
        policies = servicer.PolicyServicer(rulebook=rulebook, readings=readings, clock=clock)

        await server.serve(
            settings,
            register=partial(_register, recommendation, matrices, policies),
            service_names=servicer.SERVICE_NAMES,
            checks={"postgres": database.ping},
            stop=stop,
        )


def _register(
    recommendation: recommendation_service_pb2_grpc.RecommendationServiceServicer,
    matrices: matrix_service_pb2_grpc.MatrixServiceServicer,
    policies: policy_service_pb2_grpc.PolicyServiceServicer,
    to: grpc.aio.Server,
) -> None:
    recommendation_service_pb2_grpc.add_RecommendationServiceServicer_to_server(recommendation, to)
    matrix_service_pb2_grpc.add_MatrixServiceServicer_to_server(matrices, to)
    policy_service_pb2_grpc.add_PolicyServiceServicer_to_server(policies, to)


async def _work(stop: asyncio.Event) -> None:
    from services.recommendation.datasets.checks import LakeInspector
    from services.recommendation.datasets.lists import LakeWorkshop
    from services.recommendation.datasets.previews import PreviewWorkshop
    from services.recommendation.postgres import PostgresSwitches
    from services.recommendation.settings import RecommendationWorkerSettings
    from services.recommendation.worker import Assembler, Checker, Previewer, TargetPicker, handlers
    from shared.runs.worker import RunWorker

    clock, settings = SystemClock.from_environment(), RecommendationWorkerSettings()
    lake, fields = Lake(LakeSettings().root), matrix_fields()
    workshop = LakeWorkshop(lake)
    url = database_url(DatabaseSettings(), "recommendation")
    async with open_database(url, application_name="recommendation-worker") as database:
        readings = Readings(PostgresRulebook(database), fields)
        assembler = Assembler(
            readings=readings,
            workshop=workshop,
            switches=PostgresSwitches(),
            consent_default=settings.consent_default,
            most_at_once=settings.most_at_once,
            weighing=settings.weighing(),
            clock=clock,
        )
        checker = Checker(readings, LakeInspector(lake, fields), clock)
        previewer = Previewer(readings, PreviewWorkshop(lake), clock)
        stages = handlers(assembler, TargetPicker(readings, workshop, clock), checker, previewer)
        await RunWorker(database=database, tables=RUNS, handlers=stages, clock=clock).run(stop)


if __name__ == "__main__":
    app()
