"""The scoring service as its callers see it: a server on a socket, and a worker beside it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio
from visavis.common.v1.dataset_pb2 import DatasetRef
from visavis.common.v1.run_pb2 import RUN_STATE_FAILED, RUN_STATE_SUCCEEDED
from visavis.scoring.v1 import model_service_pb2 as model_pb
from visavis.scoring.v1 import model_service_pb2_grpc as model_rpc
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb
from visavis.scoring.v1 import scoring_service_pb2_grpc as scoring_rpc

from services.scoring.datasets import LakeRows
from services.scoring.postgres import PostgresStore
from services.scoring.servicer import SERVICE_NAMES, ModelServicer, ScoringServicer
from services.scoring.settings import SHIPPED_RULES, ScoringServerSettings, ScoringSettings
from services.scoring.tables import RUNS
from services.scoring.worker import handlers
from shared.clock import ManualClock
from shared.db.embedded import ServerAddress
from shared.db.engine import open_database
from shared.db.roles import service_url
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.refs import to_ref
from shared.rpc.client import open_channel
from shared.rpc.server import running
from shared.runs.worker import RunWorker
from tests.databases import ROLE_SECRET, TestDatabases
from tests.factories.scoring import NEWSPAPER, NOON, draw_base

KINDS = (
    (model_pb.MODEL_KIND_STICKINESS, ""),
    (model_pb.MODEL_KIND_CHURN_WARNING, ""),
    (model_pb.MODEL_KIND_NEED, NEWSPAPER),
)
Kind: TypeAlias = "tuple[model_pb.ModelKind.ValueType, str]"


@dataclass(frozen=True, slots=True)
class ScoringCalls:
    """The RPCs, and what server and worker stand on: the lake, the province's file, the clock."""

    models: "model_rpc.ModelServiceAsyncStub"
    scoring: "scoring_rpc.ScoringServiceAsyncStub"
    lake: Lake
    rules: Path
    clock: ManualClock

    async def train(self, history: tuple[Dataset, Dataset], kind: Kind) -> model_pb.Model:
        """Train a model and wait until the training has ended."""
        views, labels = (to_ref(dataset) for dataset in history)
        asked = model_pb.TrainModelRequest(
            request_id=str(uuid4()), kind=kind[0], product=kind[1], history_views=views, history_labels=labels
        )
        name = (await self.models.TrainModel(asked)).model.name
        async with asyncio.timeout(60):
            while True:
                model = (await self.models.GetModel(model_pb.GetModelRequest(name=name))).model
                if model.status.state in {RUN_STATE_SUCCEEDED, RUN_STATE_FAILED}:
                    return model
                await asyncio.sleep(0.05)

    async def score(
        self,
        views: Dataset,
        models: list[str],
        *,
        enterprises: Dataset | None = None,
        before: DatasetRef | None = None,
    ) -> scoring_pb.ScoringRun:
        """Score views and wait until the run has ended."""
        asked = scoring_pb.CreateScoringRunRequest(
            request_id=str(uuid4()),
            cycle="2026-11",
            views=to_ref(views),
            models=models,
            enterprise_views=to_ref(enterprises) if enterprises else None,
            scores_before=before,
        )
        name = (await self.scoring.CreateScoringRun(asked)).scoring_run.name
        async with asyncio.timeout(60):
            while True:
                run = (await self.scoring.GetScoringRun(scoring_pb.GetScoringRunRequest(name=name))).scoring_run
                if run.status.state in {RUN_STATE_SUCCEEDED, RUN_STATE_FAILED}:
                    return run
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calls(
    postgres: ServerAddress, databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ScoringCalls]:
    """One service for the tests of a module: training takes longer than all else."""
    folder, clock = tmp_path_factory.mktemp("scoring"), ManualClock(NOON)
    rules, lake = folder / "province.toml", Lake(folder / "lake")
    rules.write_bytes(SHIPPED_RULES.read_bytes())
    name = await databases.migrated("scoring")
    url = service_url(postgres.url(name), "scoring", ROLE_SECRET)
    async with open_database(url, application_name="test-scoring") as database:
        store = PostgresStore(database)
        stages = handlers(ScoringSettings(settings_file=rules), lake=lake, store=store, clock=clock)
        worker = RunWorker(database=database, tables=RUNS, handlers=stages, clock=clock)
        async with _served(store, lake, clock, rules) as channel, _working(worker):
            models, scoring = model_rpc.ModelServiceStub(channel), scoring_rpc.ScoringServiceStub(channel)
            yield ScoringCalls(models, scoring, lake, rules, clock)
    await databases.drop(name)


@pytest.fixture(scope="module")
def history(calls: ScoringCalls) -> tuple[Dataset, Dataset]:
    return draw_base(1_500).publish(calls.lake, "2026-07")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def models(calls: ScoringCalls, history: tuple[Dataset, Dataset]) -> list[str]:
    """Names of trained models: stickiness, churn warning, need of the newspaper."""
    return [(await calls.train(history, kind)).name for kind in KINDS]


@pytest.fixture
def rules(calls: ScoringCalls) -> Iterator[Path]:
    """The province's file that the worker reads; what a test writes into it is undone."""
    shipped = calls.rules.read_bytes()
    yield calls.rules
    calls.rules.write_bytes(shipped)


@asynccontextmanager
async def _served(store: PostgresStore, lake: Lake, clock: ManualClock, rules: Path) -> AsyncIterator[grpc.aio.Channel]:
    def register(to: grpc.aio.Server) -> None:
        scoring = ScoringServicer(store, LakeRows(lake), clock, settings_file=rules)
        scoring_rpc.add_ScoringServiceServicer_to_server(scoring, to)
        model_rpc.add_ModelServiceServicer_to_server(ModelServicer(store, LakeRows(lake), clock), to)

    settings = ScoringServerSettings(port=0, drain_seconds=0)
    server = running(settings, register=register, service_names=SERVICE_NAMES, checks={"postgres": store.database.ping})
    async with server as port, open_channel(f"127.0.0.1:{port}", client_name="test") as channel:
        yield channel


@asynccontextmanager
async def _working(worker: RunWorker) -> AsyncIterator[None]:
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    yield
    stop.set()
    await working
