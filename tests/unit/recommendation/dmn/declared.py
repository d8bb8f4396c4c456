"""Draws what a matrix may declare beside its table, as lines of its sheet."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.unit.recommendation.matrix.generated import DrawnTable

_WORDS = st.sampled_from(
    ["GoTone", '" 全球通 "', '"say \\"yes\\""', '"null"', '""', "a b", '"<&>"', '"two\\nlines"', '"tab\\t"']
)
_NUMBERS = st.sampled_from(["0", "-3.50", "100", "12.345"])
_DATES = st.sampled_from(['date("2026-01-31")', 'date("2027-12-01")'])
_KINDS = st.sampled_from([_WORDS, _NUMBERS, _DATES])
_CITIES = ["合肥", "芜湖", "六安"]
_COMPUTED = [
    ("computed", "到期月数", "months until(joined)"),
    ("computed", "yearly", "arpu * 12 + max(平均话费, 0)", "yuan"),
]
_OUTPUTS = [
    ("values", "main_policy", "contract 260", "全球通", "line\nbreak", 'it\'s "one"'),
    ("default", "main_policy", "全球通"),
    ("values", "months", "12", "-1"),
    ("default", "gift_yuan", "12.50"),
]


@dataclass(frozen=True)
class Declared:
    """The lines of one matrix: those for above its headers, and the lists, which may also stand below its rules."""

    lines: Sequence[Sequence[str]]
    lists: Sequence[Sequence[str]]
    lists_below: bool

    def text(self, drawn: DrawnTable) -> str:
        """Return the file of a drawn table that declares this."""
        head, _, rest = drawn.text().partition("\r\n")
        above = [*self.lines, *([] if self.lists_below else self.lists)]
        below = self.lists if self.lists_below else []
        return f"{head}\r\n{_csv(above)}{rest}{_csv(below)}"


def _csv(lines: Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(lines)
    return file.getvalue()


@st.composite
def declared(draw: st.DrawFn) -> Declared:
    """Draw lines of every kind: a city, parameters, computed inputs, lists, what outputs may be and are by default."""
    city = draw(st.sampled_from(["", "合肥"]))
    lines: list[Sequence[str]] = [("# above all",)] if draw(st.booleans()) else []
    lines += [("city", city)] if city else []
    for name in draw(st.lists(st.sampled_from(["churn_threshold", "预警门槛"]), unique=True)):
        values = draw(_KINDS)
        cities = [] if city else draw(st.lists(st.sampled_from(_CITIES), unique=True))
        lines.append(("parameter", name, draw(values), *(f"{city}={draw(values)}" for city in cities)))
    lines += draw(st.lists(st.sampled_from(_COMPUTED), unique=True))
    lines += [line for line in _OUTPUTS if draw(st.booleans())]
    names = draw(st.lists(st.sampled_from(["游戏", "counties"]), unique=True))
    lists = [("list", name, *draw(st.lists(draw(_KINDS), min_size=1, max_size=3, unique=True))) for name in names]
    return Declared(lines, lists, draw(st.booleans()))
