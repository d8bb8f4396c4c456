"""Scores one snapshot: values and groups in SQL, models over Arrow batches, enterprises, then tiers, bands and levels in SQL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import structlog

from services.scoring.datasets import (
    ENTERPRISE_SCORES,
    SCORES,
    ModelShelf,
    RuleSql,
    ScoreShelf,
    register_rows,
    rule_sql,
)
from services.scoring.domain.resources import (
    ENTERPRISE_VIEW_SCHEMA,
    SCORE_SCHEMA,
    VIEW_SCHEMA,
    Model,
    ModelKind,
    PublishedScores,
    ScoringRequest,
)
from services.scoring.domain.rules import ScoringRules
from services.scoring.engine.enterprises import ENTERPRISES, UNRANKED, enterprise_scores_sql
from services.scoring.engine.scores import (
    CITY_THRESHOLDS,
    PREDICTED,
    SCORED_ENTERPRISES,
    VIEWS,
    WARNED_BEFORE,
    Standing,
    no_enterprises,
    nobody_before,
    scores_sql,
    thresholds_table,
    views_sql,
)
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

_BATCH_ROWS = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """The stage of a scoring."""

    lake: Lake
    settings: ScoringSettings
    clock: Clock
    store: Store

    async def score(self, context: StageContext) -> JsonObject:
        """Publish one row of scores per enterprise of the enterprise views, and one per customer of the views."""
        request = from_json(ScoringRequest, context.run.request)
        published = self._shelf.find(context.run.run_id, with_enterprises=request.enterprise_views is not None)
        if published is None:
            models = await self._models(request)
            publish = partial(self._publish, context.run.run_id, request, models)
            published = await in_thread(publish, show=context.progress)
        await context.progress(published.scores.row_count, published.scores.row_count)
        return to_json(published)

    @property
    def _shelf(self) -> ScoreShelf:
        return ScoreShelf(self.lake, self.clock)

    async def _models(self, request: ScoringRequest) -> list[Model]:
        async with self.store.reading() as resources:
            return [await resources.get_model(model_id) for model_id in request.models]

    def _publish(self, run_id: str, request: ScoringRequest, models: Sequence[Model], heard: Heard) -> PublishedScores:
        rules = read_rules(self.settings.settings_file)
        sql = rule_sql(rules)
        log.info("scoring_rules_read", rules=rules.fingerprint)
        with open_engine(self.lake, memory_limit=self.settings.memory) as engine:
            self._predict(engine, request.views, models, sql.standing, heard)
            _register_others(engine, request, rules)
            enterprises = self._publish_enterprises(engine, run_id, request, sql)
            write = partial(_write_customers, engine, models, rules, request.views)
            inputs = (request.views, request.enterprise_views, request.scores_before, *map(_dataset, models))
            given = tuple(dataset for dataset in inputs if dataset is not None)
            return PublishedScores(self._shelf.publish(run_id, write, inputs=given), enterprises)

    def _predict(
        self, engine: ColumnarEngine, views: Dataset, models: Sequence[Model], standing: Standing, heard: Heard
    ) -> None:
        from services.scoring.engine import boosting, predictions  # take seconds to import

        applied = []
        for column, model in zip(_columns(models), models, strict=True):
            stored = ModelShelf(self.lake, self.clock).read(_dataset(model))
            applied.append(predictions.AppliedModel(column, stored.plan, boosting.from_bytes(stored.trees)))
        register_rows(engine, VIEWS, views, VIEW_SCHEMA)
        reader = engine.stream(views_sql(standing), batch_rows=_BATCH_ROWS)
        predicted = predictions.predictions(reader, applied, threads=self.settings.model_threads)
        engine.register_table(PREDICTED, _told(predicted, heard, views.row_count))

    def _publish_enterprises(
        self, engine: ColumnarEngine, run_id: str, request: ScoringRequest, sql: RuleSql
    ) -> Dataset | None:
        """Score the enterprises for their members, and publish their scores; without views there is nothing to join."""
        views = request.enterprise_views
        if views is None:
            engine.register_table(SCORED_ENTERPRISES, no_enterprises())
            return None
        engine.execute(f"CREATE TABLE {UNRANKED} AS {sql.unranked_enterprises}")
        engine.execute(f"CREATE TABLE {SCORED_ENTERPRISES} AS {enterprise_scores_sql()}")
        write = partial(_write_enterprises, engine, views)
        return self._shelf.publish_enterprises(run_id, write, inputs=(views, request.views))


def _register_others(engine: ColumnarEngine, request: ScoringRequest, rules: ScoringRules) -> None:
    """Register what stands beside the customers: scores of before, enterprises, and the thresholds of all their cities."""
    if request.scores_before is None:
        engine.register_table(WARNED_BEFORE, nobody_before())
    else:
        register_rows(engine, WARNED_BEFORE, request.scores_before, SCORE_SCHEMA)
    cities = f"SELECT city FROM {PREDICTED}"
    if request.enterprise_views is not None:
        register_rows(engine, ENTERPRISES, request.enterprise_views, ENTERPRISE_VIEW_SCHEMA)
        cities += f" UNION ALL SELECT city FROM {ENTERPRISES}"
    found = engine.fetch(f"SELECT DISTINCT city FROM ({cities}) ORDER BY city")["city"].to_pylist()
    engine.register_table(CITY_THRESHOLDS, thresholds_table([str(city) for city in found], rules))


def _write_customers(
    engine: ColumnarEngine, models: Sequence[Model], rules: ScoringRules, views: Dataset, path: Path
) -> int:
    sql, parameters = scores_sql(_products(models), rules.fixed_tiers)
    written = engine.write(sql, path, schema=SCORES, order_by=["customer_id"], parameters=parameters)
    return _all_of(views, written)


def _write_enterprises(engine: ColumnarEngine, views: Dataset, path: Path) -> int:
    sql = f"SELECT * FROM {SCORED_ENTERPRISES}"
    return _all_of(views, engine.write(sql, path, schema=ENTERPRISE_SCORES, order_by=["enterprise_id"]))


def _all_of(views: Dataset, written: int) -> int:
    if written != views.row_count:
        text = f"{views.uri} has {views.row_count} rows, but {written} were scored"
        raise Failure(text, reason="ERROR_REASON_INTERNAL")
    return written


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
