"""Draws whole matrices as the CSV a planner would save, with the meaning of each cell beside it."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from services.recommendation.engine.feel import FieldType, Row, Value
from services.recommendation.engine.matrix import HitPolicy, Output
from tests.unit.recommendation.feel.generated import DrawnCell, cells, literal_text

INPUTS = ("arpu", "tenure", "brand", "need", "active", "joined")
PLAIN_OUTPUTS = (
    Output("main_policy", FieldType.string(), required=False, values=("全球通", "contract 260", "never given")),
    Output("gift_yuan", FieldType.decimal(7, 2), required=False),
    Output("months", FieldType.integer(), required=False, values=(-1, 12)),
)
OUTPUTS = {
    "retention": PLAIN_OUTPUTS,
    "new_service": (*PLAIN_OUTPUTS, Output("zone", FieldType.string("a", "b"), default="b", required=False)),
}


@dataclass(frozen=True)
class DrawnRule:
    """A rule as drawn: its spreadsheet row, its cells and its outputs in the order of the purpose."""

    row: int
    cells: tuple[DrawnCell, ...]
    outputs: tuple[Value, ...]

    def matches(self, row: Row) -> bool:
        return all(cell.accepts(row[name], row) for name, cell in zip(INPUTS, self.cells, strict=True))


@dataclass(frozen=True)
class DrawnTable:
    """A matrix as drawn."""

    purpose: str
    hit_policy: HitPolicy
    rules: tuple[DrawnRule, ...]

    def text(self) -> str:
        """Return the file; rows between rules are filled with comments and empty lines."""
        headers = [*INPUTS, *(f"=> {output.name}" for output in OUTPUTS[self.purpose]), "note"]
        lines: list[Sequence[str]] = [["matrix", self.purpose, self.hit_policy.value, "drawn"], headers]
        for rule in self.rules:
            lines += [["# a comment, with a comma"], [""]][: rule.row - len(lines) - 1]
            lines.append([*(cell.text for cell in rule.cells), *map(_plain, rule.outputs), "as drawn"])
        file = io.StringIO()
        csv.writer(file).writerows(lines)
        return file.getvalue()


def _plain(value: Value) -> str:
    if value is None:
        return ""
    return literal_text(value)


def tables() -> st.SearchStrategy[DrawnTable]:
    """Draw tables of any purpose and hit policy, of one to five rules; most cells are `-`, so that rules overlap."""
    return st.sampled_from(list(OUTPUTS)).flatmap(_tables)


@st.composite
def _tables(draw: st.DrawFn, purpose: str) -> DrawnTable:
    row = 2
    rules = []
    for _ in range(draw(st.integers(1, 5))):
        row += draw(st.integers(1, 3))
        drawn_cells = tuple(draw(st.one_of(st.just(_anything()), cells(name))) for name in INPUTS)
        rules.append(DrawnRule(row, drawn_cells, draw(_outputs(purpose))))
    return DrawnTable(purpose, draw(st.sampled_from(HitPolicy)), tuple(rules))


def _anything() -> DrawnCell:
    return DrawnCell("", lambda value, row: True)


def _outputs(purpose: str) -> st.SearchStrategy[tuple[Value, ...]]:
    values: list[st.SearchStrategy[Value]] = [
        st.sampled_from([None, "contract 260", 'it\'s "one"', "line\nbreak", "全球通"]),
        st.sampled_from([None, Decimal("12.50"), Decimal("-3")]),
        st.sampled_from([None, 12, -1]),
        st.sampled_from([None, "a"]),
    ]
    return st.tuples(*values[: len(OUTPUTS[purpose])])
