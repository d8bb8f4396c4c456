"""What a DMN file says, as its elements say it: nothing is typed, checked or understood yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MODEL = "https://www.omg.org/spec/DMN/20191111/MODEL/"
"""The namespace of DMN 1.3, which is written."""
NAMESPACES = (
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
    "http://www.omg.org/spec/DMN/20180521/MODEL/",
    MODEL,
    "https://www.omg.org/spec/DMN/20211108/MODEL/",
    "https://www.omg.org/spec/DMN/20230324/MODEL/",
)
"""DMN 1.1 to 1.5; all of them are read."""
OWN = "urn:visavis:dmn:1"
"""The namespace of what only our matrices have, kept in extensionElements."""
LAST_ROW = 1_048_576
"""The last row of a spreadsheet: a file that claims a later one for a rule is not followed."""


@dataclass(frozen=True, slots=True)
class InputClause:
    """A column that is tested."""

    expression: str
    type_ref: str = ""
    values: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class OutputClause:
    """A column that rules fill in. `given_values` and `given_default` are what the purpose of one of our matrices gives it."""

    name: str
    label: str = ""
    type_ref: str = ""
    values: str = ""
    default: str = ""
    given_values: str = ""
    given_default: str = ""


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A rule, entry by entry; `row` and `replaces` are ours, if it comes from one of our matrices."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    note: str = ""
    row: str = ""
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table."""

    hit_policy: str
    aggregation: str
    inputs: tuple[InputClause, ...]
    outputs: tuple[OutputClause, ...]
    rules: tuple[RuleEntry, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A city parameter of ours, its values as literals."""

    name: str
    value: str
    by_city: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Computed:
    """A computed input of ours."""

    name: str
    text: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """What our matrices say beside their table; `comments` are cells by the row of the spreadsheet."""

    purpose: str = ""
    city: str = ""
    parameters: tuple[Parameter, ...] = ()
    computed: tuple[Computed, ...] = ()
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comments: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision: at most one of `table` and `literal` is set; else `logic` names the element that decides, or is empty."""

    id: str
    name: str
    type_ref: str = ""
    table: Table | None = None
    literal: str | None = None
    logic: str = ""
    requires: tuple[str, ...] = ()
    declared: Declared = Declared()


@dataclass(frozen=True, slots=True)
class InputData:
    """Something that decisions are told."""

    id: str
    name: str
    type_ref: str = ""


@dataclass(frozen=True, slots=True)
class ItemDefinition:
    """A named type: an alias of another one, or a structure of components."""

    name: str
    type_ref: str = ""
    is_collection: bool = False
    components: Mapping[str, "ItemDefinition"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Definitions:
    """A file."""

    name: str
    decisions: tuple[Decision, ...]
    input_data: tuple[InputData, ...] = ()
    items: Mapping[str, ItemDefinition] = field(default_factory=dict)
