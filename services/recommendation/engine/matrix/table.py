"""A matrix as planners keep it: a DMN decision table with typed inputs and outputs, ready to compile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.recommendation.engine.feel import FieldType, UnaryTests, Value
from services.recommendation.engine.feel.expressions import Expression

CITY = "city"
"""The field by which a row takes the value of a city's parameter."""


class HitPolicy(StrEnum):
    """Which of the matching rules fire (DMN 1.3 §8.2.11)."""

    UNIQUE = "UNIQUE"
    """At most one rule may match; more is a fault of the table, found per customer."""
    ANY = "ANY"
    """Several rules may match that give the same; the first of them fires. Rules that differ are a fault, found per customer."""
    PRIORITY = "PRIORITY"
    """The matching rule whose outputs come first in `Output.values`; of equals the first in the order of the file."""
    FIRST = "FIRST"
    """The first matching rule in the order of the file."""
    RULE_ORDER = "RULE ORDER"
    """All matching rules in the order of the file."""
    OUTPUT_ORDER = "OUTPUT ORDER"
    """All matching rules in the order of `Output.values`, equals in the order of the file."""
    COLLECT = "COLLECT"
    """All matching rules in no order that counts (ours is that of the file), or what their one output adds up to."""


class Aggregation(StrEnum):
    """What becomes of the one output of the rules that a COLLECT table fires; empty outputs are left out."""

    SUM = "SUM"
    MIN = "MIN"
    MAX = "MAX"
    COUNT = "COUNT"
    """The number of matching rules, whatever they give."""


@dataclass(frozen=True, slots=True)
class Input:
    """A column that is tested: `name` is a field of the customer's row, or an input computed from it."""

    name: str
    type: FieldType


@dataclass(frozen=True, slots=True)
class Output:
    """A column that rules fill in, as its purpose expects it.

    `default` is what a customer gets whom no rule matches; `required` forbids a matrix to leave the column out, or a cell
    of it empty. `values` (DMN outputValues) are what it may be, highest priority first; empty: anything, without priority.
    What planners call it is its type's title.
    """

    name: str
    type: FieldType
    default: Value = None
    required: bool = True
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constant that an endpoint may name; in a city of `by_city` it has that value, in all others `value`."""

    name: str
    type: FieldType
    value: Value
    by_city: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Computed:
    """An input declared with the matrix: `text` as the planner wrote it, `expression` as understood, of fields of the row."""

    name: str
    type: FieldType
    text: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Cell:
    """One test of one rule: as written, and as understood."""

    text: str
    tests: UnaryTests


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a rule of a composed table stands: matrix, row of its spreadsheet, and the city whose override it is (or "")."""

    matrix: str
    row: int
    city: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table. `id` is its row number in the spreadsheet; cells and outputs follow the table's columns.

    `replaces`, in the override of a city only, is the row of the province's matrix in whose place it stands.
    `origin` is set in composed tables only, whose ids, where a city has an override, are numbers of their own.
    """

    id: int
    cells: tuple[Cell, ...]
    outputs: tuple[Value, ...]
    note: str = ""
    origin: Origin | None = None
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """A checked matrix: every cell fits its column, rule ids grow from row to row.

    `lists` are kept for those who show the matrix: cells that name a list hold its values already. `city` is set where the
    matrix is one city's override of the province's.
    """

    name: str
    purpose: str
    hit_policy: HitPolicy
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
    aggregation: Aggregation | None = None
    parameters: tuple[Parameter, ...] = ()
    computed: tuple[Computed, ...] = ()
    lists: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    city: str = ""


Outputs = Mapping[str, Value]
"""What one fired rule gives, by output name; of an aggregating table what all of them add up to."""
