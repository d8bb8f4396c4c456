"""Writes values and tests as S-FEEL: for people who read an explanation beside the matrix, and for files of matrices."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import assert_never

from services.recommendation.engine.feel.syntax import (
    Anything,
    Compare,
    Endpoint,
    Literal,
    Not,
    Operator,
    Test,
    UnaryTests,
)
from services.recommendation.engine.feel.values import Value, YearsMonths

_CONSTANTS = {None: "null", True: "true", False: "false"}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def feel_text(value: Value) -> str:
    """Return the literal that reads as this value: `null`, `true`, `86.50`, `"GoTone"`, `date("2026-11-01")`, `duration("P30D")`."""
    match value:
        case None | bool():
            return _CONSTANTS[value]
        case str():
            return f'"{value.translate(_ESCAPES)}"'
        case int() | Decimal():
            return f"{Decimal(value):f}"
        case _:
            return _temporal(value)


def tests_text(tests: UnaryTests) -> str:
    """Return the cell that says this."""
    if isinstance(tests, Anything):
        return "-"
    listed = ",".join(map(_test_text, tests.tests))
    return f"not({listed})" if isinstance(tests, Not) else listed


def _test_text(test: Test) -> str:
    if isinstance(test, Compare):
        symbol = "" if test.operator is Operator.EQUAL else f"{test.operator} "
        return f"{symbol}{_endpoint_text(test.endpoint)}"
    low, high = _endpoint_text(test.low), _endpoint_text(test.high)
    return f"{'[' if test.low_closed else '('}{low}..{high}{']' if test.high_closed else ')'}"


def _endpoint_text(point: Endpoint) -> str:
    return feel_text(point.value) if isinstance(point, Literal) else point.name


def _temporal(value: date | time | timedelta | YearsMonths) -> str:
    match value:
        case datetime():
            return f'date and time("{value.isoformat()}")'
        case date():
            return f'date("{value.isoformat()}")'
        case time():
            return f'time("{value.isoformat()}")'
        case timedelta():
            return f'duration("{_days_time(value)}")'
        case YearsMonths():
            return f'duration("{_sign(value.months)}P{abs(value.months)}M")'
        case _:
            assert_never(value)


def _days_time(length: timedelta) -> str:
    whole = abs(length)
    fraction = f".{whole.microseconds:06d}" if whole.microseconds else ""
    clock = f"T{whole.seconds}{fraction}S" if whole.seconds or fraction else ""
    return f"{_sign(length.days)}P{whole.days}D{clock}"


def _sign(number: int) -> str:
    return "-" if number < 0 else ""
