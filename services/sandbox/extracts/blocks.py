"""Makes one block of a province and writes its part of every file; several processes do this at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from services.sandbox.extracts.cells import places
from services.sandbox.extracts.dirt.kinds import Dirt, Shares
from services.sandbox.extracts.dirt.ledger import Fault
from services.sandbox.extracts.dirt.planting import Planted, Spoiled, spoil
from services.sandbox.extracts.files import rendered, write_part
from services.sandbox.extracts.form import Form
from services.sandbox.extracts.tables import Rows, tables
from services.sandbox.world.block import Block
from services.sandbox.world.province import Province, build_block
from services.sandbox.world.secret import secret_of, secret_table


@dataclass(frozen=True, slots=True)
class BlockOrder:
    """What to write of one block. With `in_parts` each part of a table in Parquet is a file of its own."""

    block: Block
    form: Form
    shares: Shares
    folder: Path
    in_parts: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one file that a block has written under `written`, to go behind those of earlier blocks."""

    table: str
    file: str
    written: Path
    rows: int


@dataclass(frozen=True, slots=True)
class BlockWritten:
    """What became of a block; lines of `faults` count from 1 in their part."""

    secret: pa.Table
    parts: list[Part] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def write_block(order: BlockOrder) -> BlockWritten:
    """Write all of one block. A pure function of the order, but for the files."""
    province = build_block(order.block)
    written = BlockWritten(secret=secret_table(secret_of(province)))
    for rows in tables(province):
        as_written = replace(rows, table=rendered(rows.table, order.form))
        spoiled = spoil(as_written, order.shares, form=order.form, block=order.block)
        files = _file_names(rows, order, province)
        written.parts.extend(_write(spoiled.rows, files, order))
        for planted in spoiled.planted:
            written.faults.extend(_faults(planted, spoiled, rows, files))
    return written


def _file_names(rows: Rows, order: BlockOrder, province: Province) -> list[str]:
    """Name the files that the table's rows go to, in their order."""
    months = [str(month).replace("-", "") for month in province.calendar.months]
    part = order.block.number if order.form.is_parquet and order.in_parts else None
    asked = months if order.form.is_split(rows.source) else months[:1]
    return [order.form.file(rows.source, month, part) for month in asked]


def _write(rows: Rows, files: list[str], order: BlockOrder) -> Iterator[Part]:
    tables_ = rows.parts() if len(files) > 1 else [rows.table]
    for file, table in zip(files, tables_, strict=True):
        path = order.folder / f"{file}.{order.block.number}"
        write_part(table, rows.source, path, order.form, heading=order.block.number == 0)
        yield Part(rows.source.table, file, path, table.num_rows)


def _faults(planted: Planted, spoiled: Spoiled, before: Rows, files: list[str]) -> Iterator[Fault]:
    """Name each fault's place: its file, and its line among the block's lines of that file."""
    starts = np.array(spoiled.rows.month_starts if len(files) > 1 else (0,))
    stands = spoiled.places(planted)
    month = np.searchsorted(np.array(before.month_starts), planted.rows, side="right") - 1
    file = month if len(files) > 1 else np.zeros(len(stands), dtype=np.int64)
    lines = stands - starts[file] + 1
    whose = _column(before, "customer_id", planted)
    months = _column(before, "month", planted)
    for number in range(len(stands)):
        yield Fault(
            table=before.source.table,
            file=files[file[number]],
            line=None if planted.kind is Dirt.MISSING_MONTH else int(lines[number]),
            column=planted.column,
            kind=planted.kind,
            customer_id=whose[number],
            month=months[number],
            other_column=planted.other_column,
        )


def _column(rows: Rows, column: str, planted: Planted) -> list[str]:
    """Return what the faulty rows had in a column; nothing where the table has none."""
    if column not in rows.source.columns:
        return [""] * len(planted.rows)
    return [str(value) for value in rows.table[column].take(places(planted.rows)).to_pylist()]
