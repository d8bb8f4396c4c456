"""Bases of customers who leave, stay and order for reasons that their views show, as published datasets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf.descriptor import Descriptor
from visavis.profile.v1.customer_view_pb2 import CustomerLabels, CustomerView, EnterpriseView

from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.schema import arrow_schema

NEWSPAPER, RING_TONE = "mobile_newspaper", "ring_back_tone"
CITIES = ("合肥", "芜湖")
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)

_Floats: TypeAlias = npt.NDArray[np.float64]
_Ints: TypeAlias = npt.NDArray[np.int64]
_Flags: TypeAlias = npt.NDArray[np.bool_]
_Column: TypeAlias = "pa.Array[pa.Scalar[pa.DataType]]"


@dataclass(frozen=True, slots=True)
class Base:
    """Customers of one month, in the order of customer_id, and what became of them."""

    views: pa.Table
    labels: pa.Table

    def publish(self, lake: Lake, name: str) -> tuple[Dataset, Dataset]:
        """Publish views and labels; return both."""
        return (
            publish_rows(lake, f"profile/customer_view/{name}", self.views, CustomerView.DESCRIPTOR),
            publish_rows(lake, f"profile/customer_labels/{name}", self.labels, CustomerLabels.DESCRIPTOR),
        )


def draw_base(count: int, *, seed: int = 7) -> Base:
    """Draw customers of whom one in fifteen leaves, mostly those who call less and have no contract."""
    chance = np.random.default_rng(seed)
    change, tenure = chance.normal(0, 25, count), chance.integers(0, 120, count)
    in_contract, gprs = chance.random(count) < 0.4, chance.random(count) < 0.75
    age, owned = chance.integers(16, 80, count), chance.random(count) < 0.3
    leaves = chance.random(count) < _logistic(-2.9 - change / 18 - 1.4 * in_contract)
    stays = ~leaves & (chance.random(count) < _logistic(0.6 + change / 20 + tenure / 60))
    takes = ~owned & (chance.random(count) < _logistic(-2.4 + 2.2 * gprs - (age - 40) / 14))
    customer_id = [f"C{i:09d}" for i in range(count)]
    views = {
        "customer_id": customer_id,
        "age": pa.array(age, mask=chance.random(count) < 0.03),
        "in_contract": in_contract,
        "contract_months_left": pa.array(chance.integers(0, 24, count), mask=~in_contract),
        "portrait": np.where(change < -30, "warning", "healthy"),
        "products": _products(owned, chance),
        **_identity(count, chance),
        **_membership(count),
        **_handset(gprs, chance),
        **_money(change, tenure, gprs, chance),
        **_calls(change, chance),
    }
    labels = {"customer_id": customer_id, "churned": leaves, "stayed": stays, "products_taken": _taken(takes)}
    return Base(_table(views, CustomerView.DESCRIPTOR), _table(labels, CustomerLabels.DESCRIPTOR))


def draw_enterprises(count: int) -> pa.Table:
    """Draw the enterprises of a base of fifty times as many customers; every other one goes to pieces."""
    falls = np.arange(count) % 2 == 0
    views = {
        "enterprise_id": [f"E{i:05d}" for i in range(count)],
        "city": np.array(CITIES)[np.arange(count) % 3 % 2],
        "members": np.full(count, 10),
        "members_left": np.where(falls, 3, 0),
        "revenue_change": _decimals(np.where(falls, -50.0, 2.0), 1),
        "minutes_change": _decimals(np.where(falls, -50.0, 2.0), 1),
        "vpmn_share": _decimals(np.full(count, 60.0), 1),
    }
    return _table(views, EnterpriseView.DESCRIPTOR, key="enterprise_id")


def publish_rows(lake: Lake, uri: str, rows: pa.Table, descriptor: Descriptor) -> Dataset:
    """Publish rows that are sorted by their key already."""
    with lake.publish(uri, schema=descriptor.full_name, created_at=NOON) as draft:
        pq.write_table(rows, draft.path("part.parquet"), row_group_size=8_192, compression="zstd")
        return draft.commit(rows.num_rows)


def _identity(count: int, chance: np.random.Generator) -> dict[str, object]:
    return {
        "msisdn": [f"139{i:08d}" for i in range(count)],
        "owner_id": [f"P{i:09d}" for i in range(count)],
        "city": np.array(CITIES)[(chance.random(count) < 0.4).astype(int)],
        "county": np.array(["蜀山区", "镜湖区"])[chance.integers(0, 2, count)],
        "brand": np.array(["GoTone", "M-Zone", "Easyown"])[chance.integers(0, 3, count)],
        "sex": pa.array(np.array(["male", "female"])[chance.integers(0, 2, count)], mask=chance.random(count) < 0.05),
        "credit_level": chance.integers(1, 6, count),
        "plan": np.array(["88", "58", "18"])[chance.integers(0, 3, count)],
        "red_list": np.zeros(count, dtype=bool),
        "marketing_consent": np.ones(count, dtype=bool),
    }


def _membership(count: int) -> dict[str, object]:
    """Make every fifth customer a member of an enterprise of ten, the first of them its key person."""
    belongs = np.arange(count) % 5 == 0
    return {
        "enterprise_id": pa.array([f"E{i // 50:05d}" for i in range(count)], mask=~belongs),
        "enterprise_role": pa.array(np.where(np.arange(count) % 50 == 0, "key_person", "member"), mask=~belongs),
    }


def _handset(gprs: _Flags, chance: np.random.Generator) -> dict[str, object]:
    names = ("handset_gprs", "handset_wap", "handset_mms")
    return {**dict.fromkeys(names, gprs), "internet_access": chance.random(len(gprs)) < 0.5}


def _money(change: _Floats, tenure: _Ints, gprs: _Flags, chance: np.random.Generator) -> dict[str, object]:
    count = len(change)
    arpu = np.exp(chance.normal(4, 0.6, count))
    return {
        "tenure_months": tenure,
        "billed_months": np.minimum(tenure, 6),
        "balance_fen": chance.integers(-2_000, 20_000, count),
        "arpu_fen": pa.array((100 * arpu).astype(int), mask=tenure < 1),
        "arpu_before_fen": pa.array((100 * arpu / (1 + change / 400)).astype(int), mask=tenure < 2),
        "data_revenue_fen": (20 * arpu * gprs).astype(int),
        "arrears_fen": np.zeros(count, dtype=int),
        "return_rate_score": _decimals(chance.uniform(30, 100, count), 2),
    }


def _calls(change: _Floats, chance: np.random.Generator) -> dict[str, object]:
    count = len(change)
    return {
        "minutes": _decimals(chance.gamma(3, 60, count), 1),
        "minutes_change": _decimals(change, 1),
        "revenue_change": _decimals(change / 2 + chance.normal(0, 10, count), 1),
        "long_distance_minutes": _decimals(chance.gamma(1, 20, count), 1),
        "roaming_minutes": _decimals(chance.gamma(1, 5, count), 1),
    }


def _table(columns: dict[str, object], descriptor: Descriptor, *, key: str = "customer_id") -> pa.Table:
    schema = arrow_schema(descriptor)
    count = len(cast("Sequence[object]", columns[key]))
    arrays = [
        _array(columns[field.name], field.type) if field.name in columns else _unknown(field, count) for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _unknown(field: "pa.Field[pa.DataType]", count: int) -> _Column:
    """Return what an operator who does not tell has: null, or nothing of what is counted."""
    nothing = pa.array([None] * count) if field.nullable else pa.array(np.zeros(count, dtype=np.int32))
    return nothing.cast(field.type)


def _array(values: object, kind: pa.DataType) -> _Column:
    array = values if isinstance(values, pa.Array) else pa.array(cast("Sequence[str]", values))
    return array.cast(kind)


def _decimals(values: _Floats, scale: int) -> _Column:
    return pa.array(np.round(values, scale)).cast(pa.decimal128(18, scale))


def _products(owned: _Flags, chance: np.random.Generator) -> _Column:
    """Give owners the newspaper, and every third customer a cancelled ring-back tone."""
    rings = chance.random(len(owned)) < 0.33
    entries = np.stack([owned, rings], axis=1)
    which = np.broadcast_to(np.arange(2), entries.shape)[entries]
    offsets: list[int] = np.concatenate([[0], np.cumsum(entries.sum(axis=1))]).tolist()
    count = len(which)
    members: list[_Column] = [
        pa.array(np.array([NEWSPAPER, RING_TONE])[which]),
        pa.array(np.array(["active", "cancelled"])[which]),
        pa.array(np.where(which == 0, chance.integers(1, 30, count), 0).astype(np.int32)),
        pa.array(np.ones(count, dtype=bool)),
    ]
    items = pa.StructArray.from_arrays(members, names=["product", "state", "active_days", "provisioned"])
    return pa.ListArray.from_arrays(offsets, items)


def _taken(takes: _Flags) -> _Column:
    offsets: list[int] = np.concatenate([[0], np.cumsum(takes)]).tolist()
    return pa.ListArray.from_arrays(offsets, pa.array([NEWSPAPER] * int(takes.sum()), pa.string()))


def _logistic(x: _Floats) -> _Floats:
    probability: _Floats = 1 / (1 + np.exp(-x))
    return probability
