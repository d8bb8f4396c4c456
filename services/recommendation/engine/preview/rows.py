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
from services.recommendation.engine.feel import Anything, Value
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
        for first, second in aligned(mine, others):
            yield RowCount(
                matrix=purpose,
                before=_at(mine, first),
                after=_at(others, second),
                gives=_gives(mine, first) if second is None else _gives(others, second),
                customers=Change(_counted(one, first), _counted(other, second)),
            )
        yield RowCount(purpose, None, None, "", Change(int(one[0]) if mine else 0, int(other[0]) if others else 0))


def aligned(before: DecisionTable | None, after: DecisionTable | None) -> Iterator[tuple[int | None, int | None]]:
    """Yield pairs of places, in the order of the files: rows that say the same stand together, rewritten ones with what they were.

    A province's row is the same whether or not cities have overrides of their own.
    """
    tables = before, after
    composed = any(rule.origin for table in tables if table for rule in table.rules)
    keys = [[_says(table, rule, composed=composed) for rule in table.rules] if table else [] for table in tables]
    for tag, i1, i2, j1, j2 in SequenceMatcher(a=keys[0], b=keys[1], autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(range(i1, i2), range(j1, j2), strict=True)
            continue
        mine, others = (
            [(place, keys[side][place][0]) for place in places]
            for side, places in enumerate((range(i1, i2), range(j1, j2)))
        )
        for city in dict.fromkeys(city for _, city in (*mine, *others)):
            yield from zip_longest(*([place for place, of in each if of == city] for each in (mine, others)))


def _says(
    table: DecisionTable, rule: Rule, *, composed: bool
) -> tuple[str, frozenset[tuple[str, str]], tuple[Value, ...]]:
    """Return whose a row is, what it tests and what it gives. Of composed tables the city is whose, and no test."""
    tests = (
        (column.name, cell.text)
        for column, cell in zip(table.inputs, rule.cells, strict=True)
        if not isinstance(cell.tests, Anything) and not (composed and column.name == "city")
    )
    return (rule.origin.city if rule.origin else table.city), frozenset(tests), rule.outputs


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
