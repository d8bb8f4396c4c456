"""Who a model learns from, and what became of them."""

from collections.abc import Mapping
from typing import assert_never

from services.scoring.domain.resources import ModelKind, Target
from services.scoring.engine.features import COLUMNS

VIEWS = "history_views"
LABELS = "history_labels"
LABEL = "label"
IS_CANDIDATE = "is_candidate"


def training_rows_sql(target: Target) -> tuple[str, Mapping[str, object]]:
    """Return the query of all labelled views by customer, and its parameters; `is_candidate` says who the model is about.

    A need is about those who do not have the product at the view; every other model is about all.
    """
    columns = ", ".join(f"v.{column}" for column in COLUMNS)
    parameters = {"product": target.product} if target.kind is ModelKind.NEED else {}
    sql = f"""
        SELECT {columns}, {_label(target.kind)} AS {LABEL}, {_candidate(target.kind)} AS {IS_CANDIDATE}
        FROM {VIEWS} v JOIN {LABELS} l USING (customer_id)
        ORDER BY v.customer_id
    """
    return sql, parameters


def _label(kind: ModelKind) -> str:
    match kind:
        case ModelKind.STICKINESS:
            return "l.stayed"
        case ModelKind.CHURN_WARNING:
            return "l.churned"
        case ModelKind.NEED:
            return "list_contains(l.products_taken, $product)"
        case _:
            assert_never(kind)


def _candidate(kind: ModelKind) -> str:
    if kind is not ModelKind.NEED:
        return "true"
    owned = "lambda p: p.product = $product AND p.state IN ('active', 'trial', 'inactive')"
    return f"len(list_filter(v.products, {owned})) = 0"
