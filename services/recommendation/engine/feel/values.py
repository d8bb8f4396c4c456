"""What a matrix cell talks about: the kinds of values, and the declared type of a field that a cell is checked against."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

MAX_DIGITS = 38
"""Digits that a DECIMAL of the columnar engine holds; a number that needs more would silently become a float there."""


class Kind(StrEnum):
    """The kinds of values that can be compared with each other, and only with their own."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "date and time"
    TIME = "time"
    DAYS_DURATION = "days-time duration"
    MONTHS_DURATION = "years-months duration"
    NULL = "null"


@dataclass(frozen=True, slots=True, order=True)
class YearsMonths:
    """A calendar duration in months; FEEL does not compare it with days."""

    months: int


Value = str | Decimal | int | bool | date | datetime | time | timedelta | YearsMonths | None
"""A value of a field or a literal. Numbers are int or Decimal, never float; date-times and times are naive, legal zone."""

Row = Mapping[str, Value]
"""The values of one customer (or one customer and product) by field name; an absent name counts as null."""


@dataclass(frozen=True, slots=True)
class FieldType:
    """The declared type of a field: `domain` lists the values a string may have (empty: any), `unit` is a label.

    `title` is what planners call the field, `null_meaning` what it says where there is no value; both are empty where not told.
    `precision` and `scale` are those of the DECIMAL that holds a number; scale 0 is a whole number of any integer width.
    """

    kind: Kind
    precision: int = 18
    scale: int = 0
    domain: tuple[str, ...] = ()
    unit: str = ""
    title: str = ""
    null_meaning: str = ""

    def called(self, title: str, null_meaning: str = "") -> "FieldType":
        """Return the same type under a title."""
        return replace(self, title=title, null_meaning=null_meaning)

    @classmethod
    def string(cls, *domain: str) -> "FieldType":
        return cls(Kind.STRING, domain=domain)

    @classmethod
    def decimal(cls, precision: int, scale: int, unit: str = "") -> "FieldType":
        return cls(Kind.NUMBER, precision, scale, unit=unit)

    @classmethod
    def integer(cls, unit: str = "") -> "FieldType":
        return cls(Kind.NUMBER, unit=unit)
