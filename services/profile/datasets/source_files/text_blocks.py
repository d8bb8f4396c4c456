"""Blocks of a text file as columns of cells: all lines at once, but for the odd ones, which are read one by one.

A cell means the same whichever way its line was read; the quick way is taken only where it cannot differ.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Final, Literal, cast

import numpy as np
import pyarrow as pa
from pyarrow import csv

from services.profile.datasets.source_files.lines import decoded_line
from services.profile.datasets.source_files.odd_lines import UNIT_SEPARATOR, Ints, TextLines, lines_in_utf8
from services.profile.datasets.source_files.text_layout import TextLayout

_MARK: Final = "\ufeff".encode()
"""The reader of columns drops one byte order mark; that of a line in the middle of a file belongs to a cell."""


def read_block(block: bytes, first: int, layout: TextLayout) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a block whose first line has the place `first`, the odd ones last; empty lines are no rows."""
    lines, odd = lines_in_utf8(block, layout)
    plain = np.delete(np.arange(lines.count), odd)
    if len(plain):
        table, refused = _parsed(lines.without(odd), layout)
        odd, plain = np.union1d(odd, plain[refused]), np.delete(plain, refused)
        yield _batch(table, first + plain, layout)
    if len(odd):
        yield _line_by_line(block, first, odd, layout)


def _parsed(text: bytes, layout: TextLayout) -> tuple[pa.Table, Ints]:
    """Return the rows of a text, and which of its lines, from 0, are none for they have not as many fields as they should."""
    delimiter = layout.delimiter
    if not layout.is_simple:
        text, delimiter = text.replace(delimiter.encode(), UNIT_SEPARATOR), UNIT_SEPARATOR.decode()
    names = [str(index) for index in range(layout.field_count)]
    wanted = [str(index) for index in layout.wanted]
    refused: list[int] = []

    def refuse(row: csv.InvalidRow) -> Literal["skip"]:
        refused.append(cast("int", row.number) - 1)
        return "skip"

    table = csv.read_csv(
        BytesIO(_MARK + text),
        # Rows know their numbers only where one thread reads them; the engine's work on other blocks meanwhile.
        csv.ReadOptions(column_names=names, block_size=len(_MARK) + len(text) + 2, use_threads=False),
        csv.ParseOptions(
            delimiter=delimiter,
            quote_char='"' if b'"' in text else False,
            ignore_empty_lines=False,
            invalid_row_handler=refuse,
        ),
        csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()),
            include_columns=wanted or names[:1],
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    return table, np.array(refused, np.int64)


def _batch(table: pa.Table, places: Ints, layout: TextLayout) -> pa.RecordBatch:
    cells = [table.column(index).combine_chunks() for index in range(len(layout.wanted))]
    nothing = pa.nulls(len(places), pa.string())
    return pa.record_batch([pa.array(places), nothing, nothing, *cells], schema=layout.schema)


def _line_by_line(block: bytes, first: int, numbers: Ints, layout: TextLayout) -> pa.RecordBatch:
    spans = zip((first + numbers).tolist(), TextLines(block).spans(numbers), strict=True)
    rows = [_row(line, place, layout) for place, (begin, end) in spans if (line := block[begin:end]).rstrip(b"\r")]
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
