"""The values that a column can hold, in order: its smallest and largest, and the neighbours of each.

All kinds but texts are discrete: numbers by the column's scale, instants and durations to the microsecond. Between two texts there
are always others, unless the greater one only adds the least character.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import cast

from services.recommendation.engine.feel import FieldType, Kind, Value, YearsMonths
from services.recommendation.engine.feel.values import MAX_DIGITS

_DAY, _TICK = timedelta(days=1), timedelta(microseconds=1)
_LEAST_CHARACTER = "\1"
"""Texts hold no character 0."""
_MOST_MONTHS = 10**6
_INTEGERS = 2**63
_ANY_DAY = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """The ordered values of a type. `above` gives the smallest that is greater, `below` the greatest that is smaller: None where
    there is none, `below` for all texts, too. Both take values that lie between two of the line."""

    low: Value
    high: Value | None
    above: Callable[[Value], Value | None]
    below: Callable[[Value], Value | None]

    def holds(self, value: Value) -> bool:
        """Tell whether the value is one of the line."""
        before = self.below(value)
        return (value == self.low or self.high is None) if before is None else self.above(before) == value


def line_of(column: FieldType) -> Line:
    """Return the line of a column whose values have an order."""
    if column.kind is Kind.NUMBER:
        return _numbers(column)
    if column.kind is Kind.STRING:
        return Line("", None, lambda value: f"{value}{_LEAST_CHARACTER}", lambda value: None)
    return _steps(*_STEPS[column.kind])


def _shifted(at: time, by: int) -> time:
    return (datetime.combine(_ANY_DAY, at) + by * _TICK).time()


_STEPS: Mapping[Kind, tuple[Value, Value, Callable[[Value, int], Value]]] = {
    Kind.DATE: (date.min, date.max, lambda day, by: cast("date", day) + by * _DAY),
    Kind.DATETIME: (
        datetime.combine(date.min, time.min),
        datetime.combine(date.max, time.max),
        lambda at, by: cast("datetime", at) + by * _TICK,
    ),
    Kind.TIME: (time.min, time.max, lambda at, by: _shifted(cast("time", at), by)),
    Kind.DAYS_DURATION: (timedelta.min, timedelta.max, lambda span, by: cast("timedelta", span) + by * _TICK),
    Kind.MONTHS_DURATION: (
        YearsMonths(-_MOST_MONTHS),
        YearsMonths(_MOST_MONTHS),
        lambda span, by: YearsMonths(cast("YearsMonths", span).months + by),
    ),
}
"""The smallest and largest of each kind, and how to get from one to another."""


def _steps(low: Value, high: Value, shifted: Callable[[Value, int], Value]) -> Line:
    """Return the line of a type whose values all lie one step from the next."""

    def above(value: Value) -> Value | None:
        return None if value >= high else shifted(value, 1)  # type: ignore[operator]  # both are of the column's kind

    def below(value: Value) -> Value | None:
        return None if value <= low else shifted(value, -1)  # type: ignore[operator]  # as above

    return Line(low, high, above, below)


def _numbers(column: FieldType) -> Line:
    """Return the numbers that the column holds: DECIMAL(precision, scale), or integers of 64 bits."""
    most = 10**column.precision - 1 if column.scale else _INTEGERS - 1
    least = -most if column.scale else -_INTEGERS

    def number(units: int) -> Value:
        with localcontext(prec=2 * MAX_DIGITS):
            return Decimal(units).scaleb(-column.scale)

    def above(value: Value) -> Value | None:
        units = max(_units(value, column.scale, ROUND_FLOOR) + 1, least)
        return number(units) if units <= most else None

    def below(value: Value) -> Value | None:
        units = min(_units(value, column.scale, ROUND_CEILING) - 1, most)
        return number(units) if units >= least else None

    return Line(number(least), number(most), above, below)


def _units(value: Value, scale: int, rounding: str) -> int:
    with localcontext(prec=2 * MAX_DIGITS):
        return int(Decimal(cast("Decimal | int", value)).scaleb(scale).to_integral_value(rounding))
