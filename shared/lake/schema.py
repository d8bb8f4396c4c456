"""The schema at rest of a row message: what Arrow type each field has, and what its column option says of it (ADR 0005)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from visavis.common.v1 import dataset_pb2 as pb

DECIMAL_DIGITS = 18
MONEY_SUFFIX = "_fen"
TIMESTAMP = "google.protobuf.Timestamp"
_UNSPECIFIED = "UNSPECIFIED"


class Logical(StrEnum):
    """What a column means, whatever it is stored as."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    BYTES = "bytes"
    DECIMAL = "decimal"
    MONEY = "money"
    DATE = "date"
    MONTH = "month"
    CATEGORY = "category"
    INSTANT = "instant"
    LIST = "list"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a dataset.

    `domain` lists all values of a closed category, `scale` the digits of a decimal; `title` is what planners call it.
    """

    name: str
    arrow_type: pa.DataType
    logical: Logical
    nullable: bool
    unit: str = ""
    domain: tuple[str, ...] = ()
    scale: int = 0
    null_meaning: str = ""
    title: str = ""


class ContractError(ValueError):
    """A row message's column options contradict its field types; the contract must be mended."""


def columns(descriptor: Descriptor) -> list[Column]:
    """Return the columns of a row message in field order; raises ContractError."""
    return [_column(field) for field in descriptor.fields]


def arrow_schema(descriptor: Descriptor) -> pa.Schema:
    """Return the Arrow schema of a row message: `optional`, oneof, enum and message fields may be null, others not."""
    return pa.schema([pa.field(c.name, c.arrow_type, c.nullable) for c in columns(descriptor)])


def logical_of(field: FieldDescriptor) -> Logical:
    """Return what one value of the field (one element, if repeated) means; raises ContractError."""
    option = options_of(field).logical_type
    if option == pb.LOGICAL_TYPE_UNSPECIFIED:
        return _plain_logical(field)
    logical, wire_type = _LOGICALS[option]
    if field.type != wire_type:
        raise ContractError(f"{field.full_name}: {pb.LogicalType.Name(option)} does not fit its proto type")
    if logical is Logical.MONEY and not field.name.endswith(MONEY_SUFFIX):
        raise ContractError(f"{field.full_name}: money is named …{MONEY_SUFFIX}")
    return logical


def options_of(field: FieldDescriptor) -> pb.ColumnOptions:
    """Return the column option of a field, empty where it has none."""
    return field.GetOptions().Extensions[pb.column]


def enum_prefix(enum: EnumDescriptor) -> str:
    """Return what all value names of the enum begin with; at rest they are stored without it."""
    zero = enum.values_by_number[0].name
    if not zero.endswith("_" + _UNSPECIFIED):
        raise ContractError(f"{enum.full_name}: the zero value is named …_{_UNSPECIFIED}")
    return zero.removesuffix(_UNSPECIFIED)


def _column(field: FieldDescriptor) -> Column:
    options, logical = options_of(field), logical_of(field)
    if options.scale and logical is not Logical.DECIMAL:
        raise ContractError(f"{field.full_name}: only LOGICAL_TYPE_DECIMAL has a scale")
    item = _item_type(field, logical)
    enum = field.enum_type
    prefix = enum_prefix(enum) if enum else ""
    named = tuple(v.name.removeprefix(prefix) for v in enum.values if v.number) if enum else tuple(options.domain)
    return Column(
        name=field.name,
        arrow_type=pa.list_(item) if field.is_repeated else item,
        logical=Logical.LIST if field.is_repeated else logical,
        nullable=not field.is_repeated and (field.has_presence or enum is not None),
        unit=options.unit,
        domain=named,
        scale=options.scale,
        null_meaning=options.null_meaning,
        title=options.title,
    )


def _plain_logical(field: FieldDescriptor) -> Logical:
    if field.message_type is not None:
        return Logical.INSTANT if field.message_type.full_name == TIMESTAMP else Logical.RECORD
    return Logical.BYTES if field.type == FieldDescriptor.TYPE_BYTES else _PLAIN[field.cpp_type]


def _item_type(field: FieldDescriptor, logical: Logical) -> pa.DataType:
    match logical:
        case Logical.RECORD:
            return _record_type(field)
        case Logical.DECIMAL:
            scale = options_of(field).scale
            if not 0 <= scale <= DECIMAL_DIGITS:
                raise ContractError(f"{field.full_name}: scale {scale} is not within 0..{DECIMAL_DIGITS}")
            return pa.decimal128(DECIMAL_DIGITS, scale)
        case Logical.DATE:
            return pa.date32()
        case Logical.INSTANT:
            return pa.timestamp("us", tz="UTC")
        case Logical.BYTES:
            return pa.binary()
        case _:
            return _ARROW[field.cpp_type]


def _record_type(field: FieldDescriptor) -> pa.DataType:
    message = field.message_type
    if message is None or message.GetOptions().map_entry or not message.fields:
        raise ContractError(f"{field.full_name}: maps and empty messages have no column type; repeat a message instead")
    if _reaches(message, message, frozenset()):
        raise ContractError(f"{field.full_name}: {message.full_name} contains itself")
    return pa.struct([pa.field(c.name, c.arrow_type) for c in columns(message)])


def _reaches(message: Descriptor, target: Descriptor, seen: frozenset[str]) -> bool:
    inner = [field.message_type for field in message.fields if field.message_type is not None]
    return any(m is target or (m.full_name not in seen and _reaches(m, target, seen | {m.full_name})) for m in inner)


_LOGICALS: Mapping[int, tuple[Logical, int]] = {
    pb.LOGICAL_TYPE_DECIMAL: (Logical.DECIMAL, FieldDescriptor.TYPE_INT64),
    pb.LOGICAL_TYPE_MONEY: (Logical.MONEY, FieldDescriptor.TYPE_INT64),
    pb.LOGICAL_TYPE_REAL: (Logical.REAL, FieldDescriptor.TYPE_DOUBLE),
    pb.LOGICAL_TYPE_DATE: (Logical.DATE, FieldDescriptor.TYPE_STRING),
    pb.LOGICAL_TYPE_MONTH: (Logical.MONTH, FieldDescriptor.TYPE_STRING),
    pb.LOGICAL_TYPE_CATEGORY: (Logical.CATEGORY, FieldDescriptor.TYPE_STRING),
}
_PLAIN: Mapping[int, Logical] = {
    FieldDescriptor.CPPTYPE_BOOL: Logical.BOOLEAN,
    FieldDescriptor.CPPTYPE_INT32: Logical.INTEGER,
    FieldDescriptor.CPPTYPE_INT64: Logical.INTEGER,
    FieldDescriptor.CPPTYPE_UINT32: Logical.INTEGER,
    FieldDescriptor.CPPTYPE_UINT64: Logical.INTEGER,
    FieldDescriptor.CPPTYPE_FLOAT: Logical.REAL,
    FieldDescriptor.CPPTYPE_DOUBLE: Logical.REAL,
    FieldDescriptor.CPPTYPE_STRING: Logical.TEXT,
    FieldDescriptor.CPPTYPE_ENUM: Logical.CATEGORY,
}
_ARROW: Mapping[int, pa.DataType] = {
    FieldDescriptor.CPPTYPE_BOOL: pa.bool_(),
    FieldDescriptor.CPPTYPE_INT32: pa.int32(),
    FieldDescriptor.CPPTYPE_INT64: pa.int64(),
    FieldDescriptor.CPPTYPE_UINT32: pa.uint32(),
    FieldDescriptor.CPPTYPE_UINT64: pa.uint64(),
    FieldDescriptor.CPPTYPE_FLOAT: pa.float32(),
    FieldDescriptor.CPPTYPE_DOUBLE: pa.float64(),
    FieldDescriptor.CPPTYPE_STRING: pa.string(),
    FieldDescriptor.CPPTYPE_ENUM: pa.string(),
}
