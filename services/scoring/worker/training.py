"""Trains one model: judges it on folds that it has not seen, then fits it to all and publishes it."""

import asyncio
from dataclasses import dataclass

import numpy as np

from services.scoring.datasets import ModelShelf, StoredModel, register_labels, register_views
from services.scoring.domain.resources import ModelQuality, Target, TrainedModel, TrainingRequest
from services.scoring.engine.features import FeaturePlan, Labels, Matrix, feature_matrix, plan_features
from services.scoring.engine.training_rows import IS_CANDIDATE, LABEL, LABELS, VIEWS, training_rows_sql
from services.scoring.settings import ScoringSettings
from shared.clock import Clock
from shared.errors import WrongState
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.runs.json import from_json, to_json
from shared.runs.stages import StageContext

CROSS_VALIDATION = "cross_validation"


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What a model learns from: features and outcomes, in the order of customer_id."""

    plan: FeaturePlan
    matrix: Matrix
    labels: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The stages of a training."""

    lake: Lake
    settings: ScoringSettings
    clock: Clock

    async def cross_validate(self, context: StageContext) -> JsonObject:
        """Give the quality. Raises WrongState with reason TRAINING_DATA_INSUFFICIENT."""
        quality = await asyncio.to_thread(self._judge, from_json(TrainingRequest, context.run.request))
        await context.progress(quality.row_count, quality.row_count)
        return to_json(quality)

    async def fit(self, context: StageContext) -> JsonObject:
        """Publish the model that was judged."""
        quality = from_json(ModelQuality, context.outputs[CROSS_VALIDATION])
        request = from_json(TrainingRequest, context.run.request)
        dataset = await asyncio.to_thread(self._publish, context.run.run_id, request, quality)
        await context.progress(quality.row_count, quality.row_count)
        return to_json(TrainedModel(dataset, quality))

    def _judge(self, request: TrainingRequest) -> ModelQuality:
        from services.scoring.engine import boosting  # takes seconds to import

        lesson = self._lesson(request)
        return boosting.cross_validate(
            lesson.matrix, lesson.labels, names=lesson.plan.names, threads=self.settings.model_threads
        )

    def _publish(self, model_id: str, request: TrainingRequest, quality: ModelQuality) -> Dataset:
        from services.scoring.engine import boosting  # takes seconds to import

        lesson = self._lesson(request)
        trees = boosting.fit(lesson.matrix, lesson.labels, names=lesson.plan.names, threads=self.settings.model_threads)
        return ModelShelf(self.lake, self.clock).publish(
            model_id,
            StoredModel(lesson.plan, boosting.to_bytes(trees)),
            request=request,
            quality=quality,
            made_with=boosting.recipe(),
        )

    def _lesson(self, request: TrainingRequest) -> _Lesson:
        """Raises WrongState where there is too little to learn from."""
        sql, parameters = training_rows_sql(request.target)
        with open_engine(self.lake, memory_limit=self.settings.memory) as engine:
            register_views(engine, VIEWS, request.history_views)
            register_labels(engine, LABELS, request.history_labels)
            rows = engine.fetch(sql, parameters)
        plan = plan_features(rows)
        candidates = rows.filter(rows[IS_CANDIDATE])
        labels = np.asarray(candidates[LABEL].to_numpy(), dtype=np.bool_)
        _refuse_too_few(request.target, labels, least=self.settings.least_cases)
        matrix = np.concatenate([feature_matrix(batch, plan) for batch in candidates.to_batches()])
        return _Lesson(plan, matrix, labels)


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
