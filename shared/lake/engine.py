"""The port behind which the columnar engine stands: SQL over datasets in, Arrow and sorted Parquet out."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from shared.errors import Failure
from shared.lake.dataset import Dataset

Parameters = Mapping[str, object] | Sequence[object]

ROW_GROUP_ROWS = 8_192
SCANNED_PARQUET = "FORMAT parquet, COMPRESSION lz4_raw, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 300"
"""Options of COPY for files that are only ever scanned. To try a dictionary on columns of thousands of values costs a third
of the writing; without one, version 2 stores the differences of neighbours, which is as small and quicker to read."""

LOOKED_UP_PARQUET = f"{SCANNED_PARQUET}, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
"""Options of COPY for sorted files in which keys are looked up. lz4: half again as large as zstd, but written in two thirds and
read in half of its time; version 2 is written in a tenth less again. The groups are small enough that looking up one key reads
little (5 ms at 40 columns), and no slower to scan (ADR 0005)."""


class EngineFailure(Failure):
    """A statement could not be run: wrong SQL, values that do not fit, or more memory than it may take. Long digit runs in the text are masked."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="ERROR_REASON_INTERNAL")


class ColumnarEngine(Protocol):
    """One run's own workplace; blocking, so async callers give it a thread. Not for several threads at once: `beside` is.

    Parameters are values bound to `$name` (mapping) or `?` (sequence); each one given must be used.
    Raises EngineFailure, also where its memory does not suffice; DatasetUnreadable where a file is damaged; Unavailable where the
    disk is full.
    """

    def register(self, name: str, dataset: Dataset, schema: pa.Schema | None = None) -> None:
        """Make the dataset a view called `name`. With `schema`, the row message's, it has exactly those columns:
        what an older dataset lacks is null; DatasetUnreadable where a type changed."""
        ...

    def register_table(self, name: str, data: pa.Table | pa.RecordBatchReader) -> None:
        """Copy the rows in as a table called `name`, to be read as often as wanted; a reader is drained batch by batch."""
        ...

    def lend(self, name: str, rows: pa.RecordBatchReader) -> AbstractContextManager[None]:
        """Let a reader be called `name` meanwhile, to be read by one statement, batch by batch; nothing is copied."""
        ...

    def beside(self) -> "AbstractContextManager[ColumnarEngine]":
        """Yield a second engine with the same views and tables, but for TEMP ones, to be used in another thread meanwhile."""
        ...

    def execute(self, sql: str, parameters: Parameters | None = None) -> None:
        """Run statements for their effect."""
        ...

    def fetch(self, sql: str, parameters: Parameters | None = None) -> pa.Table:
        """Return a result that fits in memory."""
        ...

    def stream(
        self, sql: str, parameters: Parameters | None = None, *, batch_rows: int = 65_536
    ) -> pa.RecordBatchReader:
        """Return a result batch by batch, in the query's order; meanwhile other statements may run.

        Sees views and tables, not TEMP ones.
        """
        ...

    def write(
        self,
        sql: str,
        path: Path,
        *,
        schema: pa.Schema,
        order_by: Sequence[str],
        parameters: Parameters | None = None,
    ) -> int:
        """Write the query's rows as Parquet with exactly the columns of `schema`, sorted; return how many.

        `order_by` names a unique key, so that the same rows give the same bytes and keys can be looked up. Empty, it leaves
        rows in any order: for what is only ever scanned, and too much to sort, in larger groups then. Refuses a missing or extra column, a float in an exact column (round it in the SQL, knowingly), and nulls where the schema has none.
        """
        ...
