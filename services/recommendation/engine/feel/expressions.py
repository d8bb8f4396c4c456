"""The expressions of computed inputs: exact arithmetic on the fields of a row, and the time until a date.

    max(balance, 0) * 12 + arpu
    months until(contract_ends_on)

There is no division: the columnar engine divides decimals by floats. Null in gives null out. `expression_parser` reads them;
this is the tree, which knows the type of each field, and what it gives for one row.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from enum import StrEnum
from typing import assert_never, cast

from services.recommendation.engine.feel.values import MAX_DIGITS, FieldType, Row

DAY = "day"
"""The field from which `Until` counts: the day of the run."""
EXACT = Context(prec=4 * MAX_DIGITS)
"""Decimals of the columnar engine have up to MAX_DIGITS digits; Python's default context would round at 28."""
_UNTIL_DIGITS = 7
"""There are 3.7 million days in the calendar."""
_INTEGER_DIGITS = 19
"""Of an integer of 64 bits."""


class Sign(StrEnum):
    """How two operands are joined."""

    PLUS = "+"
    MINUS = "-"
    TIMES = "*"


class Choice(StrEnum):
    """Which of its operands an `Extreme` is."""

    MIN = "min"
    MAX = "max"


class Span(StrEnum):
    """What is counted from the day of the run until a date; negative for a date that is past."""

    DAYS = "days"
    MONTHS = "months"
    """Complete months, see `complete_months`."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field of the row; `at` is its 0-based place in the text and no part of what it means."""

    name: str
    type: FieldType
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands joined by a sign."""

    sign: Sign
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Extreme:
    """The smallest or largest of its operands, of which there is at least one."""

    choice: Choice
    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Until:
    """The time from the day of the run until a field that is a date."""

    span: Span
    date: Field


Expression = Number | Field | Operation | Extreme | Until


@dataclass(frozen=True, slots=True)
class Digits:
    """The room that a number needs: digits before and after the point."""

    whole: int
    scale: int

    @property
    def precision(self) -> int:
        return self.whole + self.scale


def digits_of(expression: Expression) -> Digits:
    """Return the room for every result; sums and products as the columnar engine types them, so that none is rounded there."""
    match expression:
        case Number(value):
            _, _, fraction = f"{value:f}".partition(".")
            return Digits(max(value.adjusted() + 1, 1), len(fraction))
        case Field(_, known):
            return Digits(known.precision - known.scale if known.scale else _INTEGER_DIGITS, known.scale)
        case Until():
            return Digits(_UNTIL_DIGITS, 0)
        case Operation(Sign.TIMES, left, right):
            one, other = digits_of(left), digits_of(right)
            return Digits(one.whole + other.whole, one.scale + other.scale)
        case Operation(_, left, right):
            room = _common(left, right)
            return Digits(room.whole + 1, room.scale)
        case Extreme(_, operands):
            return _common(*operands)
        case _:
            assert_never(expression)


def _common(*operands: Expression) -> Digits:
    rooms = [digits_of(operand) for operand in operands]
    return Digits(max(room.whole for room in rooms), max(room.scale for room in rooms))


def fields_of(expression: Expression) -> Iterator[Field]:
    """Yield the fields that an expression names, as often as it does."""
    match expression:
        case Number():
            return
        case Field():
            yield expression
        case Until(_, until):
            yield until
        case Operation(_, left, right):
            yield from fields_of(left)
            yield from fields_of(right)
        case Extreme(_, operands):
            for operand in operands:
                yield from fields_of(operand)
        case _:
            assert_never(expression)


def to_function(expression: Expression) -> Callable[[Row], Decimal | None]:
    """Return what computes the expression for one row; it gives what `expression_sql` gives over the base."""
    match expression:
        case Number(value):
            return lambda row: value
        case Field(name):
            return lambda row: None if (value := row.get(name)) is None else Decimal(cast("Decimal | int", value))
        case Until(span, until):
            return _until(complete_months if span is Span.MONTHS else _days, until.name)
        case Operation(sign, left, right):
            return _operation(_OPERATIONS[sign], to_function(left), to_function(right))
        case Extreme(choice, operands):
            return _extreme(min if choice is Choice.MIN else max, tuple(map(to_function, operands)))
        case _:
            assert_never(expression)


_Function = Callable[[Row], Decimal | None]
_OPERATIONS = {Sign.PLUS: EXACT.add, Sign.MINUS: EXACT.subtract, Sign.TIMES: EXACT.multiply}


def _operation(join: Callable[[Decimal, Decimal], Decimal], left: _Function, right: _Function) -> _Function:
    def value(row: Row) -> Decimal | None:
        one, other = left(row), right(row)
        return None if one is None or other is None else join(one, other)

    return value


def _extreme(choose: Callable[[list[Decimal]], Decimal], operands: tuple[_Function, ...]) -> _Function:
    def value(row: Row) -> Decimal | None:
        found = [each for operand in operands if (each := operand(row)) is not None]
        return choose(found) if len(found) == len(operands) else None

    return value


def _until(count: Callable[[date, date], int], name: str) -> _Function:
    def value(row: Row) -> Decimal | None:
        day, until = row.get(DAY), row.get(name)
        return None if day is None or until is None else Decimal(count(cast("date", day), cast("date", until)))

    return value


def _days(start: date, end: date) -> int:
    return (end - start).days


def complete_months(start: date, end: date) -> int:
    """Return the complete months from one day to another, as DuckDB's `datesub('month', start, end)`.

    A month is complete on the day of the month on which the first one began or, in a month without that day, on its last day.
    Backwards the same counts with a minus.
    """
    if start > end:
        return -complete_months(end, start)
    months = (end.year - start.year) * 12 + end.month - start.month
    on_last_day = end.day == monthrange(end.year, end.month)[1]
    return months if end.day >= start.day or on_last_day else months - 1
