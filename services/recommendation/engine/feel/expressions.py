"""The expressions of computed inputs: exact arithmetic on the fields of a row, and the time until a date.

    max(balance, 0) * 12 + arpu
    months until(contract_end)

There is no division: the columnar engine divides decimals by floats. Null in gives null out.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


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
    """What is counted from the day of the run, the row's field `day`, until a date; negative for a date that is past."""

    DAYS = "days"
    MONTHS = "months"
    """Complete months: a month is complete on the day of the month on which it began, as in DuckDB's datesub."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field of the row; `at` is its 0-based place in the text and no part of what it means."""

    name: str
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
