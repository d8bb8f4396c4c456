"""The syntax tree of one matrix cell, an S-FEEL unary test: the one meaning from which SQL and closures are made."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from services.recommendation.engine.feel.values import Kind, Value


class Operator(StrEnum):
    """How a value is compared with an endpoint; `=` is written by giving the endpoint alone."""

    EQUAL = "="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="


COMPARISONS = cast(
    "Mapping[Operator, Callable[[Value, Value], bool]]",
    {
        Operator.EQUAL: operator.eq,
        Operator.LESS: operator.lt,
        Operator.LESS_OR_EQUAL: operator.le,
        Operator.GREATER: operator.gt,
        Operator.GREATER_OR_EQUAL: operator.ge,
    },
)
"""What each operator means for two values of one kind, neither of them null; `check` keeps kinds apart."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; `at` is its 0-based place in the cell and no part of what it means."""

    kind: Kind
    value: Value
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """The value of another field of the same row."""

    name: str
    at: int = field(default=0, compare=False)


Endpoint = Literal | Name


@dataclass(frozen=True, slots=True)
class Compare:
    """The value stands in relation `operator` to the endpoint."""

    operator: Operator
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Range:
    """The value lies between two endpoints; a closed side includes its endpoint."""

    low: Endpoint
    low_closed: bool
    high: Endpoint
    high_closed: bool


Test = Compare | Range


@dataclass(frozen=True, slots=True)
class Anything:
    """`-`: matches every value, null included."""


@dataclass(frozen=True, slots=True)
class Or:
    """Matches a value that passes one of the tests. Null passes only the test `null`."""

    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Matches a value that is not null and passes none of the tests (stricter than FEEL, where null passes `not("a")`)."""

    tests: tuple[Test, ...]


UnaryTests = Anything | Or | Not


def endpoints(tests: UnaryTests) -> tuple[Endpoint, ...]:
    """Return all endpoints in the order in which they are written."""
    if isinstance(tests, Anything):
        return ()
    return tuple(point for test in tests.tests for point in endpoints_of(test))


def endpoints_of(test: Test) -> tuple[Endpoint, ...]:
    """Return the one endpoint of a comparison or the two of an interval."""
    return (test.endpoint,) if isinstance(test, Compare) else (test.low, test.high)


def is_null(point: Endpoint) -> bool:
    """Tell whether the endpoint is the literal `null`."""
    return isinstance(point, Literal) and point.kind is Kind.NULL


def constant_of(tests: UnaryTests) -> Literal | None:
    """Return the constant that is all the cell says, or None if it says more than one constant."""
    found = constants_of(tests)
    return found[0] if found and len(found) == 1 else None


def constants_of(tests: UnaryTests) -> tuple[Literal, ...] | None:
    """Return the constants that the cell lists, or None if it says anything else."""
    if not isinstance(tests, Or):
        return None
    points = [test.endpoint for test in tests.tests if isinstance(test, Compare) and test.operator is Operator.EQUAL]
    constants = tuple(point for point in points if isinstance(point, Literal))
    return constants if len(constants) == len(tests.tests) else None
