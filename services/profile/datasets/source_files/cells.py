"""All rows of a table's files as cells, for the engine to check: batches of texts, or plain Parquet files."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from services.profile.datasets.source_files.folder import headings_of
from services.profile.datasets.source_files.found import FoundFile, find_files, opened
from services.profile.datasets.source_files.lines import BLOCK_BYTES, LONGEST_LINE, whole_lines
from services.profile.datasets.source_files.text_blocks import read_block
from services.profile.datasets.source_files.text_layout import TextLayout, cell_schema
from services.profile.domain.mapping import TableMapping
from services.profile.domain.places import place
from services.profile.engine.row_source import ParquetRows, SourceCells, TextRows
from services.profile.ports import Heard

_COPIED: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class BlockSize:
    """How much is read at once, and how long a line may be, in bytes."""

    block_bytes: int = BLOCK_BYTES
    longest_line: int = LONGEST_LINE


def open_cells(
    source: Path, mapping: TableMapping, scratch: Path, heard: Heard, size: BlockSize | None = None
) -> SourceCells:
    """Return the cells of `mapping.headings()`, in that order. Packed Parquet is unpacked into `scratch`.

    Raises SourceUnreadable.
    """
    files = find_files(source, mapping)
    if all(file.is_parquet for file in files):
        return SourceCells(ParquetRows(tuple(_plain(file, scratch / f"{i}.parquet") for i, file in enumerate(files))))
    schema = cell_schema([pa.string() for _ in mapping.headings()])
    cells = SourceCells(TextRows(schema.empty_table().to_reader()))
    batches = _kept(cells, lambda: _text_rows(files, mapping, heard, size or BlockSize()))
    cells.rows = TextRows(pa.RecordBatchReader.from_batches(schema, batches))
    return cells


def _kept(cells: SourceCells, rows: Callable[[], Iterator[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
    try:
        yield from rows()
    except Exception as error:
        cells.failure = error
        raise


def _plain(file: FoundFile, unpacked: Path) -> Path:
    if not file.is_packed:
        return file.path
    with opened(file) as found, unpacked.open("wb") as target:
        shutil.copyfileobj(found.stream, target, _COPIED)
    return unpacked


def _text_rows(
    files: Sequence[FoundFile], mapping: TableMapping, heard: Heard, size: BlockSize
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of all files, telling how many of how many by the latest estimate."""
    rows = 0
    for number, file in enumerate(files):
        headings = headings_of(file, mapping)
        wanted = [headings.index(heading) for heading in mapping.headings()]
        layout = TextLayout(
            mapping.encoding, mapping.delimiter, len(headings), wanted, size.block_bytes, size.longest_line
        )
        before = rows
        for batch, share in _file_rows(file, number, layout):
            rows += batch.num_rows
            heard(rows, max(rows, before + int((rows - before) / share * (len(files) - number))))
            yield batch


def _file_rows(file: FoundFile, number: int, layout: TextLayout) -> Iterator[tuple[pa.RecordBatch, float]]:
    """Yield a file's rows, and how much of it has been read by then, from 0 to 1."""
    line = 1
    with opened(file) as found:
        blocks = whole_lines(found.stream, block_bytes=layout.block_bytes, longest_line=layout.longest_line)
        for block in blocks:
            share = min(1.0, max(found.consumed(), 1) / max(found.size, 1))
            rows, begin = (block, line) if line > 1 else (block.partition(b"\n")[2], 2)
            line += block.count(b"\n") + 1
            if not rows:
                continue
            for batch in read_block(rows, place(number, begin), layout):
                yield batch, share
