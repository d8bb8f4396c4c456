"""Takes one source table in: from lines to accepted rows and rejects, with a balance at the end."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from services.profile.domain.months import Month
from services.profile.engine.accepted_rows import accept_rows
from services.profile.engine.checked_rows import FileLayout, check_rows
from services.profile.engine.schemas import LINE_REJECT, NUMBERED_REJECT, stored_schema
from shared.errors import Failure
from shared.lake.engine import ColumnarEngine

REJECT_KEY = ("file", "line", "position")


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Each row is accepted or rejected, and none is both: `read` is their sum."""

    read: int
    accepted: int
    rejected: int


def take_rows(engine: ColumnarEngine, layout: FileLayout, lines: pa.RecordBatchReader, cycle: Month) -> RowCounts:
    """Make view `accepted` and table `rejects` of the lines of a file, and count both. Raises Failure when they
    do not add up."""
    engine.register_table("lines", lines)
    check_rows(engine, layout)
    accept_rows(engine, layout, cycle)
    counts = engine.fetch("""
        SELECT
            (SELECT count(*) FROM lines) AS read,
            (SELECT count(*) FROM accepted) AS accepted,
            (SELECT count(DISTINCT line) FROM rejects) AS rejected
    """)
    counted = RowCounts(**counts.to_pylist()[0])
    if counted.read != counted.accepted + counted.rejected:
        raise Failure(f"rows of {layout.mapping.file} were lost: {counted}", reason="ERROR_REASON_INTERNAL")
    return counted


def write_accepted(engine: ColumnarEngine, layout: FileLayout, path: Path) -> int:
    """Write the accepted rows, sorted by the table's key."""
    table = layout.mapping.table
    columns = ", ".join(f'"{column.stored_name}"' for column in table.columns)
    return engine.write(f"SELECT {columns} FROM accepted", path, schema=stored_schema(table), order_by=table.stored_key)


def write_rejects(engine: ColumnarEngine, layout: FileLayout, path: Path) -> int:
    """Write what is wrong with the other rows, one row per bad cell."""
    sql = 'SELECT $file AS file, line, position, heading AS "column", value, reason FROM rejects'
    return engine.write(sql, path, schema=LINE_REJECT, order_by=REJECT_KEY, parameters={"file": layout.mapping.file})


def write_numbered_rejects(engine: ColumnarEngine, parts: list[str], path: Path) -> int:
    """Write the rejects of all the named relations, counted from 1 in file and line order."""
    everything = " UNION ALL ".join(f'SELECT * FROM "{part}"' for part in parts)
    sql = f"SELECT row_number() OVER (ORDER BY {', '.join(REJECT_KEY)}) AS number, * FROM ({everything})"
    return engine.write(sql, path, schema=NUMBERED_REJECT, order_by=("number",))
