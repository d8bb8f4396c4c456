"""Counts for how many customers each row of a matrix fires, and finds the rows of two versions that are the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

import numpy as np
import pyarrow as pa

from services.recommendation.domain import Purpose
from services.recommendation.domain.previews import Change, RowAt, RowCount
from services.recommendation.engine.assembly.decided import Fired, every_column
from services.recommendation.engine.assembly.facts import Flags, Ints
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.matrix import DecisionTable, Rule
from services.recommendation.engine.preview.sides import fired_in


@dataclass(frozen=True, slots=True, eq=False)
class RowCounter:
    """The matrices of one side; a count has a place for each rule of a matrix in its order, before them one for no rule at all."""

    tables: Mapping[Purpose, DecisionTable]
    columns: Sequence[Fired]
    places: Mapping[Purpose, Ints]

    @classmethod
    def of(cls, rules: Rules) -> "RowCounter":
        tables = {Purpose.PRIORITY: rules.priority, **rules.giving}
        places = {}
        for purpose, table in tables.items():
            places[purpose] = np.zeros(max((rule.id for rule in table.rules), default=0) + 1, dtype=np.int64)
            places[purpose][[rule.id for rule in table.rules]] = np.arange(1, len(table.rules) + 1)
        return cls(tables, tuple(every_column(rules)), places)

    def nothing(self) -> list[Ints]:
        """Return the counts of nobody, one array per matrix in the order of `tables`."""
        return [np.zeros(len(table.rules) + 1, dtype=np.int64) for table in self.tables.values()]

    def count(self, batch: pa.RecordBatch, listed: Flags) -> list[Ints]:
        """Return the customers of a batch who are listed, by the rules that fired for them."""
        customers = np.flatnonzero(listed)
        fired = {
            purpose: np.zeros((batch.num_rows, len(table.rules) + 1), dtype=np.bool_)
            for purpose, table in self.tables.items()
        }
        for column in self.columns:
            row, rule = fired_in(batch.column(column.column))
            fired[column.matrix][row, self.places[column.matrix][rule]] = True
        return [_by_rule(flags[customers] if len(customers) < batch.num_rows else flags) for flags in fired.values()]


def _by_rule(fired: Flags) -> Ints:
    """Return the customers for whom each rule fired, of customers x rules. The first place may be marked for anybody: no rule
    fired for those who have no other."""
    rules = fired.shape[1]
    fired[:, 0] = ~fired[:, 1:].any(axis=1)
    return np.bincount(np.flatnonzero(fired) % rules, minlength=rules)


def row_counts(
    before: RowCounter, after: RowCounter, fired_before: Sequence[Ints], fired_after: Sequence[Ints]
) -> Iterator[RowCount]:
    """Yield the counts of each matrix's rows, those that are the same on both sides as one."""
    counts = [
        dict(zip(counter.tables, fired, strict=True))
        for counter, fired in ((before, fired_before), (after, fired_after))
    ]
    for purpose in {**before.tables, **after.tables}:
        mine, others = before.tables.get(purpose), after.tables.get(purpose)
        one, other = (count.get(purpose, np.zeros(1, dtype=np.int64)) for count in counts)
        for first, second in aligned(mine.rules if mine else (), others.rules if others else ()):
            yield RowCount(
                matrix=purpose,
                before=_at(mine, first),
                after=_at(others, second),
                gives=_gives(mine, first) if second is None else _gives(others, second),
                customers=Change(_counted(one, first), _counted(other, second)),
            )
        yield RowCount(purpose, None, None, "", Change(int(one[0]) if mine else 0, int(other[0]) if others else 0))


def aligned(before: Sequence[Rule], after: Sequence[Rule]) -> Iterator[tuple[int | None, int | None]]:
    """Yield pairs of places, in the order of the files: rows that say the same stand together, rewritten ones with what they were."""
    keys = [[(tuple(cell.text for cell in rule.cells), rule.outputs) for rule in rules] for rules in (before, after)]
    for tag, i1, i2, j1, j2 in SequenceMatcher(a=keys[0], b=keys[1], autojunk=False).get_opcodes():
        if tag in {"equal", "replace"}:
            yield from zip_longest(range(i1, i2), range(j1, j2))
        else:
            yield from ((place, None) for place in range(i1, i2))
            yield from ((None, place) for place in range(j1, j2))


def _at(table: DecisionTable | None, place: int | None) -> RowAt | None:
    if table is None or place is None:
        return None
    rule = table.rules[place]
    return RowAt(rule.origin.row, rule.origin.city) if rule.origin else RowAt(rule.id, table.city)


def _gives(table: DecisionTable | None, place: int | None) -> str:
    if table is None or place is None:
        return ""
    return ", ".join(str(value) for value in table.rules[place].outputs if value is not None)


def _counted(counts: Ints, place: int | None) -> int:
    return 0 if place is None else int(counts[place + 1])
