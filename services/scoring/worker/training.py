"""Trains one model: judges it on folds that it has not seen, fits it to all and publishes it."""

from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from services.scoring.datasets import ModelShelf, StoredModel, register_rows
from services.scoring.domain.resources import LABEL_SCHEMA, VIEW_SCHEMA, Target, TrainedModel, TrainingRequest
from services.scoring.engine.features import Labels
from services.scoring.engine.training_rows import LABELS, VIEWS, History, history_sql, lesson, read_history
from services.scoring.settings import ScoringSettings
from shared.clock import Clock
from shared.errors import WrongState
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.runs.json import from_json, to_json
from shared.runs.stages import StageContext
from shared.runs.threads import Heard, in_thread


@dataclass(slots=True)
class _LatestHistory:
    """The history read last, with its views and labels: a cycle trains all its models on one; they wait for one to read it."""

    read: tuple[Dataset, Dataset, History] | None = None
    reading: Lock = field(default_factory=Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The stage of a training."""

    lake: Lake
    settings: ScoringSettings
    clock: Clock
    latest: _LatestHistory = field(default_factory=_LatestHistory)

    async def train(self, context: StageContext) -> JsonObject:
        """Publish a model with its quality. Raises WrongState with reason TRAINING_DATA_INSUFFICIENT."""
        request = from_json(TrainingRequest, context.run.request)
        train = partial(self._train, context.run.run_id, request)
        trained = await in_thread(train, show=context.progress)
        await context.progress(trained.quality.row_count, trained.quality.row_count)
        return to_json(trained)

    def _train(self, model_id: str, request: TrainingRequest, heard: Heard) -> TrainedModel:
        from services.scoring.engine import boosting  # takes seconds to import

        history = self._history(request)
        learnt = lesson(history, request.target, cells=self.settings.training_cells)
        _refuse_too_few(request.target, learnt.labels, least=self.settings.least_cases)
        heard(0, len(learnt.labels))
        fitted = boosting.fit_and_judge(learnt.matrix, learnt.labels, names=history.plan.names)
        dataset = ModelShelf(self.lake, self.clock).publish(
            model_id,
            StoredModel(history.plan, boosting.to_bytes(fitted.trees)),
            request=request,
            quality=fitted.quality,
            made_with={**boosting.recipe(), "trees": fitted.trees.num_boosted_rounds()},
        )
        return TrainedModel(dataset, fitted.quality)

    def _history(self, request: TrainingRequest) -> History:
        views, labels = request.history_views, request.history_labels
        with self.latest.reading:
            latest = self.latest.read
            if latest is None or latest[:2] != (views, labels):
                latest = self.latest.read = views, labels, self._read(views, labels)
        return latest[2]

    def _read(self, views: Dataset, labels: Dataset) -> History:
        sql, parameters = history_sql(population=labels.row_count, most=self.settings.training_rows)
        with open_engine(self.lake, memory_limit=self.settings.memory) as engine:
            register_rows(engine, VIEWS, views, VIEW_SCHEMA)
            register_rows(engine, LABELS, labels, LABEL_SCHEMA)
            return read_history(engine.fetch(sql, parameters))


def _refuse_too_few(target: Target, labels: Labels, *, least: int) -> None:
    cases = int(labels.sum())
    others = len(labels) - cases
    if min(cases, others) >= least:
        return
    raise WrongState(
        f"the model of {target} cannot be trained: of {len(labels)} customers it happened to {cases} and not to {others}, "
        f"and at least {least} of each are needed (VISAVIS_SCORING_LEAST_CASES); give it a larger base or a later month",
        subject=str(target),
        reason="ERROR_REASON_TRAINING_DATA_INSUFFICIENT",
    )
