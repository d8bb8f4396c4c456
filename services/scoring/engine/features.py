"""What models see of a customer view: a row of numbers, the same for training and for scoring.

Not seen: who it is (ids, number, customer manager), where it lives (city, county and micro-region: thresholds differ by city
instead, and a model should hold for a place that is new), the handset's model (its price, age and abilities are seen, so that
a model of next year is no riddle), the day the number was taken (tenure says it), and what was agreed or forbidden (consent,
red list), which is no behaviour.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
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
_Chunked: TypeAlias = "pa.ChunkedArray[pa.StringScalar]"
_Lists: TypeAlias = "pa.Array[pa.ListScalar[pa.DataType]]"

NUMBERS = (
    "age",
    "tenure_months",
    "credit_level",
    "income_level",
    "vip_level",
    "owner_lines",
    "referrals",
    "contract_months_left",
    "handset_price_fen",
    "handset_days",
    "handsets_owned",
    "handset_models_owned",
    "enterprise_employees",
    "enterprise_contract_months_left",
    "balance_fen",
    "billed_months",
    "arpu_fen",
    "arpu_before_fen",
    "fixed_revenue_fen",
    "voice_revenue_fen",
    "sms_revenue_fen",
    "data_revenue_fen",
    "payments_fen",
    "arrears_fen",
    "return_rate_score",
    "contribution_rate_before",
    "revenue_change",
    "minutes",
    "minutes_change",
    "inbound_minutes",
    "outbound_minutes",
    "local_minutes",
    "long_distance_minutes",
    "in_province_long_distance_minutes",
    "inter_province_long_distance_minutes",
    "international_long_distance_minutes",
    "roaming_minutes",
    "in_province_roaming_minutes",
    "inter_province_roaming_minutes",
    "international_roaming_minutes",
    "vpmn_minutes",
    "overage_minutes",
    "unit_price",
    "inbound_calls",
    "outbound_calls",
    "peak_calls",
    "off_peak_calls",
    "dropped_calls",
    "blocked_calls",
    "unanswered_calls",
    "waiting_calls",
    "conference_calls",
    "circle_breadth",
    "circle_depth",
    "circle_change",
    "vpmn_breadth",
    "vpmn_depth",
    "enterprise_peers",
    "rival_peers",
    "business_peers",
    "complaints",
    "consultations",
    "offers_made",
    "offers_accepted",
    "survey_score",
    "active_products",
    "silent_months",
)
FLAGS = (
    "handset_gprs",
    "handset_wap",
    "handset_mms",
    "handset_3g",
    "handset_4g",
    "internet_access",
    "in_contract",
    "answers_mail",
    "vpmn_member",
)
CATEGORIES = (
    "brand",
    "sex",
    "plan",
    "portrait",
    "occupation",
    "enterprise_role",
    "enterprise_industry",
    "top_counterpart",
    "preferred_channel",
    "content_preference",
    "preferred_hours",
)
COLUMNS = (*NUMBERS, *FLAGS, *CATEGORIES, "products")
"""The columns of the customer view that features are made of."""
PRODUCT_STATES = ("voice_plan", "inactive", "trial", "active", "cancelled")
"""A product's state is its place in this tuple; none (potential) is missing."""
_MOST_VALUES = 50
"""Of a category, so that one with thousands of values stays small; the rarer ones are missing."""


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """How views become numbers: columns as they are, categories as places among values, and two numbers per product.

    Values stand by how common they are in training, which needs no look at outcomes and orders them by something real;
    one not listed is missing.
    """

    numbers: tuple[str, ...]
    categories: tuple[tuple[str, tuple[str, ...]], ...]
    products: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Name the columns of the matrix."""
        per_product = (f"product_{product}_{part}" for product in self.products for part in ("state", "active_days"))
        return (*self.numbers, *(name for name, _ in self.categories), *per_product)

    def to_json(self) -> JsonObject:
        return {
            "numbers": list(self.numbers),
            "categories": {name: list(values) for name, values in self.categories},
            "products": list(self.products),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "FeaturePlan":
        numbers = cast("Sequence[str]", stored["numbers"])
        categories = cast("Mapping[str, Sequence[str]]", stored["categories"])
        products = cast("Sequence[str]", stored["products"])
        return cls(tuple(numbers), tuple((name, tuple(values)) for name, values in categories.items()), tuple(products))


def plan_features(views: pa.Table) -> FeaturePlan:
    """Return the plan for views like these, without the columns that are the same for all: an operator may not tell them."""
    numbers = tuple(name for name in (*NUMBERS, *FLAGS) if _differs(views[name]))
    categories = tuple((name, _commonest(views[name])) for name in CATEGORIES if _differs(views[name]))
    products = pc.struct_field(pc.list_flatten(views["products"]), "product")
    known = sorted(str(product) for product in products.unique().to_pylist() if product is not None)
    return FeaturePlan(numbers, categories, tuple(known))


def feature_matrix(views: pa.RecordBatch, plan: FeaturePlan) -> Matrix:
    """Return the features, one row per view, in the order of `plan.names`; missing is NaN."""
    matrix = np.full((views.num_rows, len(plan.names)), np.nan, dtype=np.float32)
    for position, name in enumerate(plan.numbers):
        matrix[:, position] = _floats(views[name])
    for position, (name, values) in enumerate(plan.categories, len(plan.numbers)):
        matrix[:, position] = _codes(views[name], values)
    start = len(plan.numbers) + len(plan.categories)
    _fill_products(matrix[:, start:], views["products"], plan.products)
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


def features_sql(alias: str) -> str:
    """Return the select list of `COLUMNS` of the relation `alias`, with what is a number as such: casts are the engine's work."""
    numbers = (f"CAST({alias}.{name} AS FLOAT) AS {name}" for name in (*NUMBERS, *FLAGS))
    return ", ".join([*numbers, *(f"{alias}.{name}" for name in (*CATEGORIES, "products"))])


def _floats(column: _Column) -> npt.NDArray[np.float32]:
    """Return a column as numbers, null as NaN."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.cast(pa.float32()).to_numpy(zero_copy_only=False), dtype=np.float32)


def _codes(column: _Column, values: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return each text's place in `values`, NaN for null and for what is not listed."""
    return _floats(pc.index_in(column, value_set=pa.array(values, pa.string())))


def _differs(column: _Chunked) -> bool:
    return pc.count_distinct(column, mode="all").as_py() > 1


def _commonest(column: _Chunked) -> tuple[str, ...]:
    counted = Counter(str(value) for value in column.drop_null().to_pylist())
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(value for value, _ in ranked[:_MOST_VALUES])
