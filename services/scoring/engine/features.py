"""What models see of a customer view: a row of numbers, the same for training and for scoring.

Not seen: who it is (ids, number), where it lives (city and county have thresholds of their own instead, and a model should
hold for a city that is new), and what was agreed or forbidden (consent, red list), which is no behaviour.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shared.jsontypes import JsonObject

Matrix = npt.NDArray[np.float32]
Labels = npt.NDArray[np.bool_]
_Column: TypeAlias = "pa.Array[pa.Scalar[pa.DataType]]"
_Lists: TypeAlias = "pa.Array[pa.ListScalar[pa.DataType]]"

NUMBERS = (
    "age",
    "tenure_months",
    "credit_level",
    "contract_months_left",
    "balance_fen",
    "billed_months",
    "arpu_fen",
    "arpu_before_fen",
    "data_revenue_fen",
    "arrears_fen",
    "return_rate_score",
    "minutes",
    "minutes_change",
    "revenue_change",
    "long_distance_minutes",
    "roaming_minutes",
)
FLAGS = ("handset_gprs", "handset_wap", "handset_mms", "internet_access", "in_contract")
CATEGORIES = ("brand", "sex", "plan", "portrait")
COLUMNS = (*NUMBERS, *FLAGS, *CATEGORIES, "products")
"""The columns of the customer view that features are made of."""
PRODUCT_STATES = ("inactive", "trial", "active", "cancelled")
"""A product's state is its place in this tuple; none (potential) is missing."""


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """How views become numbers. A category is its place among the values listed; one not listed is missing."""

    categories: tuple[tuple[str, tuple[str, ...]], ...]
    products: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Name the columns of the matrix."""
        per_product = (f"product_{product}_{part}" for product in self.products for part in ("state", "active_days"))
        return (*NUMBERS, *FLAGS, *(name for name, _ in self.categories), *per_product)

    def to_json(self) -> JsonObject:
        return {
            "categories": {name: list(values) for name, values in self.categories},
            "products": list(self.products),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "FeaturePlan":
        categories = cast("Mapping[str, Sequence[str]]", stored["categories"])
        products = cast("Sequence[str]", stored["products"])
        return cls(tuple((name, tuple(values)) for name, values in categories.items()), tuple(products))


def plan_features(views: pa.Table) -> FeaturePlan:
    """Return the plan for views like these: the categories' values and the products that occur, in alphabetical order."""
    categories = tuple((name, _distinct(views[name].unique().to_pylist())) for name in CATEGORIES)
    products = pc.struct_field(pc.list_flatten(views["products"]), "product")
    return FeaturePlan(categories, _distinct(products.unique().to_pylist()))


def feature_matrix(views: pa.RecordBatch, plan: FeaturePlan) -> Matrix:
    """Return the features, one row per view, in the order of `plan.names`; missing is NaN."""
    matrix = np.full((views.num_rows, len(plan.names)), np.nan, dtype=np.float32)
    for position, name in enumerate((*NUMBERS, *FLAGS)):
        matrix[:, position] = _floats(views[name])
    start = len(NUMBERS) + len(FLAGS)
    for position, (name, values) in enumerate(plan.categories, start):
        matrix[:, position] = _codes(views[name], values)
    _fill_products(matrix[:, start + len(plan.categories) :], views["products"], plan.products)
    return matrix


def _fill_products(matrix: Matrix, products: _Lists, known: Sequence[str]) -> None:
    """Scatter each view's list of product states into two columns per product."""
    rows = np.asarray(pc.list_parent_indices(products))
    items = pc.list_flatten(products)
    product = _codes(pc.struct_field(items, "product"), known)
    seen = ~np.isnan(product)
    columns = 2 * product[seen].astype(np.int64)
    matrix[rows[seen], columns] = _codes(pc.struct_field(items, "state"), PRODUCT_STATES)[seen]
    matrix[rows[seen], columns + 1] = _floats(pc.struct_field(items, "active_days"))[seen]


def _floats(column: _Column) -> npt.NDArray[np.float64]:
    """Return a column as numbers, null as NaN."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _codes(column: _Column, values: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return each text's place in `values`, NaN for null and for what is not listed."""
    return _floats(pc.index_in(column, value_set=pa.array(values, pa.string())))


def _distinct(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted(str(value) for value in values if value is not None))
