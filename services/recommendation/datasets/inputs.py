"""What views and scores offer to matrices, as their contracts declare it."""

from collections.abc import Mapping
from typing import cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.engine.feel import FieldType, Kind, Value
from services.recommendation.engine.rulebook import RUN_FIELDS, Fields
from shared.lake.matrix import MatrixColumn, matrix_columns
from shared.lake.schema import DECIMAL_DIGITS, columns

_IDENTITIES = {"customer_id", "msisdn", "owner_id"}
"""No rule is about one person."""
_YUAN_DIGITS = 2


def view_columns() -> list[MatrixColumn]:
    """Return the inputs that a CustomerView offers."""
    return _offered(CustomerView)


def score_columns() -> list[MatrixColumn]:
    """Return the inputs that a CustomerScores offers."""
    return _offered(CustomerScores)


def matrix_fields() -> Fields:
    """Return the types of all inputs of the grain customer."""
    return {**_fields(CustomerView), **_fields(CustomerScores), **RUN_FIELDS}


def values_of(offered: list[MatrixColumn], row: Mapping[str, object]) -> dict[str, Value]:
    """Return the inputs that one stored row gives."""
    return {column.name: cast("Value", column.value(row)) for column in offered}


def _offered(message: type[Message]) -> list[MatrixColumn]:
    descriptor = cast("Descriptor", message.DESCRIPTOR)
    return [column for column in matrix_columns(descriptor) if column.name not in _IDENTITIES]


def _fields(message: type[Message]) -> dict[str, FieldType]:
    scales = {column.name: column.scale for column in columns(cast("Descriptor", message.DESCRIPTOR))}
    return {column.name: _field_type(column, scales[column.source]) for column in _offered(message)}


def _field_type(column: MatrixColumn, scale: int) -> FieldType:
    return _plain_type(column, scale).called(column.title, column.null_meaning)


def _plain_type(column: MatrixColumn, scale: int) -> FieldType:
    if column.kind != "number":
        return FieldType(Kind(column.kind), domain=column.domain, unit=column.unit)
    digits = _YUAN_DIGITS if column.name != column.source else scale
    return FieldType.decimal(DECIMAL_DIGITS, digits, column.unit) if digits else FieldType.integer(column.unit)
