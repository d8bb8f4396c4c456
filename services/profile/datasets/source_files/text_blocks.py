"""Blocks of a text file as columns of cells: at once where all lines are sound, in ever smaller parts where some are not.

A cell means the same whichever way its line was read; the quick way is taken only where it cannot differ.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Final

import numpy as np
import pyarrow as pa
from pyarrow import csv

from services.profile.datasets.source_files.lines import BLOCK_BYTES, LONGEST_LINE, FieldSplitter, decoded_line

_PARTS: Final = 16
_FEW_LINES: Final = 64
_UNIT_SEPARATOR: Final = b"\x1f"


@dataclass(frozen=True)
class TextLayout:
    """How lines are written, how many fields they have, and which of these are wanted, from 0."""

    encoding: str
    delimiter: str
    field_count: int
    wanted: Sequence[int]
    block_bytes: int = BLOCK_BYTES
    longest_line: int = LONGEST_LINE

    @cached_property
    def schema(self) -> pa.Schema:
        return cell_schema([pa.string() for _ in self.wanted])

    @cached_property
    def splitter(self) -> FieldSplitter:
        return FieldSplitter(self.delimiter, self.field_count)

    @cached_property
    def is_simple(self) -> bool:
        """Whether the delimiter is one byte, as the quick way needs it."""
        return len(self.delimiter) == 1 and self.delimiter.isascii()

    @cached_property
    def quoted_field(self) -> "re.Pattern[bytes]":
        mark = re.escape(self.delimiter.encode())
        return re.compile(rb'(?:^|%b)"(?:[^"\n]|"")*"(?=%b|\r?$)' % (mark, mark), re.MULTILINE)


def cell_schema(types: Sequence[pa.DataType]) -> pa.Schema:
    """Return the columns of a batch: where a row stands, what is wrong with it as a whole, and its wanted cells."""
    columns: dict[str, pa.DataType] = {"place": pa.int64(), "text": pa.string(), "fault": pa.string()}
    return pa.schema(columns | {f"cell {index}": each for index, each in enumerate(types)})


def read_block(block: bytes, first: int, layout: TextLayout) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a block whose first line has the place `first`; empty lines are no rows."""
    batch = _at_once(block, first, layout)
    if batch is not None:
        yield batch
    elif block.count(b"\n") < _FEW_LINES:
        yield _line_by_line(block, first, layout)
    else:
        for part in _parted(block):
            yield from read_block(part, first, layout)
            first += part.count(b"\n") + 1


def _parted(block: bytes) -> Iterator[bytes]:
    step, begin = len(block) // _PARTS, 0
    while begin <= len(block):
        end = block.find(b"\n", begin + step)
        if end < 0:
            end = len(block)
        yield block[begin:end]
        begin = end + 1


def _at_once(block: bytes, first: int, layout: TextLayout) -> pa.RecordBatch | None:
    """Return all rows of a block, None where a line is empty, too long or otherwise not plainly sound."""
    if b"\0" in block or _has_empty_line(block) or _has_long_line(block, layout.longest_line):
        return None
    text = _in_utf8(block, layout.encoding)
    if text is None:
        return None
    has_quotes = b'"' in text
    if has_quotes and (not layout.is_simple or b'"' in layout.quoted_field.sub(b"", text)):
        return None
    delimiter = layout.delimiter
    if not layout.is_simple:
        if _UNIT_SEPARATOR in text:
            return None
        text, delimiter = text.replace(delimiter.encode(), _UNIT_SEPARATOR), _UNIT_SEPARATOR.decode()
    table = _parsed(text, delimiter, layout, has_quotes=has_quotes)
    if table is None or table.num_rows != block.count(b"\n") + 1:
        return None
    return _batch(table, first, layout)


def _parsed(text: bytes, delimiter: str, layout: TextLayout, *, has_quotes: bool) -> pa.Table | None:
    names = [str(index) for index in range(layout.field_count)]
    wanted = [str(index) for index in layout.wanted]
    try:
        return csv.read_csv(
            BytesIO(text),
            csv.ReadOptions(column_names=names, block_size=len(text) + 2),
            csv.ParseOptions(delimiter=delimiter, quote_char='"' if has_quotes else False, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted or names[:1],
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None


def _batch(table: pa.Table, first: int, layout: TextLayout) -> pa.RecordBatch:
    count = table.num_rows
    cells = [table.column(index).combine_chunks() for index in range(len(layout.wanted))]
    nothing = pa.nulls(count, pa.string())
    return pa.record_batch([pa.array(np.arange(first, first + count)), nothing, nothing, *cells], schema=layout.schema)


def _in_utf8(block: bytes, encoding: str) -> bytes | None:
    if block.isascii():
        return block
    try:
        text = block.decode(encoding)  # all of it: a line is as wrong in a column that nobody wants
        return block if encoding == "utf-8" else text.encode()
    except UnicodeError:
        return None


def _has_empty_line(block: bytes) -> bool:
    is_at_an_end = block[:1] in (b"", b"\n", b"\r") or block.endswith((b"\n", b"\n\r"))
    return is_at_an_end or b"\n\n" in block or (b"\r" in block and b"\n\r\n" in block)


def _has_long_line(block: bytes, longest: int) -> bool:
    begin = 0
    while len(block) - begin > longest:
        end = block.rfind(b"\n", begin, begin + longest + 1)
        if end < 0:
            return True
        begin = end + 1
    return False


def _line_by_line(block: bytes, first: int, layout: TextLayout) -> pa.RecordBatch:
    rows = [
        _row(line, place, layout) for place, line in enumerate(block.split(b"\n"), start=first) if line.rstrip(b"\r")
    ]
    columns = zip(*rows, strict=True) if rows else ((),) * len(layout.schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, layout.schema, strict=True)]
    return pa.record_batch(arrays, schema=layout.schema)


def _row(line: bytes, place: int, layout: TextLayout) -> list[object]:
    text, fault = decoded_line(line, layout.encoding, longest_line=layout.longest_line)
    fields: list[str] = []
    if not fault:
        fields, fault = layout.splitter.fields(text)
    if fault:
        return [place, text, fault, *(None for _ in layout.wanted)]
    return [place, None, None, *(fields[index] or None for index in layout.wanted)]
