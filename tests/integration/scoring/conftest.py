"""The scoring service as its callers see it: a server on a socket, and a worker beside it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import grpc
import pytest
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
from shared.db.engine import Database
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.messages import to_ref
from shared.rpc.client import open_channel
from shared.rpc.server import running
from shared.runs.worker import RunWorker
from tests.factories.scoring import NEWSPAPER, NOON, draw_base

KINDS = (
    (model_pb.MODEL_KIND_STICKINESS, ""),
    (model_pb.MODEL_KIND_CHURN_WARNING, ""),
    (model_pb.MODEL_KIND_NEED, NEWSPAPER),
)
Kind: TypeAlias = "tuple[model_pb.ModelKind.ValueType, str]"


@dataclass(frozen=True, slots=True)
class ScoringCalls:
    """The RPCs, and the province's file that the worker reads."""

    models: "model_rpc.ModelServiceAsyncStub"
    scoring: "scoring_rpc.ScoringServiceAsyncStub"
    lake: Lake
    rules: Path

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

    async def score(self, views: Dataset, models: list[str]) -> scoring_pb.ScoringRun:
        """Score views and wait until the run has ended."""
        asked = scoring_pb.CreateScoringRunRequest(
            request_id=str(uuid4()), cycle="2026-11", views=to_ref(views), models=models
        )
        name = (await self.scoring.CreateScoringRun(asked)).scoring_run.name
        async with asyncio.timeout(60):
            while True:
                run = (await self.scoring.GetScoringRun(scoring_pb.GetScoringRunRequest(name=name))).scoring_run
                if run.status.state in {RUN_STATE_SUCCEEDED, RUN_STATE_FAILED}:
                    return run
                await asyncio.sleep(0.05)


@pytest.fixture
async def calls(service_database: Callable[[str], Awaitable[Database]], tmp_path: Path) -> AsyncIterator[ScoringCalls]:
    database, clock, lake = await service_database("scoring"), ManualClock(NOON), Lake(tmp_path / "lake")
    rules = tmp_path / "province.toml"
    rules.write_bytes(SHIPPED_RULES.read_bytes())
    settings = ScoringSettings(home=tmp_path, scoring_settings_file=rules)
    store = PostgresStore(database)

    def register(to: grpc.aio.Server) -> None:
        scoring_rpc.add_ScoringServiceServicer_to_server(ScoringServicer(store, LakeRows(lake), clock), to)
        model_rpc.add_ModelServiceServicer_to_server(ModelServicer(store, clock), to)

    stages = handlers(settings, lake=lake, store=store, clock=clock)
    worker, stop = RunWorker(database=database, tables=RUNS, handlers=stages, clock=clock), asyncio.Event()
    server = running(
        ScoringServerSettings(port=0, drain_seconds=0),
        register=register,
        service_names=SERVICE_NAMES,
        checks={"postgres": database.ping},
    )
    async with server as port, open_channel(f"127.0.0.1:{port}", client_name="test") as channel:
        working = asyncio.create_task(worker.run(stop))
        models, scoring = model_rpc.ModelServiceStub(channel), scoring_rpc.ScoringServiceStub(channel)
        yield ScoringCalls(models, scoring, lake, rules)
        stop.set()
        await working


@pytest.fixture
def history(calls: ScoringCalls) -> tuple[Dataset, Dataset]:
    return draw_base(1_500).publish(calls.lake, "2026-07")


@pytest.fixture
async def models(calls: ScoringCalls, history: tuple[Dataset, Dataset]) -> list[str]:
    """Names of trained models: stickiness, churn warning, need of the newspaper."""
    return [(await calls.train(history, kind)).name for kind in KINDS]
