"""Plants faults into the rows of one table of a block, as they will stand in its files."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.sandbox.extracts.cells import Column, places
from services.sandbox.extracts.dirt import kinds
from services.sandbox.extracts.dirt.kinds import Dirt, Shares, cells_spoilt
from services.sandbox.extracts.files import SEPARATOR_SLIP, in_encoding
from services.sandbox.extracts.form import Form
from services.sandbox.extracts.tables import Rows
from services.sandbox.world.block import Block
from services.sandbox.world.draws import Ints

_NO_NUMBER = "缺失"
_BROKEN = b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Planted:
    """One kind's faults in a column: places of rows in the table before, in ascending order."""

    kind: Dirt
    rows: Ints
    column: str = ""
    other_column: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column for column in (self.column, self.other_column) if column)


@dataclass(frozen=True, slots=True)
class Spoiled:
    """Rows with faults. `order` tells which row before stands where: some stand twice, some are gone."""

    rows: Rows
    planted: tuple[Planted, ...]
    order: Ints

    def places(self, planted: Planted) -> Ints:
        """Return where the faulty rows stand; of those twice, the second one."""
        stands = np.searchsorted(self.order, planted.rows).astype(np.int64)
        return stands + 1 if planted.kind is Dirt.DUPLICATE else stands


def spoil(rows: Rows, shares: Shares, *, form: Form, block: Block) -> Spoiled:
    """Plant the wanted share of each kind that can be in this table, all in different rows. `rows` are rendered."""
    count, table = rows.table.num_rows, rows.table
    chance = block.chance(f"dirt of {rows.source.table}")
    free = chance.permutation(count)
    planted: list[Planted] = []
    for kind, share in shares.items():
        cells = cells_spoilt(kind, rows.source.table)
        wanted = int(chance.binomial(count, share)) if cells else 0
        drawn, free = np.sort(free[:wanted]), free[wanted:]
        planted += [Planted(kind, drawn[turn :: len(cells)], *columns) for turn, columns in enumerate(cells)]
    # Words go last, since they turn columns of numbers into texts.
    for each in sorted(planted, key=lambda each: each.kind is Dirt.WRONG_TYPE):
        for column, spoilt in _spoilt(table, each, rows.source.table, form).items():
            table = _replaced(table, column, each.rows, spoilt)
    order = _order(count, planted)
    if len(order) != count or not np.array_equal(order, np.arange(count)):
        table = table.take(places(order))
    starts = tuple(int(start) for start in np.searchsorted(order, rows.month_starts))
    return Spoiled(Rows(rows.source, table, starts), tuple(planted), order)


def _spoilt(table: pa.Table, planted: Planted, name: str, form: Form) -> Mapping[str, Column]:
    """Return what one kind puts into the columns that it spoils, one cell per faulty row."""
    column, count = planted.column, len(planted.rows)
    before = {name: _plain(table[name]).take(places(planted.rows)) for name in planted.columns}
    match planted.kind:
        case Dirt.SWAPPED_COLUMNS:
            return {column: before[planted.other_column], planted.other_column: before[column]}
        case Dirt.WRONG_TYPE:
            spoilt = _repeated(_NO_NUMBER, count, form)
        case Dirt.OUT_OF_RANGE:
            spoilt = pa.array([kinds.IMPOSSIBLE[name][1]] * count, table.schema.field(column).type)
        case Dirt.UNKNOWN_WORD:
            spoilt = _repeated(kinds.STRANGE_WORDS[name][1], count, form)
        case Dirt.UNKNOWN_CUSTOMER:
            spoilt = pa.array([f"999{row:07d}" for row in planted.rows.tolist()], pa.string())
        case Dirt.BROKEN_BYTES:
            spoilt = _appended(before[column], _BROKEN)
        case Dirt.EXTRA_COLUMN:
            spoilt = _appended(before[column], SEPARATOR_SLIP.encode())
        case _:  # whole rows and files
            return {}
    return {column: spoilt}


def _replaced(table: pa.Table, column: str, rows: Ints, cells: Column) -> pa.Table:
    """Put `cells` into some rows of a column, which becomes one of texts if they are."""
    mask = np.zeros(table.num_rows, dtype=np.bool_)
    mask[rows] = True
    before = _plain(table[column])
    if pa.types.is_string(cells.type) and not pa.types.is_string(before.type):
        before = before.cast(pa.string())
    spoilt = pc.replace_with_mask(before, pa.array(mask), cells)
    return table.set_column(table.column_names.index(column), column, spoilt)


def _plain(column: "pa.ChunkedArray[pa.Scalar[pa.DataType]]") -> Column:
    """Return a column in one piece, its texts spelt out."""
    whole = column.combine_chunks()
    if isinstance(whole, pa.DictionaryArray):
        return whole.dictionary.take(whole.indices)
    return whole


def _repeated(word: str, count: int, form: Form) -> Column:
    return in_encoding([word], form).take(places(np.zeros(count, dtype=np.int64)))


def _appended(cells: Column, tail: bytes) -> Column:
    """Return texts with bytes behind them; empty ones consist of those alone."""
    as_bytes = cells.view(pa.binary()).to_pylist()
    return pa.array([(cell or b"") + tail for cell in as_bytes], pa.binary()).view(pa.string())


def _order(count: int, planted: list[Planted]) -> Ints:
    """Return the rows that there are in the end, in ascending order."""
    times = np.ones(count, dtype=np.int64)
    for each in planted:
        times[each.rows] += {Dirt.DUPLICATE: 1, Dirt.MISSING_MONTH: -1}.get(each.kind, 0)
    return np.repeat(np.arange(count), times)
