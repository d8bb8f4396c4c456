"""Writes tests as S-FEEL, for people and for the sheet: what a checker proposes can be pasted into a cell."""

from collections.abc import Sequence

from services.recommendation.engine.checking.findings import Conjunction, FieldTest
from services.recommendation.engine.feel import Anything, Literal, Not, UnaryTests
from services.recommendation.engine.feel.syntax import Compare, Endpoint, Operator, Test
from services.recommendation.engine.feel.text import feel_text


def tests_text(tests: UnaryTests) -> str:
    """Return the cell that says this."""
    if isinstance(tests, Anything):
        return "-"
    listed = ",".join(map(_test_text, tests.tests))
    return f"not({listed})" if isinstance(tests, Not) else listed


def where_text(tests: Conjunction) -> str:
    """Return "arpu < 30, brand \"GoTone\""; several tests of one input are joined by "and"."""
    if not tests:
        return "every customer"
    names = list(dict.fromkeys(test.input for test in tests))
    return ", ".join(f"{name} {_joined([test for test in tests if test.input == name])}" for name in names)


def _joined(tests: Sequence[FieldTest]) -> str:
    return " and ".join(tests_text(test.tests) for test in tests)


def _test_text(test: Test) -> str:
    if isinstance(test, Compare):
        symbol = "" if test.operator is Operator.EQUAL else f"{test.operator} "
        return f"{symbol}{_endpoint_text(test.endpoint)}"
    low, high = _endpoint_text(test.low), _endpoint_text(test.high)
    return f"{'[' if test.low_closed else '('}{low}..{high}{']' if test.high_closed else ')'}"


def _endpoint_text(point: Endpoint) -> str:
    return feel_text(point.value) if isinstance(point, Literal) else point.name
