"""Lines of a file into typed rows, each with all that is wrong with it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.profile.domain.mapping import TableMapping
from services.profile.domain.months import Month
from services.profile.domain.source_tables import SourceColumn
from services.profile.engine.cells import CellReading, ColumnSource, cell_reading
from services.profile.engine.parameters import Bound
from shared.lake.engine import ColumnarEngine

SHOWN_LENGTH = 500
"""How much of a line that is wrong as a whole is shown."""

_ROW_RULES: Mapping[str, Mapping[str, str]] = {
    "customers": {
        "left_date": "CASE WHEN status = 'left' AND left_date IS NULL THEN 'expected the day on which this customer left' "
        "WHEN status <> 'left' AND left_date IS NOT NULL THEN 'expected nothing, since the status is ' || status "
        "WHEN left_date < activation_date THEN 'expected a day not before the activation on ' || activation_date END",
        "birth_year": "CASE WHEN birth_year > year(activation_date) "
        "THEN 'expected a year not after the activation on ' || activation_date END",
    },
    "subscriptions": {
        "cancelled_on": "CASE WHEN cancelled_on < ordered_on "
        "THEN 'expected a day not before the order on ' || ordered_on END",
    },
}
"""Table -> column -> what is wrong with a cell that is well written, but not beside the others of its row."""


@dataclass(frozen=True, slots=True)
class FileLayout:
    """A file as its mapping and its first line describe it."""

    mapping: TableMapping
    headings: Sequence[str]
    months: tuple[Month, Month]

    def position(self, column: str) -> int:
        """Return which field of a line holds the column, from 1; 0 if none does."""
        heading = self.mapping.heading(column)
        return self.headings.index(heading) + 1 if heading else 0


def check_rows(engine: ColumnarEngine, layout: FileLayout) -> None:
    """Make table `checked` of table `lines`: line, our columns, faults.

    `faults` lists (position, heading, value, reason), empty for a sound row. A row whose fields cannot be told apart has
    one fault, at position 0.
    """
    bound = Bound()
    columns = layout.mapping.table.columns
    readings = {column.name: _reading(column, layout, bound) for column in columns}
    sql = f"""
        CREATE OR REPLACE TABLE checked AS
        WITH split AS (
            SELECT line, text, fault, CASE WHEN fault IS NULL THEN {_split(layout.mapping.delimiter, bound)} END AS cells
            FROM lines
        ), counted AS (
            SELECT line, text, cells, CASE
                WHEN fault IS NOT NULL THEN fault
                WHEN cells IS NULL THEN 'expected each quotation mark around a whole field, doubled inside, closed on its line'
                WHEN len(cells) <> {len(layout.headings)}
                    THEN 'expected {len(layout.headings)} fields, found ' || len(cells)
            END AS row_fault
            FROM split
        ), written AS (
            SELECT *, {", ".join(f'{r.written} AS "written {name}"' for name, r in readings.items())} FROM counted
        ), typed AS (
            SELECT *, {", ".join(f'{r.typed} AS "{name}"' for name, r in readings.items())} FROM written
        )
        SELECT line, {", ".join(f'"{c.name}" AS "{c.stored_name}"' for c in columns)}, CASE
            WHEN row_fault IS NOT NULL THEN [{_fault("0", "''", f"left(text, {SHOWN_LENGTH})", "row_fault")}]
            ELSE list_filter(
                [{", ".join(_cell_fault(c, layout, readings[c.name].expected, bound) for c in columns)}],
                lambda fault: fault IS NOT NULL
            )
        END AS faults
        FROM typed
    """
    engine.execute(sql, bound.values)


def _reading(column: SourceColumn, layout: FileLayout, bound: Bound) -> CellReading:
    source = ColumnSource(column, layout.mapping, layout.months)
    return cell_reading(source, _cell(column, layout), f'"written {column.name}"', bound)


def _cell(column: SourceColumn, layout: FileLayout) -> str:
    position = layout.position(column.name)
    return f"cells[{position}]" if position else "CAST(NULL AS VARCHAR)"


def _split(delimiter: str, bound: Bound) -> str:
    """Return SQL for the fields of a line, null where its quotation marks do not pair up.

    Each field is searched with its delimiter before it, so that no match is empty and none can be skipped.
    """
    mark = re.escape(delimiter)
    field = f'"(?:[^"]|"")*"|[^"{mark}]*'
    whole = bound.bind(f"(?:{field})(?:{mark}(?:{field}))*")
    delimited, one = bound.bind(delimiter), bound.bind(f"{mark}({field})")
    return f"""CASE
        WHEN NOT contains(text, '"') THEN string_split(text, {delimited})
        WHEN regexp_full_match(text, {whole}) THEN list_transform(
            regexp_extract_all({delimited} || text, {one}, 1),
            lambda cell: CASE
                WHEN starts_with(cell, '"') THEN replace(substr(cell, 2, length(cell) - 2), '""', '"')
                ELSE cell
            END
        )
    END"""


def _cell_fault(column: SourceColumn, layout: FileLayout, expected: str, bound: Bound) -> str:
    cell, written, typed = _cell(column, layout), f'"written {column.name}"', f'"{column.name}"'
    place = (
        str(layout.position(column.name)),
        bound.bind(layout.mapping.heading(column.name)),
        f"coalesce({cell}, '')",
    )
    unreadable = _fault(*place, bound.bind(f"expected {expected}"))
    cases = [f"WHEN {written} IS NOT NULL AND {typed} IS NULL THEN {unreadable}"]
    if not column.optional:
        missing = _fault(*place, bound.bind(f"expected {expected}, found nothing"))
        cases.append(f"WHEN {written} IS NULL THEN {missing}")
    if rule := _ROW_RULES.get(layout.mapping.table.name, {}).get(column.name):
        cases.append(f"WHEN {rule} IS NOT NULL THEN {_fault(*place, rule)}")
    return f"CASE {' '.join(cases)} END"


def _fault(position: str, heading: str, value: str, reason: str) -> str:
    return f"{{'position': {position}, 'heading': {heading}, 'value': {value}, 'reason': {reason}}}"
