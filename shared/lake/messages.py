"""Rows of datasets as protobuf messages and back, exact to the last digit.

At rest an enum value is its name without the enum's prefix and `…_UNSPECIFIED` is null; a null in a field without
presence (an old dataset that lacks it) reads as the proto default.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import TypeVar, cast

import pyarrow as pa
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import InvalidInput
from shared.lake.dataset import DatasetUnreadable
from shared.lake.schema import DECIMAL_DIGITS, Logical, arrow_schema, enum_prefix, logical_of, options_of

T = TypeVar("T")
M = TypeVar("M", bound=Message)
_Step = Callable[[object], object]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def row_to_message(row: Mapping[str, object], message_type: type[M]) -> M:
    """Return the message of one row of Arrow's Python values; columns that the message lacks are passed over.

    Raises DatasetUnreadable naming the column whose value is not of the contract's type.
    """
    message = message_type()
    _fill(message, row)
    return message


def table_to_messages(table: pa.Table, message_type: type[M]) -> list[M]:
    """Return one message per row, in the table's order; for pages and look-ups, never for a whole base."""
    return [row_to_message(row, message_type) for row in table.to_pylist()]


def messages_to_table(messages: Iterable[M], message_type: type[M]) -> pa.Table:
    """Return the rows of the messages in the message type's Arrow schema; raises InvalidInput naming the field."""
    schema = arrow_schema(cast("Descriptor", message_type.DESCRIPTOR))
    return pa.Table.from_pylist([_row(message) for message in messages], schema=schema)


@dataclass(frozen=True, slots=True)
class _Codec:
    """How one field's value (or element) goes to rest and comes back."""

    name: str
    repeated: bool
    presence: bool
    record: bool
    to_rest: _Step
    from_rest: _Step


@lru_cache(maxsize=256)
def _codecs(descriptor: Descriptor) -> tuple[_Codec, ...]:
    return tuple(_codec(field) for field in descriptor.fields)


def _codec(field: FieldDescriptor) -> _Codec:
    logical = logical_of(field)
    to_rest, from_rest = _steps(field, logical)
    return _Codec(
        name=field.name,
        repeated=field.is_repeated,
        presence=field.has_presence,
        record=logical is Logical.RECORD,
        to_rest=to_rest,
        from_rest=from_rest,
    )


def _steps(field: FieldDescriptor, logical: Logical) -> tuple[_Step, _Step]:
    if field.enum_type is not None:
        return partial(_enum_to_rest, field.enum_type), partial(_enum_from_rest, field.enum_type)
    scale = options_of(field).scale
    own_steps: Mapping[Logical, tuple[_Step, _Step]] = {
        Logical.DECIMAL: (partial(_decimal_to_rest, field.name, scale), partial(_decimal_from_rest, scale)),
        Logical.DATE: (partial(_date_to_rest, field.name), _date_from_rest),
        Logical.MONTH: (partial(_month_to_rest, field.name), _same),
        Logical.INSTANT: (partial(_instant_to_rest, field.name), _instant_from_rest),
        Logical.RECORD: (_row, _same),
    }
    return own_steps.get(logical, (_same, _same))


def _row(message: object) -> dict[str, object]:
    return {
        codec.name: _stored(cast("Message", message), codec) for codec in _codecs(cast("Message", message).DESCRIPTOR)
    }


def _stored(message: Message, codec: _Codec) -> object:
    if codec.repeated:
        return [codec.to_rest(item) for item in getattr(message, codec.name)]
    if codec.presence and not message.HasField(codec.name):
        return None
    return codec.to_rest(getattr(message, codec.name))


def _fill(message: Message, row: Mapping[str, object]) -> None:
    for codec in _codecs(message.DESCRIPTOR):
        stored = row.get(codec.name)
        if stored is None:
            continue
        try:
            _put(message, codec, stored)
        except (TypeError, ValueError, ArithmeticError) as error:
            name = f"{message.DESCRIPTOR.full_name}.{codec.name}"
            raise DatasetUnreadable(
                f"column {name}: a stored {type(stored).__name__} does not fit", uri=name
            ) from error


def _put(message: Message, codec: _Codec, stored: object) -> None:
    """Set one field from its stored, non-null value."""
    field = getattr(message, codec.name)
    if codec.repeated:
        for item in _checked(list, stored):
            if codec.record:
                _fill(field.add(), _checked(dict, item))
            else:
                field.append(codec.from_rest(item))
    elif codec.record:
        field.SetInParent()
        _fill(field, _checked(dict, stored))
    elif isinstance(field, Timestamp):
        field.CopyFrom(cast("Timestamp", codec.from_rest(stored)))
    else:
        setattr(message, codec.name, codec.from_rest(stored))


def _checked(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}")
    return value


def _same(value: object) -> object:
    return value


def _enum_to_rest(enum: EnumDescriptor, number: object) -> object:
    if number == 0:
        return None
    value = enum.values_by_number.get(cast("int", number))
    if value is None:
        raise InvalidInput.of(enum.full_name, f"{number} is no value of this enum")
    return value.name.removeprefix(enum_prefix(enum))


def _enum_from_rest(enum: EnumDescriptor, name: object) -> object:
    if name is None:
        return 0
    value = enum.values_by_name.get(f"{enum_prefix(enum)}{name}")
    if value is None:
        raise ValueError(f"{name} is no value of {enum.full_name}")
    return value.number


def _decimal_to_rest(field: str, scale: int, scaled: object) -> object:
    number = cast("int", scaled)
    if abs(number) >= 10**DECIMAL_DIGITS:
        raise InvalidInput.of(field, f"a decimal has at most {DECIMAL_DIGITS} digits")
    return Decimal(number).scaleb(-scale)


def _decimal_from_rest(scale: int, value: object) -> object:
    scaled = _checked(Decimal, value).scaleb(scale)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"more than {scale} digits after the point")
    return int(scaled)


def _date_to_rest(field: str, text: object) -> object:
    if not _DATE.fullmatch(cast("str", text)):
        raise InvalidInput.of(field, "expected YYYY-MM-DD; a date that may be absent is declared optional")
    try:
        return date.fromisoformat(cast("str", text))
    except ValueError as error:
        raise InvalidInput.of(field, "expected a day of the calendar as YYYY-MM-DD") from error


def _date_from_rest(day: object) -> object:
    return _checked(date, day).isoformat()


def _month_to_rest(field: str, text: object) -> object:
    if not _MONTH.fullmatch(cast("str", text)):
        raise InvalidInput.of(field, "expected YYYY-MM; a month that may be absent is declared optional")
    return text


def _instant_to_rest(field: str, instant: object) -> object:
    timestamp = cast("Timestamp", instant)
    if timestamp.nanos % 1000:
        raise InvalidInput.of(field, "instants are stored to the microsecond")
    return timestamp.ToDatetime(tzinfo=UTC)


def _instant_from_rest(instant: object) -> object:
    timestamp = Timestamp()
    timestamp.FromDatetime(_checked(datetime, instant))
    return timestamp
