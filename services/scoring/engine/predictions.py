"""Applies models to views, batch by batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import xgboost

from services.scoring.engine.boosting import predict
from services.scoring.engine.features import FeaturePlan, Matrix, feature_matrix
from services.scoring.engine.scores import CARRIED, units
from shared.lake.side_by_side import side_by_side


@dataclass(frozen=True, slots=True)
class AppliedModel:
    """A model in memory, and the column that its predictions go to."""

    column: str
    plan: FeaturePlan
    trees: xgboost.Booster


def predictions(views: pa.RecordBatchReader, models: Sequence[AppliedModel], *, threads: int) -> pa.RecordBatchReader:
    """Return the carried columns of `views_sql` with a column of predictions per model, in whole score units.

    Batches keep their order; as many as `threads` are worked on at once, and few wait.
    """
    carried = [views.schema.field(name) for name in CARRIED]
    schema = pa.schema([*carried, *(pa.field(model.column, pa.int64()) for model in models)])
    predicted = side_by_side(lambda batch: _predicted(batch, models, schema), views, threads=threads)
    return pa.RecordBatchReader.from_batches(schema, predicted)


def _predicted(batch: pa.RecordBatch, models: Sequence[AppliedModel], schema: pa.Schema) -> pa.RecordBatch:
    matrices: dict[FeaturePlan, Matrix] = {}  # models of one history share a plan
    columns = [batch[name] for name in CARRIED]
    for model in models:
        if model.plan not in matrices:
            matrices[model.plan] = feature_matrix(batch, model.plan)
        columns.append(pa.array(units(predict(model.trees, matrices[model.plan]))))
    return pa.RecordBatch.from_arrays(columns, schema=schema)
