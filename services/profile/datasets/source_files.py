"""Reads the operator's CSV files: a first line of headings, then lines with their numbers, block by block.

One row is one line: a field with a line break in it is a fault of its row. So a forgotten quotation mark costs one row
and never swallows the next ones, and the number of a line is the number that an editor shows.
"""

import asyncio
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.profile.ports import Heard, SourceUnreadable

_LINE: Mapping[str, pa.DataType] = {"line": pa.int64(), "text": pa.string(), "fault": pa.string()}
LINE_SCHEMA = pa.schema(_LINE)
_BLOCK_BYTES: Final = 4 << 20
_LONGEST_LINE: Final = 1 << 20
_SHOWN_BYTES: Final = 500
_AT_LINE_BREAKS = pc.SplitPatternOptions(pattern="\n")
_NOT_UTF8: Final = "expected text in UTF-8"
_TOO_LONG: Final = "expected a line of at most 1 MiB"
_NUL: Final = "expected text without NUL characters"


class LocalFolder:
    """Extracts in a folder of this machine."""

    async def headings(self, source: str, file: str, delimiter: str) -> list[str]:
        return await asyncio.to_thread(read_headings, Path(source, file), delimiter)


def read_headings(path: Path, delimiter: str) -> list[str]:
    """Return the cells of the first line, without a byte order mark. Raises SourceUnreadable."""
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_LINE)
        text = line.decode("utf-8-sig").rstrip("\r\n")
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter, strict=True), [])]
    except FileNotFoundError:
        raise SourceUnreadable(f"{path} does not exist") from None
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise SourceUnreadable(f"the first line of {path} is not one of headings in UTF-8") from None
    except ValueError:  # a NUL in it
        raise SourceUnreadable(f"{str(path)!r} is no path of a file") from None


def read_lines(path: Path, heard: Heard) -> pa.RecordBatchReader:
    """Return all lines behind the first that are not empty, as batches of `LINE_SCHEMA`; memory is bounded.

    `fault` says why a line is no text of ours; `text` is then the beginning of it, as far as it can be shown.
    """
    return pa.RecordBatchReader.from_batches(LINE_SCHEMA, _batches(path, heard))


def _batches(path: Path, heard: Heard) -> Iterator[pa.RecordBatch]:
    size = path.stat().st_size
    number, rows = 1, 0
    with path.open("rb") as file:
        for block in _whole_lines(file):
            lines = _split(block)
            kept = _batch(lines, number)
            number += len(lines)
            rows += kept.num_rows
            heard(rows, max(rows, rows * size // file.tell()))
            yield kept


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield blocks that end at the end of a line, without its break. Of a line without end, only the beginning is kept."""
    rest = b""
    while block := file.read(_BLOCK_BYTES):
        lines, found, tail = block.rpartition(b"\n")
        if found:
            yield rest + lines
            rest = tail
        else:
            rest = (rest + block)[: _LONGEST_LINE + 1]
    if rest:
        yield rest


def _split(block: bytes) -> pa.BinaryArray:
    blocks = pa.array([block], pa.binary())
    lists = cast("pa.ListArray[pa.BinaryScalar]", pc.call_function("split_pattern", [blocks], _AT_LINE_BREAKS))
    return cast("pa.BinaryArray", lists.flatten())


def _batch(lines: pa.BinaryArray, first: int) -> pa.RecordBatch:
    """Return the lines that are not empty, but for line 1; `first` is the number of the first of them."""
    texts, faults = _decoded(lines)
    numbers = np.arange(first, first + len(lines))
    is_row = pc.not_equal(texts, pa.scalar("")).to_numpy(zero_copy_only=False) & (numbers > 1)
    return pa.record_batch([pa.array(numbers), texts, faults], schema=LINE_SCHEMA).filter(pa.array(is_row))


def _decoded(lines: pa.BinaryArray) -> tuple[pa.StringArray, pa.StringArray]:
    """Return texts and faults; the rare block with a bad line in it is looked at line by line."""
    try:
        if pc.max(pc.binary_length(lines)).as_py() <= _LONGEST_LINE and not pc.any(_holds_nul(lines)).as_py():
            trimmed = pc.ascii_rtrim(lines.cast(pa.string()), characters="\r")
            return cast("pa.StringArray", trimmed), pa.nulls(len(lines), pa.string())
    except pa.ArrowInvalid:
        pass  # not UTF-8
    one_by_one = [_decoded_line(line.rstrip(b"\r")) for line in cast("list[bytes]", lines.to_pylist())]
    texts = pa.array([text for text, _ in one_by_one], pa.string())
    return texts, pa.array([fault for _, fault in one_by_one], pa.string())


def _holds_nul(lines: pa.BinaryArray) -> pa.BooleanArray:
    """Tell which lines hold a NUL. PostgreSQL takes none: one such row would keep everybody's lists from the desk."""
    return cast("pa.BooleanArray", pc.call_function("match_substring", [lines], pc.MatchSubstringOptions("\0")))


def _decoded_line(line: bytes) -> tuple[str, str | None]:
    if len(line) > _LONGEST_LINE:
        return line[:_SHOWN_BYTES].decode(errors="replace"), _TOO_LONG
    if b"\0" in line:
        return line[:_SHOWN_BYTES].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}"), _NUL
    try:
        return line.decode(), None
    except UnicodeDecodeError:
        return line[:_SHOWN_BYTES].decode(errors="replace"), _NOT_UTF8
