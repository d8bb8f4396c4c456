"""The schema at rest follows from the row message and its column options."""

import pyarrow as pa
import pytest
from google.protobuf import descriptor_pb2
from visavis.common.v1 import dataset_pb2 as pb

from shared.lake.schema import Column, ContractError, Logical, arrow_schema, columns
from tests.unit.lake.contract import F, Field, Row, decimal, descriptor, message_class, one_field, option

INNER = pa.struct([("code", pa.string()), ("rate", pa.decimal128(18, 4)), ("days", pa.list_(pa.date32()))])


@pytest.mark.parametrize(
    ("name", "arrow_type", "nullable"),
    [
        ("fee_fen", pa.int64(), False),
        ("debt_fen", pa.int64(), True),
        ("share", pa.decimal128(18, 4), False),
        ("growth", pa.decimal128(18, 0), True),
        ("joined", pa.date32(), True),
        ("month", pa.string(), True),
        ("brand", pa.string(), True),
        ("score", pa.float64(), True),
        ("ratio", pa.float32(), False),
        ("count", pa.int32(), False),
        ("total", pa.uint64(), True),
        ("small", pa.uint32(), False),
        ("active", pa.bool_(), True),
        ("raw", pa.binary(), False),
        ("arm", pa.string(), True),
        ("seen", pa.timestamp("us", tz="UTC"), True),
        ("inner", INNER, True),
        ("inners", pa.list_(INNER), False),
        ("tags", pa.list_(pa.string()), False),
        ("prices", pa.list_(pa.decimal128(18, 2)), False),
    ],
)
def test_each_field_has_the_arrow_type_of_its_logical_type(name: str, arrow_type: pa.DataType, nullable: bool) -> None:
    field = arrow_schema(descriptor(Row)).field(name)
    assert field.type == arrow_type
    assert field.nullable is nullable


def test_column_carries_what_the_option_says() -> None:
    by_name = {column.name: column for column in columns(descriptor(Row))}
    assert by_name["fee_fen"] == Column(
        "fee_fen", pa.int64(), Logical.MONEY, nullable=False, unit="fen", null_meaning="not known"
    )
    assert by_name["brand"].domain == ("Red", "Blue")
    assert by_name["share"].scale == 4


def test_enum_is_a_closed_category_of_names_without_prefix() -> None:
    arm = next(column for column in columns(descriptor(Row)) if column.name == "arm")
    assert (arm.logical, arm.domain) == (Logical.CATEGORY, ("LEFT", "RIGHT"))


@pytest.mark.parametrize(
    ("package", "field", "complaint"),
    [
        ("bad.decimal", Field("x", F.TYPE_DOUBLE, decimal(2)), "does not fit"),
        ("bad.date", Field("x", F.TYPE_INT64, option(pb.LOGICAL_TYPE_DATE)), "does not fit"),
        ("bad.money", Field("fee", F.TYPE_INT64, option(pb.LOGICAL_TYPE_MONEY)), "_fen"),
        ("bad.scale", Field("x", F.TYPE_INT64, decimal(19)), "scale 19"),
        ("bad.scaled", Field("x", F.TYPE_INT64, pb.ColumnOptions(scale=2)), "only LOGICAL_TYPE_DECIMAL"),
        ("bad.self", Field("x", F.TYPE_MESSAGE, type_name=".bad.self.Row"), "contains itself"),
    ],
)
def test_options_that_contradict_the_field_are_refused(package: str, field: Field, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        columns(one_field(package, field))


def test_empty_record_is_refused() -> None:
    nothing = descriptor_pb2.DescriptorProto(name="Nothing")
    row = message_class("bad.nothing", [Field("x", F.TYPE_MESSAGE, type_name=".bad.nothing.Nothing")], extra=[nothing])
    with pytest.raises(ContractError, match="empty messages"):
        columns(descriptor(row))
