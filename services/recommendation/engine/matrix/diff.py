"""What differs between two matrices, by row and cell: rows are matched by what they say, wherever they stand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from services.recommendation.engine.feel import Value
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix.table import DecisionTable, Rule

_LEAST_ALIKE = 0.5
"""Two rows are one that was changed if at least this share of their cells is the same."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell, or a line above the column headers: `where` is its column, or what the line is about. Empty = not there."""

    where: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A rule that differs: added without an `old_row`, removed without a `new_row`, moved as it is without `cells`."""

    old_row: int | None
    new_row: int | None
    cells: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """All that differs; `rows` in the order of the newer matrix, what was removed where it stood. `same` counts equal rules."""

    lines: tuple[Difference, ...]
    removed_columns: tuple[str, ...]
    added_columns: tuple[str, ...]
    rows: tuple[RowDifference, ...]
    same: int


@dataclass(frozen=True, slots=True)
class _Row:
    """A rule as the texts of its cells, in the order of all columns of both matrices."""

    id: int
    cells: tuple[str, ...]


def difference(old: DecisionTable, new: DecisionTable) -> Differences:
    """Return what differs between two matrices of one purpose."""
    before, after = _columns(old), _columns(new)
    columns = list(dict.fromkeys([*after, *before]))
    old_rows, new_rows = (
        [_Row(rule.id, tuple(_texts(table, rule, columns))) for rule in table.rules] for table in (old, new)
    )
    pairs = list(_moved(list(_aligned(old_rows, new_rows))))
    rows = [_row_difference(one, other, columns) for one, other, same in pairs if not same]
    return Differences(
        lines=tuple(_line_differences(_lines(old), _lines(new))),
        removed_columns=tuple(column for column in before if column not in after),
        added_columns=tuple(column for column in after if column not in before),
        rows=tuple(rows),
        same=sum(same for _, _, same in pairs),
    )


def _columns(table: DecisionTable) -> list[str]:
    marked = [f"=> {output.name}" for output in table.outputs]
    extra = {
        "note": any(rule.note for rule in table.rules),
        "replaces": any(rule.replaces is not None for rule in table.rules),
    }
    return [*(column.name for column in table.inputs), *marked, *(name for name, used in extra.items() if used)]


def _texts(table: DecisionTable, rule: Rule, columns: Sequence[str]) -> Iterator[str]:
    """Yield the text of each column; an input that the matrix does not test is one that may be anything."""
    told = {column.name: cell.text or "-" for column, cell in zip(table.inputs, rule.cells, strict=True)}
    outputs = zip(table.outputs, rule.outputs, strict=True)
    given = {f"=> {output.name}": "" if value is None else plain_text(value) for output, value in outputs}
    named = {"note": rule.note, "replaces": "" if rule.replaces is None else str(rule.replaces)}
    for column in columns:
        absent = "" if column.startswith("=> ") else "-"
        yield {**told, **given, **named}.get(column, absent)


def plain_text(value: Value) -> str:
    """Return a value as a planner writes it into an output cell: a text without quotes."""
    return value if isinstance(value, str) else feel_text(value)


def hit_policy_text(table: DecisionTable) -> str:
    """Return the hit policy as the head line of a sheet has it: `COLLECT SUM`."""
    return f"{table.hit_policy} {table.aggregation}" if table.aggregation else str(table.hit_policy)


def _lines(table: DecisionTable) -> Mapping[str, str]:
    """Return the lines above the column headers by what they are about."""
    lines = {"name": table.name, "hit policy": hit_policy_text(table), "city": table.city}
    for parameter in table.parameters:
        by_city = (f"{city}={feel_text(value)}" for city, value in sorted(parameter.by_city.items()))
        lines[f"parameter {parameter.name}"] = ",".join([feel_text(parameter.value), *by_city])
    lines |= {f"computed {computed.name}": computed.text for computed in table.computed}
    lines |= {f"list {name}": ",".join(map(plain_text, values)) for name, values in table.lists.items()}
    for output in table.outputs:
        lines[f"values {output.name}"] = ",".join(map(plain_text, output.values))
        lines[f"default {output.name}"] = "" if output.default is None else plain_text(output.default)
    return lines


def _line_differences(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for line in dict.fromkeys([*new, *old]):
        if old.get(line, "") != new.get(line, ""):
            yield Difference(line, old.get(line, ""), new.get(line, ""))


_Pair = tuple[_Row | None, _Row | None, bool]
"""An old row and what has become of it; the flag says that they are the same."""


def _aligned(old: Sequence[_Row], new: Sequence[_Row]) -> Iterator[_Pair]:
    """Yield the rows in order: those that are the same first, then between them those that are alike."""
    matcher = SequenceMatcher(None, [row.cells for row in old], [row.cells for row in new], autojunk=False)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            yield from (
                (one, other, True) for one, other in zip(old[old_from:old_to], new[new_from:new_to], strict=True)
            )
        else:
            yield from _alike(old[old_from:old_to], new[new_from:new_to])


def _alike(old: Sequence[_Row], new: Sequence[_Row]) -> Iterator[_Pair]:
    """Yield the rows of two stretches, paired in order so that as much as possible is alike."""
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            share = _share(old[i], new[j])
            paired = share + best[i + 1][j + 1] if share >= _LEAST_ALIKE else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(old) and j < len(new):
        if best[i][j] == best[i + 1][j]:
            yield old[i], None, False
            i += 1
        elif best[i][j] == best[i][j + 1]:
            yield None, new[j], False
            j += 1
        else:
            yield old[i], new[j], False
            i, j = i + 1, j + 1
    yield from ((row, None, False) for row in old[i:])
    yield from ((None, row, False) for row in new[j:])


def _share(one: _Row, other: _Row) -> float:
    same = sum(left == right for left, right in zip(one.cells, other.cells, strict=True))
    return same / len(one.cells)


def _moved(pairs: Sequence[_Pair]) -> Iterator[_Pair]:
    """Yield the pairs, with a row that was taken from one place and put to another, as it is, as one pair at the new place."""
    gone: dict[tuple[str, ...], list[_Row]] = {}
    for one, other, _ in pairs:
        if one is not None and other is None:
            gone.setdefault(one.cells, []).append(one)
    found = {
        id(other): gone[other.cells].pop(0)
        for one, other, _ in pairs
        if one is None and other and gone.get(other.cells)
    }
    taken = {id(row) for row in found.values()}
    for one, other, same in pairs:
        if other is not None and id(other) in found:
            yield found[id(other)], other, False
        elif one is None or id(one) not in taken:
            yield one, other, same


def _row_difference(old: _Row | None, new: _Row | None, columns: Sequence[str]) -> RowDifference:
    befores = old.cells if old else ("",) * len(columns)
    afters = new.cells if new else ("",) * len(columns)
    cells = (Difference(*cell) for cell in zip(columns, befores, afters, strict=True) if cell[1] != cell[2])
    return RowDifference(old.id if old else None, new.id if new else None, tuple(cells))
