"""The columnar engine on DuckDB: in memory, spilling under the lake's root, without network, extensions or other files."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import Failure, Unavailable
from shared.lake.dataset import Dataset, DatasetUnreadable
from shared.lake.duckdb_types import quoted, unified_select, written_columns
from shared.lake.engine import LOOKED_UP_PARQUET, SCANNED_PARQUET, EngineFailure, Parameters
from shared.lake.lake import PARQUET, Lake
from shared.lake.scratch import ScratchYard

SCANNED_GROUP_ROWS = 122_880
"""What the engine itself prefers, for datasets in which nobody looks up a key."""

_DIGIT_RUN = re.compile(r"\d{7,}")
_DAMAGED_FILE = re.compile(r"Failed to read file|in file [\"']|No files found|not a parquet file|Could not read")
_EXHAUSTED = re.compile(r"No space left|max_temp_directory_size", re.IGNORECASE)


@contextmanager
def open_engine(
    lake: Lake, *, memory_limit: str = "1GB", threads: int = 2, folders: Sequence[Path] = ()
) -> Iterator["DuckDbEngine"]:
    """Yield an engine of its own for one run, closed at the end; what it spilled is removed, even after a kill.

    It may touch files under the lake's root and under `folders`, no others. `memory_limit` as DuckDB writes it ("2GB").
    """
    yard = ScratchYard(lake.root / ".spill")
    yard.sweep()
    with yard.claim() as spill, _connected(spill, memory_limit, threads) as connection:
        _lock_in(connection, [lake.root, *folders])
        yield DuckDbEngine(connection, lake)


class DuckDbEngine:
    """A `ColumnarEngine`; see the port for what each method promises."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
        self._connection = connection
        self._lake = lake

    def register(self, name: str, dataset: Dataset, schema: pa.Schema | None = None) -> None:
        paths = ", ".join(_literal(path) for path in self._lake.open(dataset) if path.suffix == PARQUET)
        source = f"read_parquet([{paths}])"
        with _typed_failures():
            select = f"SELECT * FROM {source}"
            if schema is not None:
                select = unified_select(self._connection, source, schema, dataset.uri)
            self._connection.execute(f"CREATE OR REPLACE VIEW {quoted(name)} AS {select}")

    def register_table(self, name: str, data: pa.Table | pa.RecordBatchReader) -> None:
        incoming = "incoming arrow"
        with _typed_failures():
            self._connection.register(incoming, data)
            try:
                self._connection.execute(f"CREATE OR REPLACE TABLE {quoted(name)} AS SELECT * FROM {quoted(incoming)}")
            finally:
                self._connection.unregister(incoming)

    @contextmanager
    def lend(self, name: str, rows: pa.RecordBatchReader) -> Iterator[None]:
        with _typed_failures():
            self._connection.register(name, rows)
        try:
            yield
        finally:
            self._connection.unregister(name)

    @contextmanager
    def beside(self) -> Iterator["DuckDbEngine"]:
        cursor = self._connection.cursor()
        try:
            yield DuckDbEngine(cursor, self._lake)
        finally:
            cursor.close()

    def execute(self, sql: str, parameters: Parameters | None = None) -> None:
        with _typed_failures():
            # Drained, because an open result blocks the connection.
            self._connection.execute(sql, parameters).fetchall()

    def fetch(self, sql: str, parameters: Parameters | None = None) -> pa.Table:
        with _typed_failures():
            table: pa.Table = self._connection.sql(sql, params=parameters).to_arrow_table()
            return table

    def stream(
        self, sql: str, parameters: Parameters | None = None, *, batch_rows: int = 65_536
    ) -> pa.RecordBatchReader:
        # A cursor of its own, because an open result blocks its connection.
        cursor = self._connection.cursor()
        with _typed_failures():
            reader = cursor.sql(sql, params=parameters).to_arrow_reader(batch_rows)
        return pa.RecordBatchReader.from_batches(reader.schema, _batches(cursor, reader))

    def write(
        self,
        sql: str,
        path: Path,
        *,
        schema: pa.Schema,
        order_by: Sequence[str],
        parameters: Parameters | None = None,
    ) -> int:
        with _typed_failures():
            columns = written_columns(self._connection, sql, parameters, schema)
            keys = ", ".join(quoted(key) for key in order_by)
            order = f" ORDER BY {keys}" if keys else ""
            options = LOOKED_UP_PARQUET if keys else f"{SCANNED_PARQUET}, ROW_GROUP_SIZE {SCANNED_GROUP_ROWS}"
            copy = f"COPY (SELECT {columns} FROM (\n{sql}\n) AS written{order}) TO {_literal(path)} ({options})"
            self._connection.execute(copy, parameters).fetchall()
        return _checked_row_count(path, schema)


@contextmanager
def _connected(spill: Path, memory_limit: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "threads": threads,
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        "python_enable_replacements": False,
        # Order is said by ORDER BY where it matters (write, stream); keeping it elsewhere only costs memory.
        "preserve_insertion_order": False,
    }
    with _typed_failures():
        connection = duckdb.connect(":memory:", config=config)
    try:
        yield connection
    finally:
        connection.close()


def _lock_in(connection: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    allowed = ", ".join(_literal(folder.resolve()) for folder in folders)
    with _typed_failures():
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")  # it would be drawn into the worker's log
        connection.execute(f"SET allowed_directories = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")


def _batches(cursor: duckdb.DuckDBPyConnection, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except OSError as error:  # what Arrow makes of an engine's error in the middle of a stream
        raise EngineFailure(_masked(str(error).splitlines()[0])) from error
    finally:
        reader.close()
        cursor.close()


def _checked_row_count(path: Path, schema: pa.Schema) -> int:
    footer = pq.read_metadata(path)
    required = {field.name for field in schema if not field.nullable and not pa.types.is_nested(field.type)}
    for group in range(footer.num_row_groups):
        for index in range(footer.num_columns):
            column = footer.row_group(group).column(index)
            if column.path_in_schema in required and (column.statistics is None or column.statistics.null_count):
                raise EngineFailure(f"column {column.path_in_schema} is required, but the query left nulls in it")
    return footer.num_rows


@contextmanager
def _typed_failures() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise _failure(error) from error


def _failure(error: duckdb.Error) -> Failure:
    text = _masked(str(error).splitlines()[0])  # what follows quotes our SQL
    if _EXHAUSTED.search(text):
        return Unavailable(f"the columnar engine ran out of disk: {text}")
    if isinstance(error, duckdb.OutOfMemoryException):  # of its own limit: waiting would not mend it
        return EngineFailure(
            f"the work needs more memory than the columnar engine may take, asking again will not help: {text}"
        )
    if _DAMAGED_FILE.search(text):
        return DatasetUnreadable(text, uri="")
    return EngineFailure(text)


def _masked(text: str) -> str:
    """Values reach error texts; a long run of digits may be a person's number."""
    return _DIGIT_RUN.sub("…", text)


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
