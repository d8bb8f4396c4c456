"""What the value of one input would have had to be for a cell to pass: the nearest such value."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import assert_never

from services.recommendation.engine.feel import FieldType, Kind, Row, Value, to_predicate
from services.recommendation.engine.feel.syntax import (
    Anything,
    Compare,
    Endpoint,
    Name,
    Not,
    Operator,
    Or,
    Test,
    UnaryTests,
    endpoints,
    endpoints_of,
)
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.feel.values import YearsMonths
from services.recommendation.engine.matrix import Cell

ANOTHER = "…"
"""Stands for any text that a cell does not name, where no domain says which there are."""
_INSTANT = timedelta(microseconds=1)
"""What instants and lengths differ by at least."""
_DAY = Fraction(86_400)
_YEAR = 365 * _DAY


@dataclass(frozen=True, slots=True)
class Change:
    """What an input is, the nearest value that passes, and which values do, as a test in S-FEEL."""

    input: str
    value: Value
    nearest: Value
    wanted: str

    @property
    def gap(self) -> Fraction:
        """How far it is, in parts of the larger of the two where they are numbers, in years where they are dates; else 1 or more."""
        before, after = _as_number(self.value), _as_number(self.nearest)
        if before is None or after is None:
            return Fraction(1 if self.nearest is not None else 2)
        scale = max(abs(before), abs(after), Fraction(1)) if isinstance(self.value, int | Decimal) else _YEAR
        return abs(before - after) / scale


@dataclass(frozen=True, slots=True)
class NoChange:
    """Why no value of the input alone passes."""

    obstacle: str


def nearest_change(name: str, kind: FieldType, cell: Cell, row: Row) -> Change | NoChange:
    """Return the smallest change of the input `name` of `row` by which its cell passes.

    The cell fails as it is. Candidates are the ends of the cell's intervals with their neighbours, what it lists, and the rest of the domain: one of them
    is nearest, as between two ends nothing changes.
    """
    value, passes = row.get(name), to_predicate(cell.tests)
    found = [candidate for candidate in _candidates(cell.tests, kind, row) if passes(candidate, row)]
    if not found:
        return NoChange(_obstacle(cell.tests, row))
    nearest = min(found, key=lambda candidate: _distance(value, candidate))
    return Change(name, value, nearest, _wanted(cell, nearest, row))


def _candidates(tests: UnaryTests, kind: FieldType, row: Row) -> Iterator[Value]:
    """Yield what may be nearest, the cell's own words first."""
    ends = [end for point in endpoints(tests) if (end := _value(point, row)) is not None]
    for end in ends:
        yield from (value for value in _around(end, kind) if not kind.domain or value in kind.domain)
    yield from kind.domain
    if kind.kind is Kind.BOOLEAN:
        yield from (True, False)
    if kind.kind is Kind.STRING and not kind.domain:
        yield from (ANOTHER, *(f"{end}0" for end in ends), "")
    yield None


def _value(point: Endpoint, row: Row) -> Value:
    return row.get(point.name) if isinstance(point, Name) else point.value


def _around(end: Value, kind: FieldType) -> Iterator[Value]:
    """Yield an end of an interval and its neighbours, as values that the input can have."""
    match end:
        case bool() | None:
            yield end
        case int() | Decimal():
            step = Decimal(1).scaleb(-kind.scale)
            down, up = (Decimal(end).quantize(step, rounding) for rounding in (ROUND_FLOOR, ROUND_CEILING))
            yield from (down, up, down - step, up + step)
        case str():
            yield end
        case YearsMonths():
            yield from (end, YearsMonths(end.months - 1), YearsMonths(end.months + 1))
        case time():
            yield from (end, *_clock_around(end))
        case _:
            yield from (end, *_moments_around(end))


def _clock_around(end: time) -> Iterator[time]:
    day = datetime.combine(date(2000, 1, 1), end)
    around = (day - _INSTANT, day + _INSTANT)
    yield from (moment.time() for moment in around if moment.date() == day.date())


def _moments_around(end: date | timedelta) -> Iterator[date | timedelta]:
    whole_days = isinstance(end, date) and not isinstance(end, datetime)
    step = timedelta(days=1) if whole_days else _INSTANT
    for move in (-step, step):
        try:
            yield end + move
        except OverflowError:  # the first or the last day of the calendar has one neighbour
            continue


def _distance(value: Value, candidate: Value) -> tuple[bool, Fraction]:
    """Order candidates: what is known before null, then by how far they are; equals stay in their order."""
    before, after = _as_number(value), _as_number(candidate)
    far = Fraction(0) if before is None or after is None else abs(before - after)
    return candidate is None, far


def _as_number(value: Value) -> Fraction | None:
    """Return a number, or a moment or a length in seconds; None for what has no distance."""
    if value is None or isinstance(value, bool | str):
        return None
    return Fraction(value) if isinstance(value, int | Decimal) else _seconds(value)


def _seconds(value: date | time | timedelta | YearsMonths) -> Fraction:
    """Return a moment or a length in seconds; a month counts as thirty days."""
    match value:
        case timedelta():
            return Fraction(value // timedelta(microseconds=1), 1_000_000)
        case datetime():
            return _DAY * value.toordinal() + _seconds(value.time())
        case date():
            return _DAY * value.toordinal()
        case time():
            return Fraction(value.hour * 3600 + value.minute * 60 + value.second) + Fraction(
                value.microsecond, 1_000_000
            )
        case YearsMonths():
            return 30 * _DAY * value.months
        case _:
            assert_never(value)


def _obstacle(tests: UnaryTests, row: Row) -> str:
    unknown = [point.name for point in endpoints(tests) if isinstance(point, Name) and row.get(point.name) is None]
    return f"{unknown[0]} is not known" if unknown else "no value passes this cell"


def _wanted(cell: Cell, nearest: Value, row: Row) -> str:
    """Return the part of a cell that the nearest value passes; the whole cell where it lists constants or excludes some."""
    match cell.tests:
        case Anything() | Not():
            return cell.text
        case Or(tests):
            if all(_is_constant(test) for test in tests):
                return cell.text
            return _test_text(next(test for test in tests if to_predicate(Or((test,)))(nearest, row)), row)


def _is_constant(test: Test) -> bool:
    return isinstance(test, Compare) and test.operator is Operator.EQUAL and not isinstance(test.endpoint, Name)


def _test_text(test: Test, row: Row) -> str:
    ends = [feel_text(_value(point, row)) for point in endpoints_of(test)]
    if isinstance(test, Compare):
        return ends[0] if test.operator is Operator.EQUAL else f"{test.operator} {ends[0]}"
    return f"{'[' if test.low_closed else '('}{ends[0]}..{ends[1]}{']' if test.high_closed else ')'}"
