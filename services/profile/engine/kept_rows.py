"""Rows of an earlier import, kept where those they belong to are still there."""

from dataclasses import dataclass
from pathlib import Path

from services.profile.domain.resources import RuleCount
from services.profile.domain.source_tables import SourceTable, owners_of
from services.profile.engine.row_source import literal
from services.profile.engine.schemas import LINE_REJECT, stored_schema
from services.profile.engine.taken_rows import REJECT_KEY
from shared.lake.engine import ColumnarEngine

_GONE = "expected a row of the {owner} table; it was there in the import that this table was taken over from"


@dataclass(frozen=True, slots=True)
class Orphans:
    """How many rows have nobody any more, and which table they miss."""

    rows: int
    rules: tuple[RuleCount, ...]


def keep_rows(engine: ColumnarEngine, table: SourceTable, file: str) -> None:
    """Make table `orphans` (as rejects are at rest) of those rows of `before` whose owners are not in the engine's tables.

    `file` names the table that is taken over; there are no lines in it, so the orphans are counted in order of their key.
    """
    missing = [
        f"SELECT {_key(table)}, '{column}' AS \"column\", CAST({column} AS VARCHAR) AS value, "
        f"{literal(_GONE.format(owner=owner.name))} AS reason FROM before ANTI JOIN {owner.name} USING ({column})"
        for column, owner in owners_of(table).items()
    ]
    nobody = f"SELECT {_key(table)}, '' AS \"column\", '' AS value, '' AS reason FROM before WHERE false"
    engine.execute(f"""
        CREATE OR REPLACE TABLE orphans AS
        SELECT {literal(file)} AS file, dense_rank() OVER (ORDER BY {_key(table)}) AS line, CAST(1 AS INTEGER) AS position,
               "column", value, reason
        FROM ({" UNION ALL ".join(missing) or nobody})
    """)


def _key(table: SourceTable) -> str:
    return ", ".join(f'"{column}"' for column in table.stored_key)


def count_orphans(engine: ColumnarEngine) -> Orphans:
    """Count rows and rules of table `orphans`."""
    rows = engine.fetch("SELECT count(DISTINCT line) AS counted FROM orphans").to_pylist()[0]["counted"]
    rules = engine.fetch('SELECT "column", reason, count(*) AS counted FROM orphans GROUP BY ALL ORDER BY ALL')
    return Orphans(rows, tuple(RuleCount(row["column"], row["reason"], row["counted"]) for row in rules.to_pylist()))


def write_kept(engine: ColumnarEngine, table: SourceTable, path: Path) -> int:
    """Write the other rows."""
    columns = ", ".join(f'"{column.stored_name}"' for column in table.columns)
    kept = " ".join(f"SEMI JOIN {owner.name} USING ({column})" for column, owner in owners_of(table).items())
    sql = f"SELECT {columns} FROM before {kept}"
    return engine.write(sql, path, schema=stored_schema(table), order_by=())


def write_orphans(engine: ColumnarEngine, path: Path) -> int:
    """Write the rejects of before, and the orphans."""
    sql = "SELECT * FROM rejects_before UNION ALL SELECT * FROM orphans"
    return engine.write(sql, path, schema=LINE_REJECT, order_by=REJECT_KEY)
