"""Views and labels out of the lake, models and scores into it."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pyarrow.compute as pc
import pyarrow.parquet as pq
from google.protobuf.descriptor import Descriptor
from visavis.profile.v1.customer_view_pb2 import CustomerLabels, CustomerView, EnterpriseView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores, EnterpriseScores

from services.scoring.domain.resources import (
    ENTERPRISE_SCORE_SCHEMA,
    ENTERPRISE_VIEW_SCHEMA,
    LABEL_SCHEMA,
    MODEL_SCHEMA,
    SCORE_SCHEMA,
    VIEW_SCHEMA,
    ModelQuality,
    PublishedScores,
    TrainingRequest,
)
from services.scoring.domain.rules import ScoringRules
from services.scoring.engine.enterprises import enterprise_columns, unranked_sql
from services.scoring.engine.features import FeaturePlan
from services.scoring.engine.scores import Standing
from services.scoring.engine.segments import any_sql, check_conditions, segment_sql
from services.scoring.engine.value import value_sql, weighted_criteria
from services.scoring.ports import Row
from shared.clock import Clock
from shared.errors import InvalidInput
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset, DatasetUnreadable
from shared.lake.engine import ColumnarEngine
from shared.lake.lake import Lake
from shared.lake.matrix import MatrixColumn, matrix_columns
from shared.lake.schema import arrow_schema
from shared.observability.context import current_traceparent

VIEWS: Final = arrow_schema(CustomerView.DESCRIPTOR)
LABELS: Final = arrow_schema(CustomerLabels.DESCRIPTOR)
SCORES: Final = arrow_schema(CustomerScores.DESCRIPTOR)
ENTERPRISE_VIEWS: Final = arrow_schema(EnterpriseView.DESCRIPTOR)
ENTERPRISE_SCORES: Final = arrow_schema(EnterpriseScores.DESCRIPTOR)
_SCHEMAS: Final = {
    VIEW_SCHEMA: VIEWS,
    LABEL_SCHEMA: LABELS,
    SCORE_SCHEMA: SCORES,
    ENTERPRISE_VIEW_SCHEMA: ENTERPRISE_VIEWS,
}

_TREES = "model.ubj"
_DESCRIPTION = "meta.json"


def view_fields() -> Mapping[str, MatrixColumn]:
    """Return what rules may compare of a customer view, by its name in matrices."""
    return {column.name: column for column in matrix_columns(CustomerView.DESCRIPTOR)}


def number_columns() -> Mapping[str, str]:
    """Return the SQL of each number of the customer view, by its name in matrices, and of the role in the enterprise."""
    key_person = "CASE enterprise_role WHEN 'key_person' THEN 1 WHEN 'member' THEN 0 END"
    return {**_numbers(CustomerView.DESCRIPTOR), "key_person": key_person}


def enterprise_number_columns() -> Mapping[str, str]:
    """Return the SQL of each number of the enterprise view, by its name in matrices."""
    return _numbers(EnterpriseView.DESCRIPTOR)


def register_rows(engine: ColumnarEngine, name: str, rows: Dataset, schema: str) -> None:
    """Make a dataset of the row message `schema` a relation. Raises DatasetUnreadable, also for rows of another schema."""
    if rows.schema != schema:
        raise DatasetUnreadable(f"{rows.uri}: rows are {rows.schema}, expected {schema}", uri=rows.uri)
    engine.register(name, rows, _SCHEMAS[schema])


@dataclass(frozen=True, slots=True)
class RuleSql:
    """What the province's rules come to in SQL over views."""

    standing: Standing
    unranked_enterprises: str


def rule_sql(rules: ScoringRules) -> RuleSql:
    """Return the SQL of the rules. Raises InvalidInput for rules that fit neither each other nor the views."""
    fields = view_fields()
    segments = [segment.conditions for segment in rules.voice_segments]
    faults = [
        *check_conditions(segments, fields, where="voice_segments"),
        *check_conditions(rules.minutes_can_grow, fields, where="minutes_can_grow"),
    ]
    if faults:
        raise InvalidInput(faults)
    standing = Standing(
        value=value_sql(weighted_criteria(rules.value), number_columns()),
        voice_segment=segment_sql(rules.voice_segments, fields),
        minutes_can_grow=any_sql(rules.minutes_can_grow, fields),
    )
    columns = enterprise_columns(enterprise_number_columns())
    return RuleSql(standing, unranked_sql(rules.enterprises, columns))


@dataclass(frozen=True, slots=True)
class LakeRows:
    """What callers ask of published datasets: single customers, by whom they are sorted, and counts."""

    lake: Lake

    async def find(self, dataset: Dataset, customer_id: str) -> Row | None:
        found = await asyncio.to_thread(self.lake.lookup, dataset, "customer_id", [customer_id])
        rows: list[dict[str, object]] = found.to_pylist()
        return rows[0] if rows else None

    async def count_taken(self, labels: Dataset) -> Mapping[str, int]:
        return await asyncio.to_thread(self._count_taken, labels)

    def _count_taken(self, labels: Dataset) -> Mapping[str, int]:
        counted: Counter[str] = Counter()
        for path in self.lake.open(labels, expect=LABEL_SCHEMA):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(columns=["products_taken"]):
                    counted.update(map(str, pc.list_flatten(batch["products_taken"]).to_pylist()))
        return counted


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What is needed to apply a model: its trees in UBJSON, and how views become the features that these ask about."""

    plan: FeaturePlan
    trees: bytes


@dataclass(frozen=True, slots=True)
class ModelShelf:
    """Models in the lake, each a dataset of its trees and their description. Blocking."""

    lake: Lake
    clock: Clock

    def publish(
        self,
        model_id: str,
        model: StoredModel,
        *,
        request: TrainingRequest,
        quality: ModelQuality,
        made_with: JsonObject,
    ) -> Dataset:
        """Publish a model with what it was made from; what is there already stays."""
        description: JsonObject = {
            "target": asdict(request.target),
            "features": list(model.plan.names),
            "plan": model.plan.to_json(),
            "quality": asdict(quality),
            "made_with": made_with,
            "history_views": asdict(request.history_views),
            "history_labels": asdict(request.history_labels),
        }
        with self.lake.publish(
            f"scoring/model/{model_id}",
            schema=MODEL_SCHEMA,
            created_at=self.clock.now(),
            inputs=(request.history_views, request.history_labels),
            traceparent=current_traceparent(),
        ) as draft:
            draft.path(_TREES).write_bytes(model.trees)
            draft.path(_DESCRIPTION).write_text(json.dumps(description, ensure_ascii=False, indent=2), encoding="utf-8")
            return draft.commit(1)

    def read(self, dataset: Dataset) -> StoredModel:
        """Read a published model. Raises DatasetUnreadable."""
        files = {path.name: path for path in self.lake.open(dataset, expect=MODEL_SCHEMA)}
        try:
            description = json.loads(files[_DESCRIPTION].read_text(encoding="utf-8"))
            return StoredModel(FeaturePlan.from_json(description["plan"]), files[_TREES].read_bytes())
        except (KeyError, TypeError, ValueError) as error:
            text = f"{dataset.uri}: no model with {_TREES} and {_DESCRIPTION}; train it again"
            raise DatasetUnreadable(text, uri=dataset.uri) from error


@dataclass(frozen=True, slots=True)
class ScoreShelf:
    """Scores in the lake. Blocking."""

    lake: Lake
    clock: Clock

    def find(self, run_id: str, *, with_enterprises: bool) -> PublishedScores | None:
        """Return all that a run publishes, None if some of it is missing."""
        scores = self.lake.find(_scores_uri(run_id))
        enterprises = self.lake.find(_enterprises_uri(run_id)) if with_enterprises else None
        if scores is None or (with_enterprises and enterprises is None):
            return None
        return PublishedScores(scores, enterprises)

    def publish(self, run_id: str, write: Callable[[Path], int], *, inputs: tuple[Dataset, ...]) -> Dataset:
        """Publish the rows of CustomerScores that `write` writes to the path it is given; it returns how many."""
        return self._publish(_scores_uri(run_id), SCORE_SCHEMA, write, inputs)

    def publish_enterprises(self, run_id: str, write: Callable[[Path], int], *, inputs: tuple[Dataset, ...]) -> Dataset:
        """Publish the rows of EnterpriseScores, likewise."""
        return self._publish(_enterprises_uri(run_id), ENTERPRISE_SCORE_SCHEMA, write, inputs)

    def _publish(self, uri: str, schema: str, write: Callable[[Path], int], inputs: tuple[Dataset, ...]) -> Dataset:
        with self.lake.publish(
            uri,
            schema=schema,
            created_at=self.clock.now(),
            inputs=inputs,
            traceparent=current_traceparent(),
        ) as draft:
            return draft.commit(write(draft.path("part.parquet")))


def _scores_uri(run_id: str) -> str:
    return f"scoring/customer_scores/{run_id}"


def _enterprises_uri(run_id: str) -> str:
    return f"scoring/enterprise_scores/{run_id}"


def _numbers(descriptor: Descriptor) -> Mapping[str, str]:
    return {column.name: column.sql for column in matrix_columns(descriptor) if column.kind == "number"}
