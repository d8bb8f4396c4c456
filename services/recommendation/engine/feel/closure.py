"""Makes a Python predicate of a cell, for the one customer whom a person waits for."""

from collections.abc import Callable

from services.recommendation.engine.feel.syntax import (
    COMPARISONS,
    Anything,
    Compare,
    Endpoint,
    Name,
    Not,
    Operator,
    Test,
    UnaryTests,
    endpoints_of,
    is_null,
)
from services.recommendation.engine.feel.values import Row, Value

Predicate = Callable[[Value, Row], bool]
"""Tells whether a value passes; the row is looked at only for the fields that endpoints name."""


def to_closure(tests: UnaryTests, column: str) -> Callable[[Row], bool]:
    """Return a predicate on rows that tests the field `column`; the tests have passed `check`."""
    predicate = to_predicate(tests)
    return lambda row: predicate(row.get(column), row)


def to_predicate(tests: UnaryTests) -> Predicate:
    """Return a predicate on the value of the tested field. Null passes only `-` and the test `null`."""
    if isinstance(tests, Anything):
        return lambda value, row: True
    passes = _any_of(tuple(test for test in tests.tests if not _is_null_test(test)))
    if isinstance(tests, Not):
        return lambda value, row: value is not None and not passes(value, row)
    null_passes = any(_is_null_test(test) for test in tests.tests)
    return lambda value, row: null_passes if value is None else passes(value, row)


def _is_null_test(test: Test) -> bool:
    return is_null(endpoints_of(test)[0])


def _any_of(tests: tuple[Test, ...]) -> Predicate:
    """Return the disjunction over values that are not null: constants by one look-up, the rest in turn."""
    constants = frozenset(constant for test in tests if (constant := _constant(test)) is not None)
    others = tuple(_test(test) for test in tests if _constant(test) is None)
    if not others:
        return lambda value, row: value in constants
    if not constants and len(others) == 1:
        return others[0]
    return lambda value, row: value in constants or any(passes(value, row) for passes in others)


def _constant(test: Test) -> Value:
    """Return the value of a plain constant, or None for any other test."""
    if isinstance(test, Compare) and test.operator is Operator.EQUAL and not isinstance(test.endpoint, Name):
        return test.endpoint.value
    return None


def _test(test: Test) -> Predicate:
    if isinstance(test, Compare):
        return _relation(test.operator, test.endpoint)
    above = _relation(Operator.GREATER_OR_EQUAL if test.low_closed else Operator.GREATER, test.low)
    below = _relation(Operator.LESS_OR_EQUAL if test.high_closed else Operator.LESS, test.high)
    return lambda value, row: above(value, row) and below(value, row)


def _relation(symbol: Operator, endpoint: Endpoint) -> Predicate:
    holds = COMPARISONS[symbol]
    if not isinstance(endpoint, Name):
        constant = endpoint.value
        return lambda value, row: holds(value, constant)
    name = endpoint.name
    return lambda value, row: (other := row.get(name)) is not None and holds(value, other)
