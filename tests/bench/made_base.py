"""Views, scores and arms of a base as large as wanted, made up in columns within seconds: every field by its column option.

The values have no sense beyond their domains, so nothing but speed and memory can be learned from them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import pyarrow as pa
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from visavis.feedback.v1.control_membership_pb2 import ControlMembership
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.use_cases.assembly import AssemblyInputs
from shared.lake.dataset import Dataset
from shared.lake.duckdb import open_engine
from shared.lake.duckdb_types import quoted, sql_type
from shared.lake.lake import Lake
from shared.lake.schema import Column, Logical, arrow_schema, columns

PRODUCTS = ("mail_139", "mobile_internet", "mobile_newspaper", "ring_back_tone", "product_five", "product_six")
CITIES = ("合肥", "芜湖")
NULL_PERCENT = 10

_MADE_AT = datetime(2026, 11, 9, tzinfo=UTC)
_KEYS = {
    "customer_id": "printf('34%010d', i)",
    "owner_id": "printf('o%010d', i // 2)",
    "msisdn": "printf('139%08d', (i * 1103515245 + 12345) % 100000000)",
    "city": f"{list(CITIES)}[1 + i % {len(CITIES)}]",
}
_RANGES = {Logical.INTEGER: 40, Logical.DECIMAL: 10_000, Logical.MONEY: 30_000}


def make_base(lake: Lake, customers: int) -> AssemblyInputs:
    """Publish what an assembly run reads of so many customers."""
    published = (_make(lake, message, customers) for message in (CustomerView, CustomerScores, ControlMembership))
    return AssemblyInputs(*published)


def _make(lake: Lake, message: type[Message], customers: int) -> Dataset:
    descriptor = cast("Descriptor", message.DESCRIPTOR)
    fields = columns(descriptor)
    selected = ", ".join(f"{_expression(column)} AS {quoted(column.name)}" for column in fields)
    with (
        open_engine(lake) as engine,
        lake.publish(f"made/{descriptor.name}/{customers}", schema=descriptor.full_name, created_at=_MADE_AT) as draft,
    ):
        rows = engine.write(
            f"SELECT {selected} FROM (SELECT range AS i FROM range({customers}))",
            draft.path("part.parquet"),
            schema=arrow_schema(descriptor),
            order_by=("customer_id",),
        )
        return draft.commit(rows)


def _expression(column: Column) -> str:
    if column.name in _KEYS:
        return _KEYS[column.name]
    if column.logical is Logical.LIST:
        return _products(column)
    value = _value(column.name, column.logical, column.arrow_type, column.domain)
    if not column.nullable:
        return value
    return f"CASE WHEN {_lot(column.name + ' null')} % 100 < {NULL_PERCENT} THEN NULL ELSE {value} END"


def _products(column: Column) -> str:
    """Return one record per product where the column is about products, else an empty list."""
    record = cast("pa.ListType[pa.DataType]", column.arrow_type).value_type
    if not isinstance(record, pa.StructType) or record.get_field_index("product") < 0:
        return f"CAST([] AS {sql_type(column.arrow_type)})"
    others = [record.field(place) for place in range(record.num_fields) if record.field(place).name != "product"]
    members = ", ".join(f"{quoted(field.name)}: {_member(column.name, field)}" for field in others)
    return f"list_transform({list(PRODUCTS)}, lambda product: {{product: product, {members}}})"


def _member(column: str, field: "pa.Field[pa.DataType]") -> str:
    domains: dict[str, Sequence[str]] = {
        "level": ("rigid", "sensitive", "ordinary", "none"),
        "state": ("active", "trial", "inactive", "cancelled", "potential"),
    }
    logical = _LOGICALS.get(field.type, Logical.DECIMAL)
    return _value(f"{column}.{field.name}", logical, field.type, domains.get(field.name, ()), per=", product")


def _value(name: str, logical: Logical, arrow_type: pa.DataType, domain: Sequence[str], *, per: str = "") -> str:
    lot = _lot(name, per)
    match logical:
        case Logical.CATEGORY | Logical.TEXT:
            values = list(domain) or [f"{name} {number}" for number in range(8)]
            return f"{values}[1 + {lot} % {len(values)}]"
        case Logical.BOOLEAN:
            return f"{lot} % 2 = 0"
        case Logical.DATE:
            return f"DATE '2020-01-01' + CAST({lot} % 2000 AS INTEGER)"
        case Logical.MONTH:
            return f"printf('2026-%02d', 1 + {lot} % 12)"
        case _:
            scale = arrow_type.scale if isinstance(arrow_type, pa.Decimal128Type) else 0
            wide = f"CAST({lot} % {_RANGES.get(logical, 100)} AS DECIMAL(18, {scale}))"
            return f"CAST({wide} * CAST({10.0**-scale:.{scale}f} AS DECIMAL(9, {scale})) AS {sql_type(arrow_type)})"


def _lot(name: str, per: str = "") -> str:
    return f"CAST(hash(i, '{name}'{per}) >> 8 AS BIGINT)"


_LOGICALS = {
    pa.string(): Logical.CATEGORY,
    pa.bool_(): Logical.BOOLEAN,
    pa.int32(): Logical.INTEGER,
    pa.int64(): Logical.MONEY,
    pa.date32(): Logical.DATE,
}
