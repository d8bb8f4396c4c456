"""Puts rows into files: CSV in the operator's encoding, or Parquet."""

import gzip
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from pyarrow import csv, parquet

from services.sandbox.extracts.cells import Column
from services.sandbox.extracts.form import Compression, Encoding, Form
from services.sandbox.extracts.sources import Source
from services.sandbox.extracts.sources.source import NO, YES

SEPARATOR_SLIP = "\x01"
"""Stands in a cell of CSV for a delimiter that slipped in: the writer would quote or refuse a real one."""

_ROWS_ONLY = csv.WriteOptions(include_header=False, quoting_style="none")
_QUICK = 4


def rendered(table: pa.Table, form: Form) -> pa.Table:
    """Return the table with its cells as they will stand in the files; of CSV, texts are in its encoding already.

    Such texts are no UTF-8, which Arrow's strings promise to be: they may be taken, replaced and written, no more.
    """
    if form.is_parquet:
        return table
    columns = [_as_text(column.combine_chunks(), form.encoding) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def in_encoding(words: list[str], form: Form) -> Column:
    """Return words as cells of a file; those of Parquet are always UTF-8."""
    encoding = Encoding.UTF_8 if form.is_parquet else form.encoding
    return _encoded(pa.array(words, pa.string()), encoding)


def write_part(table: pa.Table, source: Source, path: Path, form: Form, *, heading: bool) -> None:
    """Write rendered rows as one file, or as a part to be put behind others; a part of a gzip file is a member of it."""
    named = table.rename_columns(list(source.columns.values()))
    if form.is_parquet:
        parquet.write_table(named, path, store_decimal_as_integer=True, use_dictionary=_dictionaries(named))  # type: ignore[arg-type]  # the stubs do not know lists of columns
        return
    with path.open("wb") as file:
        if form.compression is Compression.NONE:
            _write_text(named, file, form, heading=heading)
            return
        with gzip.GzipFile("", "wb", _QUICK, file, mtime=0) as member:
            _write_text(named, member, form, heading=heading)


def _write_text(table: pa.Table, file: BinaryIO | gzip.GzipFile, form: Form, *, heading: bool) -> None:
    buffer = pa.BufferOutputStream()
    csv.write_csv(table, buffer, _ROWS_ONLY)
    rows = buffer.getvalue().to_pybytes()
    if heading:
        file.write((",".join(table.column_names) + "\n").encode(form.encoding))
    file.write(rows.replace(SEPARATOR_SLIP.encode(), b",") if SEPARATOR_SLIP.encode() in rows else rows)


def _as_text(column: Column, encoding: Encoding) -> Column:
    if isinstance(column, pa.DictionaryArray):
        return _encoded(column.dictionary, encoding).take(column.indices)
    if pa.types.is_boolean(column.type):
        words = _encoded(pa.array([NO, YES], pa.string()), encoding)
        return words.take(column.cast(pa.int64()))
    return column


def _encoded(words: Column, encoding: Encoding) -> Column:
    texts = [str(word) for word in words]
    if encoding is Encoding.UTF_8 or all(map(str.isascii, texts)):
        return words
    return pa.array([text.encode(encoding) for text in texts], pa.binary()).view(pa.string())


def _dictionaries(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
