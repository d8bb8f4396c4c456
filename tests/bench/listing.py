"""The desk without contacts: the list itself, from the database of an installation, by the server's own parts.

`python -m tests.bench.listing` prints its port, and serves until it is stopped.
"""

import asyncio
from collections.abc import Sequence

import grpc
from visavis.dispatch.v1 import contact_pb2
from visavis.recommendation.v1 import recommendation_service_pb2_grpc as rpc

from services.recommendation.datasets.evidence import LakeEvidence
from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.ports import Candidate, ContactCheck, ContactRecord
from services.recommendation.postgres import PostgresDesk, PostgresLogbook, PostgresRulebook, PostgresRuns
from services.recommendation.servicer import RecommendationServicer
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
from shared.rpc.server import running
from shared.rpc.settings import ServerSettings
from shared.runs.store import RunStore


class NoContacts:
    """Nobody was ever contacted, and it costs nothing to know."""

    async def of(self, customer_id: str) -> ContactRecord[contact_pb2.Contact]:
        return ContactRecord((), (), opted_out=False)

    async def check(self, candidate: Candidate) -> Sequence[ContactCheck]:
        return ()


async def _main(stop: asyncio.Event) -> None:
    url = database_url(DatabaseSettings(), "recommendation")
    async with (
        open_database(url, application_name="bench") as database,
        open_single_reads(url, application_name="bench-desk") as reads,
    ):
        rulebook = PostgresRulebook(database)
        desk = RecommendationServicer(
            runs=PostgresRuns(database, RunStore(RUNS)),
            rulebook=rulebook,
            logbook=PostgresLogbook(database),
            readings=Readings(rulebook, matrix_fields()),
            desk=PostgresDesk(reads),
            contacts=NoContacts(),
            checks=NoContacts(),
            evidence=LakeEvidence(Lake(LakeSettings().root)),
            clock=SystemClock.from_environment(),
        )

        def register(to: grpc.aio.Server) -> None:
            rpc.add_RecommendationServiceServicer_to_server(desk, to)

        async with running(ServerSettings(port=0), register=register, service_names=(), checks={}) as port:
            process.spare_from_collection()
            print(port, flush=True)
            await stop.wait()


if __name__ == "__main__":
    with configure("listing", settings=TelemetrySettings()):
        process.run(_main)
