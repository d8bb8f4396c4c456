"""Models and scorings in PostgreSQL: they are runs, and nothing else is kept there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from services.scoring.domain.resources import (
    MODELS,
    SCORING_RUNS,
    Model,
    PublishedScores,
    ScoringRequest,
    ScoringRun,
    TrainedModel,
    TrainingRequest,
)
from services.scoring.tables import RUNS
from shared.db.engine import Database
from shared.db.transactions import AnyTransaction, WriteTransaction
from shared.runs.domain import Run, RunPlace, RunState
from shared.runs.json import from_json, to_json
from shared.runs.store import RunStore

_STORE = RunStore(RUNS)


@dataclass(frozen=True, slots=True)
class PostgresStore:
    """Opens transactions on the scoring schema."""

    database: Database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["StoredResources"]:
        async with self.database.read() as tx:
            yield StoredResources(tx)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator["ChangeableStoredResources"]:
        async with self.database.write() as tx:
            yield ChangeableStoredResources(tx, tx)


@dataclass(frozen=True, slots=True)
class StoredResources:
    """What one transaction sees."""

    tx: AnyTransaction

    async def get_model(self, model_id: str) -> Model:
        return _model_of(await _STORE.get(self.tx, MODELS, model_id))

    async def list_models(self, after: RunPlace | None, limit: int) -> tuple[Sequence[Model], RunPlace | None]:
        page = await _STORE.page(self.tx, MODELS, after=after, limit=limit)
        return [_model_of(run) for run in page.runs], page.next_place

    async def get_scoring_run(self, scoring_run_id: str) -> ScoringRun:
        return _scoring_run_of(await _STORE.get(self.tx, SCORING_RUNS, scoring_run_id))

    async def list_scoring_runs(
        self, after: RunPlace | None, limit: int
    ) -> tuple[Sequence[ScoringRun], RunPlace | None]:
        page = await _STORE.page(self.tx, SCORING_RUNS, after=after, limit=limit)
        return [_scoring_run_of(run) for run in page.runs], page.next_place


@dataclass(frozen=True, slots=True)
class ChangeableStoredResources(StoredResources):
    """What one writing transaction sees and adds."""

    writing: WriteTransaction

    async def create_model(self, model_id: str, request: TrainingRequest, *, principal: str, now: datetime) -> Model:
        stored = to_json(request)
        run = await _STORE.create(
            self.writing, kind=MODELS, run_id=model_id, request=stored, principal=principal, now=now
        )
        return _model_of(run)

    async def create_scoring_run(
        self, scoring_run_id: str, request: ScoringRequest, *, principal: str, now: datetime
    ) -> ScoringRun:
        stored = to_json(request)
        run = await _STORE.create(
            self.writing, kind=SCORING_RUNS, run_id=scoring_run_id, request=stored, principal=principal, now=now
        )
        return _scoring_run_of(run)


def _model_of(run: Run) -> Model:
    trained = from_json(TrainedModel, run.result) if run.state is RunState.SUCCEEDED else None
    return Model(run, from_json(TrainingRequest, run.request), trained)


def _scoring_run_of(run: Run) -> ScoringRun:
    published = from_json(PublishedScores, run.result) if run.state is RunState.SUCCEEDED else None
    return ScoringRun(run, from_json(ScoringRequest, run.request), published)
