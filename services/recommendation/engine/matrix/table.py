"""A matrix as planners keep it: a DMN decision table with typed inputs and outputs, ready to compile."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.recommendation.engine.feel import FieldType, UnaryTests, Value


class HitPolicy(StrEnum):
    """Which of the matching rules fire (DMN 1.3 §8.2.11)."""

    UNIQUE = "UNIQUE"
    """At most one rule may match; more is a fault of the table, found per customer."""
    FIRST = "FIRST"
    """The first matching rule in the order of the file."""
    COLLECT = "COLLECT"
    """All matching rules in the order of the file (DMN also calls this RULE ORDER)."""


@dataclass(frozen=True, slots=True)
class Input:
    """A column that is tested: `name` is the field of the customer's row."""

    name: str
    type: FieldType


@dataclass(frozen=True, slots=True)
class Output:
    """A column that rules fill in, as its purpose expects it.

    `default` is what a customer gets whom no rule matches; `required` forbids a matrix to leave the column out, or a cell
    of it empty.
    """

    name: str
    type: FieldType
    default: Value = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """One test of one rule: as written, and as understood."""

    text: str
    tests: UnaryTests


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table. `id` is its row number in the spreadsheet; cells and outputs follow the table's columns."""

    id: int
    cells: tuple[Cell, ...]
    outputs: tuple[Value, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """A checked matrix: every cell fits its column, rule ids grow from row to row."""

    name: str
    purpose: str
    hit_policy: HitPolicy
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]


Outputs = Mapping[str, Value]
"""What one fired rule gives, by output name."""
