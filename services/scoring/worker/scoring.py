"""Scores one snapshot: values in SQL, models over Arrow batches, then tiers, bands and levels in SQL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import structlog

from services.scoring.datasets import SCORES, ModelShelf, ScoreShelf, number_columns, register_views
from services.scoring.domain.resources import Model, ModelKind, PublishedScores, ScoringRequest
from services.scoring.domain.rules import ScoringRules
from services.scoring.engine.scores import (
    CITY_THRESHOLDS,
    PREDICTED,
    VIEWS,
    scores_sql,
    thresholds_table,
    views_sql,
)
from services.scoring.engine.value import value_sql, weighted_criteria
from services.scoring.ports import Store
from services.scoring.settings import ScoringSettings, read_rules
from shared.clock import Clock
from shared.errors import Failure
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.lake.duckdb import open_engine
from shared.lake.engine import ColumnarEngine
from shared.lake.lake import Lake
from shared.runs.json import from_json, to_json
from shared.runs.stages import StageContext
from shared.runs.threads import Heard, in_thread

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """The stage of a scoring."""

    lake: Lake
    settings: ScoringSettings
    clock: Clock
    store: Store

    async def score(self, context: StageContext) -> JsonObject:
        """Publish one row of scores per customer of the views."""
        request = from_json(ScoringRequest, context.run.request)
        scores = ScoreShelf(self.lake, self.clock).find(context.run.run_id)
        if scores is None:
            models = await self._models(request)
            publish = partial(self._publish, context.run.run_id, request.views, models)
            scores = await in_thread(publish, show=context.progress)
        await context.progress(scores.row_count, scores.row_count)
        return to_json(PublishedScores(scores))

    async def _models(self, request: ScoringRequest) -> list[Model]:
        async with self.store.reading() as resources:
            return [await resources.get_model(model_id) for model_id in request.models]

    def _publish(self, run_id: str, views: Dataset, models: Sequence[Model], heard: Heard) -> Dataset:
        rules = read_rules(self.settings.settings_file)
        log.info("scoring_rules_read", rules=rules.fingerprint)

        def write(path: Path) -> int:
            with open_engine(self.lake, memory_limit=self.settings.memory) as engine:
                self._predict(engine, views, models, rules, heard)
                written = _write(engine, models, rules, path)
            if written != views.row_count:
                text = f"{views.uri} has {views.row_count} customers, but {written} were scored"
                raise Failure(text, reason="ERROR_REASON_INTERNAL")
            return written

        inputs = (views, *(_dataset(model) for model in models))
        return ScoreShelf(self.lake, self.clock).publish(run_id, write, inputs=inputs)

    def _predict(
        self, engine: ColumnarEngine, views: Dataset, models: Sequence[Model], rules: ScoringRules, heard: Heard
    ) -> None:
        from services.scoring.engine import boosting, predictions  # take seconds to import

        applied = []
        for column, model in zip(_columns(models), models, strict=True):
            stored = ModelShelf(self.lake, self.clock).read(_dataset(model))
            trees = boosting.from_bytes(stored.trees, threads=self.settings.model_threads)
            applied.append(predictions.AppliedModel(column, stored.plan, trees))
        register_views(engine, VIEWS, views)
        value = value_sql(weighted_criteria(rules.value), number_columns())
        reader = engine.stream(views_sql(value))
        engine.register_table(PREDICTED, _told(predictions.predictions(reader, applied), heard, views.row_count))


def _write(engine: ColumnarEngine, models: Sequence[Model], rules: ScoringRules, path: Path) -> int:
    cities = engine.fetch(f"SELECT DISTINCT city FROM {PREDICTED} ORDER BY city")["city"].to_pylist()
    engine.register_table(CITY_THRESHOLDS, thresholds_table([str(city) for city in cities], rules))
    sql, parameters = scores_sql(_products(models))
    return engine.write(sql, path, schema=SCORES, order_by=["customer_id"], parameters=parameters)


def _told(batches: pa.RecordBatchReader, heard: Heard, total: int) -> pa.RecordBatchReader:
    def telling() -> Iterator[pa.RecordBatch]:
        done = 0
        for batch in batches:
            yield batch
            done += batch.num_rows
            heard(done, total)

    return pa.RecordBatchReader.from_batches(batches.schema, telling())


def _products(models: Sequence[Model]) -> list[str]:
    """Return the products whose need is scored, in the order of the columns need_0, need_1 …"""
    targets = [model.request.target for model in models]
    return [target.product for target in targets if target.kind is ModelKind.NEED]


def _columns(models: Sequence[Model]) -> list[str]:
    needs = iter(f"need_{i}" for i in range(len(models)))
    kinds = [model.request.target.kind for model in models]
    return [next(needs) if kind is ModelKind.NEED else kind.lower() for kind in kinds]


def _dataset(model: Model) -> Dataset:
    if model.trained is None:
        raise LookupError(f"{model.run.name} was asked for by a scoring, so it had succeeded")
    return model.trained.dataset
