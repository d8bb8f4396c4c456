"""Row messages made for the lake's tests: every logical type once, and an older edition of the same contract."""

from typing import NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from visavis.common.v1 import dataset_pb2 as pb

F = descriptor_pb2.FieldDescriptorProto


class Field(NamedTuple):
    """One field as a test wants it."""

    name: str
    type: "F.Type.ValueType"
    options: pb.ColumnOptions | None = None
    repeated: bool = False
    optional: bool = False
    type_name: str = ""


def message_class(
    package: str, fields: list[Field], *, extra: list[descriptor_pb2.DescriptorProto] | None = None
) -> type[Message]:
    """Build `<package>.Row` with these fields, an enum `Arm` and a record `Inner` beside it."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    file.dependency.extend([pb.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name])
    arm = file.enum_type.add(name="Arm")
    for number, name in enumerate(["ARM_UNSPECIFIED", "ARM_LEFT", "ARM_RIGHT"]):
        arm.value.add(name=name, number=number)
    inner = file.message_type.add(name="Inner")
    _add(inner, Field("code", F.TYPE_STRING), 1)
    _add(inner, Field("rate", F.TYPE_INT64, decimal(4), optional=True), 2)
    _add(inner, Field("days", F.TYPE_STRING, option(pb.LOGICAL_TYPE_DATE), repeated=True), 3)
    file.message_type.extend(extra or [])
    row = file.message_type.add(name="Row")
    for number, field in enumerate(fields, start=1):
        _add(row, field, number)
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.Row"))


def _add(message: descriptor_pb2.DescriptorProto, field: Field, number: int) -> None:
    added = message.field.add(name=field.name, number=number, type=field.type)
    if field.type_name:
        added.type_name = field.type_name
    added.label = F.LABEL_REPEATED if field.repeated else F.LABEL_OPTIONAL
    if field.options is not None:
        added.options.Extensions[pb.column].CopyFrom(field.options)
    if field.optional:
        added.proto3_optional = True
        added.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{field.name}")


def option(logical: "pb.LogicalType.ValueType", unit: str = "", domain: tuple[str, ...] = ()) -> pb.ColumnOptions:
    return pb.ColumnOptions(logical_type=logical, unit=unit, domain=domain, null_meaning="not known")


def decimal(scale: int) -> pb.ColumnOptions:
    return pb.ColumnOptions(logical_type=pb.LOGICAL_TYPE_DECIMAL, scale=scale)


BASE_FIELDS = [
    Field("key", F.TYPE_STRING),
    Field("fee_fen", F.TYPE_INT64, option(pb.LOGICAL_TYPE_MONEY, unit="fen")),
]
ALL_FIELDS = [
    *BASE_FIELDS,
    Field("debt_fen", F.TYPE_INT64, option(pb.LOGICAL_TYPE_MONEY), optional=True),
    Field("share", F.TYPE_INT64, decimal(4)),
    Field("growth", F.TYPE_INT64, decimal(0), optional=True),
    Field("joined", F.TYPE_STRING, option(pb.LOGICAL_TYPE_DATE), optional=True),
    Field("born", F.TYPE_STRING, option(pb.LOGICAL_TYPE_DATE)),
    Field("month", F.TYPE_STRING, option(pb.LOGICAL_TYPE_MONTH), optional=True),
    Field("brand", F.TYPE_STRING, option(pb.LOGICAL_TYPE_CATEGORY, domain=("Red", "Blue")), optional=True),
    Field("score", F.TYPE_DOUBLE, option(pb.LOGICAL_TYPE_REAL), optional=True),
    Field("ratio", F.TYPE_FLOAT),
    Field("count", F.TYPE_INT32),
    Field("total", F.TYPE_UINT64, optional=True),
    Field("small", F.TYPE_UINT32),
    Field("active", F.TYPE_BOOL, optional=True),
    Field("raw", F.TYPE_BYTES),
    Field("arm", F.TYPE_ENUM, type_name=".Arm"),
    Field("seen", F.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp"),
    Field("inner", F.TYPE_MESSAGE, type_name=".Inner"),
    Field("inners", F.TYPE_MESSAGE, repeated=True, type_name=".Inner"),
    Field("tags", F.TYPE_STRING, repeated=True),
    Field("prices", F.TYPE_INT64, decimal(2), repeated=True),
    Field("arms", F.TYPE_ENUM, repeated=True, type_name=".Arm"),
]


def _in(package: str, fields: list[Field]) -> list[Field]:
    """Qualify the names of the enum and the record of the same file."""
    local = {".Arm", ".Inner"}
    return [f._replace(type_name=f".{package}{f.type_name}") if f.type_name in local else f for f in fields]


Row = message_class("lake.test.row", _in("lake.test.row", ALL_FIELDS))
OldRow = message_class("lake.test.old", _in("lake.test.old", BASE_FIELDS))


def descriptor(message_type: type[Message]) -> Descriptor:
    found = message_type.DESCRIPTOR
    assert isinstance(found, Descriptor)
    return found


def one_field(package: str, field: Field) -> Descriptor:
    """Return the descriptor of a row with this single field."""
    return descriptor(message_class(package, _in(package, [field])))
