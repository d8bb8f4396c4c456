"""Draws small tables over fields of which a few values stand for all, so that the checker can be held against brute force."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import product

from hypothesis import strategies as st

from services.recommendation.engine.checking.findings import Concern, FieldTest
from services.recommendation.engine.checking.segments import Domain
from services.recommendation.engine.feel import FieldType, Kind, Row, Value, parse, to_predicate
from services.recommendation.engine.matrix import Cell, DecisionTable, HitPolicy, Input, Output, Rule

Values = Sequence[Value]
INTEGER, TENTHS, OPEN = FieldType.integer(), FieldType.decimal(9, 1), FieldType.string()
NEED, YES_NO = FieldType.string("rigid", "ordinary", "none"), FieldType(Kind.BOOLEAN)

DOMAINS: Mapping[str, Domain] = {
    "months": Domain(INTEGER, nullable=True),
    "minutes": Domain(TENTHS, nullable=False),
    "brand": Domain(OPEN, nullable=True),
    "need": Domain(NEED, nullable=False),
    "warned": Domain(YES_NO, nullable=True),
    "left": Domain(INTEGER, nullable=False),
    "held": Domain(INTEGER, nullable=True),
}
GRID: Mapping[str, Values] = {
    "months": [None, *range(-3, 7)],
    "minutes": [Decimal(tenths).scaleb(-1) for tenths in range(-1, 6)],
    "brand": [None, "", "A", "A1", "B", "B1", "b", "c"],
    "need": ["rigid", "ordinary", "none"],
    "warned": [None, True, False],
    "left": list(range(-3, 7)),
    "held": [None, *range(-3, 7)],
}
"""What stands for all that a field can hold: whatever drawn cells tell apart differs here, too."""
_ENDS: Mapping[str, Sequence[str]] = {
    "months": ["0", "1", "2", "3"],
    "minutes": ["0", "0.2", "0.4"],
    "brand": ['"A"', '"B"', '"b"'],
    "need": ['"rigid"', '"ordinary"', '"none"'],
    "warned": ["true", "false"],
    "left": ["0", "1", "3"],
}
_NAMES: Mapping[str, Sequence[str]] = {"months": ["left", "held"], "left": ["months", "held"]}


@dataclass(frozen=True)
class Drawn:
    """A table, and all rows of the grid of its fields."""

    table: DecisionTable
    fields: tuple[str, ...]

    @cached_property
    def rows(self) -> list[Row]:
        return [
            dict(zip(self.fields, values, strict=True)) for values in product(*(GRID[name] for name in self.fields))
        ]

    @cached_property
    def matched(self) -> dict[int, frozenset[int]]:
        """For each rule the places of the rows that it matches."""
        names = [column.name for column in self.table.inputs]
        return {
            rule.id: self.lying([FieldTest(name, cell.tests) for name, cell in zip(names, rule.cells, strict=True)])
            for rule in self.table.rules
        }

    def lying(self, tests: Sequence[FieldTest]) -> frozenset[int]:
        """Return the places of the rows that pass all of these tests."""
        left = list(range(len(self.rows)))
        for test in tests:
            passes = to_predicate(test.tests)
            left = [place for place in left if passes((row := self.rows[place])[test.input], row)]
        return frozenset(left)

    def within(self, concern: Concern) -> frozenset[int]:
        """Return the places of the rows in the concern's `where`."""
        found = frozenset(range(len(self.rows)))
        for either in concern.where:
            found &= frozenset().union(*map(self.lying, either))
        return found


def cell(text: str) -> Cell:
    return Cell(text, parse(text))


def table_of(
    headers: Sequence[str],
    rules: Sequence[Sequence[str]],
    *,
    hit_policy: HitPolicy = HitPolicy.FIRST,
    purpose: str = "retention",
    values: Values = (),
    default: Value = None,
    domains: Mapping[str, Domain] = DOMAINS,
) -> DecisionTable:
    """Return a table with one text output, the last entry of each rule; rules are numbered from 3."""
    inputs = tuple(Input(name, domains[name].type) for name in headers)
    return DecisionTable(
        "drawn",
        purpose,
        hit_policy,
        inputs,
        (Output("policy", FieldType.string(), default=default, required=False, values=tuple(values)),),
        tuple(
            Rule(number, tuple(map(cell, cells)), (output or None,)) for number, (*cells, output) in enumerate(rules, 3)
        ),
    )


@st.composite
def _cells(draw: st.DrawFn, name: str, *, names: bool) -> str:
    shape = draw(st.sampled_from(["any", "any", "or", "or", "not"]))
    if shape == "any":
        return "-"
    tests = ",".join(draw(st.lists(_tests(name, names=names), min_size=1, max_size=2)))
    return f"not({tests})" if shape == "not" else tests


@st.composite
def _tests(draw: st.DrawFn, name: str, *, names: bool) -> str:
    ends = st.sampled_from([*_ENDS[name], *(_NAMES.get(name, ()) if names else ())])
    if name in {"need", "warned"}:
        return draw(st.one_of(ends, st.just("null")))
    shape: Callable[[], str] = draw(
        st.sampled_from(
            [
                lambda: draw(ends),
                lambda: draw(st.sampled_from(["<", "<=", ">", ">="])) + draw(ends),
                lambda: f"{draw(st.sampled_from('[('))}{draw(ends)}..{draw(ends)}{draw(st.sampled_from('])'))}",
                lambda: "null",
            ]
        )
    )
    return shape()


@st.composite
def tables(draw: st.DrawFn, *, names: bool = False) -> Drawn:
    """Draw a table of any hit policy with one to five rules over two or three fields; with `names` cells name other fields."""
    pool = ["months", "left"] if names else list(_ENDS)
    headers = draw(st.lists(st.sampled_from(pool), min_size=2, max_size=2 if names else 3, unique=True))
    row = st.tuples(*(_cells(name, names=names) for name in headers), st.sampled_from(["a", "a", "b", "c", ""]))
    rules = draw(st.lists(row, min_size=1, max_size=5))
    table = table_of(headers, rules, hit_policy=draw(st.sampled_from(HitPolicy)), values=("b", "a"))
    return Drawn(table, (*headers, "held") if names else tuple(headers))
