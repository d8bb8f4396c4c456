"""Takes one source table in: from cells to accepted rows and rejects, with a balance at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.profile.domain.months import Month
from services.profile.domain.resources import RuleCount
from services.profile.engine.accepted_rows import accept_rows
from services.profile.engine.checked_rows import FileLayout, check_rows, count_of, shown_file, shown_line
from services.profile.engine.parameters import Bound, Relation
from services.profile.engine.row_source import RowSource
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


@dataclass(frozen=True, slots=True)
class TakenRows:
    """What came of a table's rows: those accepted, how many, and how often each rule set one aside.

    `file` holds exactly the accepted rows, and where each stood, if they need no further writing.
    """

    accepted: Relation
    counts: RowCounts
    rules: tuple[RuleCount, ...]
    file: Path | None = None


def take_rows(engine: ColumnarEngine, layout: FileLayout, source: RowSource, cycle: Month, scratch: Path) -> TakenRows:
    """Make table `rejects` of the rows of a source, and return the others. Raises Failure when they do not add up."""
    checked = check_rows(engine, layout, source, scratch)
    accepted = accept_rows(engine, layout, checked, cycle)
    rejected = count_of(engine, Relation("SELECT place FROM rejects"), "count(DISTINCT place)")
    counted = RowCounts(checked.read, count_of(engine, accepted), rejected)
    if counted.read != counted.accepted + counted.rejected:
        raise Failure(f"rows of {layout.mapping.table.name} were lost: {counted}", reason="ERROR_REASON_INTERNAL")
    return TakenRows(accepted, counted, _rules(engine), None if rejected else checked.file)


def write_accepted(engine: ColumnarEngine, layout: FileLayout, taken: TakenRows, path: Path) -> int:
    """Write the accepted rows, in any order: they are only scanned, and a sort of wide rows takes what memory there is.

    A file that holds them already is taken as it is, with the column `place` beside those of the table.
    """
    if taken.file is not None:
        taken.file.rename(path)
        return taken.counts.accepted
    table, accepted = layout.mapping.table, taken.accepted
    columns = ", ".join(f'"{column.stored_name}"' for column in table.columns)
    sql = f"SELECT {columns} FROM ({accepted.sql})"
    return engine.write(sql, path, schema=stored_schema(table), order_by=(), parameters=accepted.parameters)


def write_rejects(engine: ColumnarEngine, layout: FileLayout, path: Path) -> int:
    """Write what is wrong with the other rows, one row per bad cell."""
    bound = Bound()
    sql = f"""
        SELECT {shown_file(layout.files, "place", bound)} AS file, {shown_line("place")} AS line, position,
               heading AS "column", value, rule || detail AS reason
        FROM rejects
    """
    return engine.write(sql, path, schema=LINE_REJECT, order_by=REJECT_KEY, parameters=bound.values)


def write_numbered_rejects(engine: ColumnarEngine, parts: Sequence[str], path: Path) -> int:
    """Write the rejects of all the named relations, counted from 1 in file and line order."""
    everything = " UNION ALL ".join(f'SELECT * FROM "{part}"' for part in parts)
    # A file may feed several tables; what they find wrong with one line stands together, in a fixed order.
    order = ", ".join((*REJECT_KEY, '"column"', "reason"))
    sql = f"SELECT row_number() OVER (ORDER BY {order}) AS number, * FROM ({everything})"
    return engine.write(sql, path, schema=NUMBERED_REJECT, order_by=("number",))


def _rules(engine: ColumnarEngine) -> tuple[RuleCount, ...]:
    found = engine.fetch("""
        SELECT heading, rule, count(*) AS counted FROM rejects GROUP BY heading, rule ORDER BY counted DESC, heading, rule
    """)
    return tuple(RuleCount(row["heading"], row["rule"], row["counted"]) for row in found.to_pylist())
