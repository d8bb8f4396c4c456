"""What the engine reads a table's rows from, and how it makes one relation of it.

The relation has `place`, `text` and `fault` (both null but for a row whose cells cannot be told apart), and one column
`cell 0`, `cell 1` … per wanted heading: texts, or whatever types Parquet files have.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path

import pyarrow as pa

from services.profile.domain.places import LINE_BITS
from shared.clock import LEGAL_ZONE
from shared.errors import Failure
from shared.lake.engine import ColumnarEngine

_MOMENT = "TIMESTAMP WITH TIME ZONE"
_FILE, _ROW = "file_index", "file_row_number"
"""What the engine calls a file's place among those that it reads, and a row's in its file, both from 0."""


@dataclass(frozen=True, slots=True)
class TextRows:
    """Batches of the relation's columns, to be read once."""

    batches: pa.RecordBatchReader


@dataclass(frozen=True, slots=True)
class ParquetRows:
    """Files that hold the wanted headings as columns; a row's line is its number, from 1."""

    paths: tuple[Path, ...]


RowSource = TextRows | ParquetRows


@dataclass
class SourceCells:
    """Where the engine reads rows from. `failure` is what ended the reading too early, if anything did: the engine
    only passes its text on."""

    rows: RowSource
    failure: Exception | None = None


@dataclass(frozen=True, slots=True)
class Cells:
    """The relation as SQL, and the engine's types of its cells."""

    sql: str
    types: tuple[str, ...]


@contextmanager
def cells_of(engine: ColumnarEngine, source: RowSource, headings: Sequence[str]) -> Iterator[Cells]:
    """Yield a source as a relation; that of `TextRows` can be read once."""
    if isinstance(source, ParquetRows):
        sql = _parquet(engine, source.paths, headings)
        types = _types(engine, sql, headings)
        moments = [cell_name(index) for index, type_ in enumerate(types) if type_ == _MOMENT]
        if moments:  # of the day that it is in China then, whatever the engine's own zone
            here = ", ".join(f"timezone('{LEGAL_ZONE.key}', {cell}) AS {cell}" for cell in moments)
            sql = f"SELECT * REPLACE ({here}) FROM ({sql})"
            types = tuple("TIMESTAMP" if type_ == _MOMENT else type_ for type_ in types)
        yield Cells(sql, types)
        return
    with engine.lend("text_rows", source.batches):
        yield Cells("SELECT * FROM text_rows", tuple("VARCHAR" for _ in headings))


def _parquet(engine: ColumnarEngine, paths: Sequence[Path], headings: Sequence[str]) -> str:
    """Return SQL for the rows of all files by one scan: a scan for each file would keep rows of each in memory.

    A path is one file's, whatever marks of a glob are in it, and no folder of it (`month=2026-10`) makes columns. Types that
    differ from file to file are unified.
    """
    files = ", ".join(literal(escape(str(path))) for path in paths)
    scan = f"read_parquet([{files}], union_by_name = true, hive_partitioning = false, binary_as_string = true)"
    described = engine.fetch(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {scan})")
    if taken := {str(row["column_name"]) for row in described.to_pylist()} & {_FILE, _ROW}:
        raise Failure(
            f"{paths[0].name} or a file beside it has a column {min(taken)}, by which rows are counted here: rename it",
            reason="ERROR_REASON_SOURCE_UNREADABLE",
        )
    cells = "".join(f", {quoted(heading)} AS {cell_name(index)}" for index, heading in enumerate(headings))
    return f"""
        SELECT (CAST({_FILE} AS BIGINT) << {LINE_BITS}) + {_ROW} + 1 AS place,
               CAST(NULL AS VARCHAR) AS text, CAST(NULL AS VARCHAR) AS fault{cells}
        FROM {scan}
    """


def _types(engine: ColumnarEngine, sql: str, headings: Sequence[str]) -> tuple[str, ...]:
    described: Sequence[Mapping[str, str]] = engine.fetch(
        f"SELECT column_name, column_type FROM (DESCRIBE {sql})"
    ).to_pylist()
    types = {row["column_name"]: row["column_type"] for row in described}
    return tuple(types[f"cell {index}"] for index in range(len(headings)))


def cell_name(index: int) -> str:
    """Return the column of the wanted heading with this index."""
    return f'"cell {index}"'


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
