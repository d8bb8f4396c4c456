"""Who models learn from, and what became of them: one reading of history serves every model of a cycle."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.scoring.domain.resources import ModelKind, Target
from services.scoring.engine.features import (
    PRODUCT_STATES,
    FeaturePlan,
    Labels,
    Matrix,
    feature_matrix,
    features_sql,
    plan_features,
)

_Chunked: TypeAlias = "pa.ChunkedArray[pa.BooleanScalar]"
_ChunkedLists: TypeAlias = "pa.ChunkedArray[pa.ListScalar[pa.DataType]]"

VIEWS: Final = "history_views"
LABELS: Final = "history_labels"
_OUTCOMES: Final = ("churned", "stayed", "products_taken")
_HASHES: Final = 2**32
_HAD: Final = [PRODUCT_STATES.index(state) for state in ("voice_plan", "inactive", "trial", "active")]


@dataclass(frozen=True, slots=True)
class History:
    """Customers of an earlier month in the order of customer_id: features, and the outcomes that were labelled."""

    plan: FeaturePlan
    matrix: Matrix
    outcomes: pa.Table


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one model learns from: features and outcomes, in the order of customer_id."""

    matrix: Matrix
    labels: Labels


def history_sql(*, population: int, most: int) -> tuple[str, Mapping[str, object]]:
    """Return the query of labelled views by customer, and its parameters.

    Of a larger `population` about `most` customers are drawn by a hash of their id: the same ones each time.
    """
    outcomes = ", ".join(f"l.{name}" for name in _OUTCOMES)
    # The upper half of the hash: profile may have drawn those who are here by the lower one.
    drawn = "" if population <= most else "WHERE hash(v.customer_id) >> 32 < $bound"
    sql = f"""
        SELECT {features_sql("v")}, {outcomes}
        FROM {VIEWS} v JOIN {LABELS} l USING (customer_id)
        {drawn}
        ORDER BY v.customer_id
    """
    return sql, {"bound": _HASHES * most // population} if drawn else {}


def read_history(rows: pa.Table) -> History:
    """Return the history from the rows of `history_sql`."""
    plan = plan_features(rows)
    matrix = np.empty((rows.num_rows, len(plan.names)), dtype=np.float32)
    start = 0
    for batch in rows.to_batches():
        matrix[start : start + batch.num_rows] = feature_matrix(batch, plan)
        start += batch.num_rows
    return History(plan, matrix, rows.select(_OUTCOMES).combine_chunks())


def lesson(history: History, target: Target, *, cells: int) -> Lesson:
    """Return what a model learns from: all whom it is about, or evenly spread ones as far as `cells` numbers reach.

    A need is about those who do not have the product at the view; every other model is about all.
    """
    rows = np.flatnonzero(_candidates(history, target))
    most = max(1, cells // max(1, len(history.plan.names)))
    if len(rows) > most:
        rows = rows[np.arange(most) * len(rows) // most]
    return Lesson(history.matrix[rows], _labels(history, target)[rows])


def _candidates(history: History, target: Target) -> Labels:
    if target.kind is not ModelKind.NEED or target.product not in history.plan.products:
        return np.ones(len(history.matrix), dtype=np.bool_)
    state = history.matrix[:, history.plan.names.index(f"product_{target.product}_state")]
    return ~np.isin(state, _HAD)


def _labels(history: History, target: Target) -> Labels:
    match target.kind:
        case ModelKind.STICKINESS:
            return _flags(history.outcomes["stayed"])
        case ModelKind.CHURN_WARNING:
            return _flags(history.outcomes["churned"])
        case ModelKind.NEED:
            return _took(history.outcomes["products_taken"], target.product)
        case _:
            assert_never(target.kind)


def _flags(column: _Chunked) -> Labels:
    return np.asarray(column.to_numpy(), dtype=np.bool_)


def _took(taken: _ChunkedLists, product: str) -> Labels:
    labels = np.zeros(len(taken), dtype=np.bool_)
    takers = pc.list_parent_indices(taken).filter(pc.is_in(pc.list_flatten(taken), value_set=pa.array([product])))
    labels[takers.to_numpy()] = True
    return labels
