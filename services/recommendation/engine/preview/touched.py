"""Which customers may get another list from the drafts: those for whom rows fired that do not give the same on both sides.

Only they are arbitrated twice. To mark one too many costs time, to miss one would be wrong: what differs in doubt is marked.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from services.recommendation.domain import Purpose
from services.recommendation.engine.assembly.decided import Fired, Side, every_column
from services.recommendation.engine.assembly.facts import NONE, Flags, Ints
from services.recommendation.engine.assembly.rules import zone_orders
from services.recommendation.engine.preview.sides import fired_in

_NOTHING = 0
"""The meaning of no row, and of rows that give nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class _Fires:
    """A column of one side, and what each row of it means: rows of one number give the same, on either side."""

    column: str
    meaning: Ints

    def meanings(self, batch: pa.RecordBatch) -> Ints:
        """Return customer x place: the meanings of the rows that fired, NONE behind the last."""
        row, fired = fired_in(batch.column(self.column))
        return in_rows(row, self.meaning[fired], batch.num_rows)


@dataclass(frozen=True, slots=True, eq=False)
class Touching:
    """How customers are found who may get another list. `everybody` where more than the rows of matrices differs."""

    pairs: tuple[tuple[_Fires | None, _Fires | None], ...]
    everybody: bool

    @classmethod
    def of(cls, before: Side, after: Side) -> "Touching":
        mine, others = (
            {fired.column: fired for fired in every_column(side.rules) if fired.column not in after.shared}
            for side in (before, after)
        )
        met = [(mine.get(name), others.get(name)) for name in {**mine, **others}]
        alike = before.rules.catalogue == after.rules.catalogue and all(_comparable(*pair) for pair in met)
        return cls(tuple(_pair(*pair, after) for pair in met) if alike else (), everybody=not alike)

    def touched(self, batch: pa.RecordBatch) -> Flags:
        """Mark customers of a batch of `decided`."""
        marked = np.full(batch.num_rows, self.everybody, dtype=np.bool_)
        nothing = np.full((batch.num_rows, 1), _NOTHING, dtype=np.int64)
        for before, after in self.pairs:
            first, second = (fires.meanings(batch) if fires else nothing for fires in (before, after))
            marked |= differing_rows(first, second)
        return marked


def _comparable(before: Fired | None, after: Fired | None) -> bool:
    """Tell whether rows of two columns that give the same make the same lists."""
    if before is None or after is None:
        return True
    return before.table.hit_policy is after.table.hit_policy and before.product == after.product


def _pair(before: Fired | None, after: Fired | None, side: Side) -> tuple[_Fires | None, _Fires | None]:
    numbers: dict[Hashable, int] = {}
    return (
        _Fires(before.column, _meanings(before, numbers)) if before else None,
        _Fires(side.column(after.column), _meanings(after, numbers)) if after else None,
    )


def _meanings(fired: Fired, numbers: dict[Hashable, int]) -> Ints:
    """Return by rule what it gives, as a number; what is not met yet gets the next one."""
    meanings = np.zeros(max(rule.id for rule in fired.table.rules) + 1, dtype=np.int64)
    for rule, given in _given(fired):
        meanings[rule] = numbers.setdefault(given, len(numbers) + 1)
    return meanings


def _given(fired: Fired) -> Iterator[tuple[int, Hashable]]:
    if fired.matrix is Purpose.PRIORITY:
        yield from zone_orders(fired.table).items()
        return
    names = [output.name for output in fired.table.outputs]
    for rule in fired.table.rules:
        outputs: Mapping[str, object] = dict(zip(names, rule.outputs, strict=True))
        if any(value is not None for value in outputs.values()):
            yield rule.id, tuple(sorted(outputs.items()))


def in_rows(row: Ints, value: Ints, rows: int) -> Ints:
    """Return rows x place, NONE behind the last, of values that come row by row."""
    count = np.bincount(row, minlength=rows)
    place = np.arange(len(row)) - (np.cumsum(count) - count)[row]
    table = np.full((rows, int(count.max(initial=0))), NONE, dtype=np.int64)
    table[row, place] = value
    return table


def differing_rows(one: Ints, other: Ints) -> Flags:
    """Mark the rows in which two tables of `in_rows` are not the same, whatever their widths."""
    narrow = min(one.shape[1], other.shape[1])
    wide = max(one, other, key=lambda table: table.shape[1])
    differ: Flags = (one[:, :narrow] != other[:, :narrow]).any(axis=1) | (wide[:, narrow:] != NONE).any(axis=1)
    return differ
