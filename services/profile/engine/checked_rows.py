"""Cells of a table's files into typed rows, each with all that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.profile.domain.mapping import TableMapping
from services.profile.domain.months import Month
from services.profile.domain.places import LINE_BITS, LINE_MASK
from services.profile.domain.source_tables import Kind, SourceColumn
from services.profile.engine.cells import MACROS, CellReading, ColumnSource, written_as
from services.profile.engine.parameters import Bound, Relation, used_by
from services.profile.engine.proof import are_all_sound
from services.profile.engine.row_rules import ROW_RULES
from services.profile.engine.row_source import Cells, ParquetRows, RowSource, cell_name, cells_of, literal
from services.profile.engine.typed_cells import typed_reading
from shared.lake.engine import SCANNED_PARQUET, ColumnarEngine

SHOWN_LENGTH = 500
"""How much of a line that is wrong as a whole is shown."""

_SHOWN_HEADING = 200


@dataclass(frozen=True, slots=True)
class FileLayout:
    """A table's files as its mapping and their names describe them, and the months it may hold."""

    mapping: TableMapping
    files: Sequence[str]
    months: tuple[Month, Month]

    def position(self, column: str) -> int:
        """Return where a column stands among those of the table, from 1."""
        return [each.name for each in self.mapping.table.columns].index(column) + 1

    def shown_heading(self, column: str) -> str:
        return self.mapping.heading(column)[:_SHOWN_HEADING]


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """All `read` rows of a source. `typed` has place and the table's stored columns; a row that `faulty` names may be among
    them. `faulty` has place and `faults`, a list of (position, heading, value, rule, detail); a row whose cells cannot be
    told apart has one fault, at position 0.

    `file` holds exactly the rows of `typed`, where there is such a file.
    """

    read: int
    typed: Relation
    faulty: Relation
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class _Checking:
    """`source` is what `readings` read; `checked` has place, the table's stored columns, and `faults` or null."""

    source: Relation
    readings: Mapping[str, CellReading | None]
    checked: Relation


def check_rows(engine: ColumnarEngine, layout: FileLayout, source: RowSource, scratch: Path) -> CheckedRows:
    """Check all rows of a source, and keep what comes of it in `scratch`."""
    engine.execute(MACROS)
    with cells_of(engine, source, layout.mapping.headings()) as cells:
        checking = _checking(layout, cells)
        if isinstance(source, ParquetRows):
            return _check_parquet(engine, layout, checking, scratch / "typed.parquet")
        return _check_text(engine, checking.checked, scratch / "checked.parquet")


def _check_text(engine: ColumnarEngine, checked: Relation, kept: Path) -> CheckedRows:
    """Text is read once: typed rows and faults are kept together."""
    copy = f"COPY ({checked.sql}) TO {literal(str(kept))} ({SCANNED_PARQUET})"
    engine.execute(copy, checked.parameters)
    all_rows = f"SELECT * FROM read_parquet({literal(str(kept))})"
    return CheckedRows(
        count_of(engine, Relation(all_rows)),
        Relation(f"SELECT * EXCLUDE (faults) FROM ({all_rows})"),
        Relation(f"SELECT place, faults FROM ({all_rows}) WHERE faults IS NOT NULL"),
    )


def _check_parquet(engine: ColumnarEngine, layout: FileLayout, checking: _Checking, kept: Path) -> CheckedRows:
    """Parquet can be read again: typed rows are kept as they will be published; faults are only looked for where it is not
    plain that there are none."""
    checked = checking.checked
    copy = f"COPY (SELECT * EXCLUDE (faults) FROM ({checked.sql})) TO {literal(str(kept))} ({SCANNED_PARQUET})"
    engine.execute(copy, used_by(copy, checked.parameters))
    typed = f"SELECT * FROM read_parquet({literal(str(kept))})"
    faulty = Relation(f"SELECT place, faults FROM ({checked.sql}) WHERE faults IS NOT NULL", checked.parameters)
    if are_all_sound(engine, layout.mapping, checking.readings, source=checking.source, typed=typed):
        faulty = Relation(
            "SELECT place, faults FROM (SELECT 0 AS place, [{'position': 0, 'heading': '', 'value': '', "
            "'rule': '', 'detail': ''}] AS faults) WHERE false"
        )
    return CheckedRows(count_of(engine, checking.source), Relation(typed), faulty, kept)


def count_of(engine: ColumnarEngine, rows: Relation, what: str = "count(*)") -> int:
    """Return how many rows there are, or what else `what` counts."""
    found = engine.fetch(f"SELECT {what} AS counted FROM ({rows.sql})", rows.parameters or None)
    return int(found.to_pylist()[0]["counted"])


def shown_file(files: Sequence[str], place: str, bound: Bound) -> str:
    """Return SQL for the name of the file that a place is in."""
    cases = " ".join(f"WHEN {index} THEN {bound.bind(file)}" for index, file in enumerate(files))
    return f"CASE {place} >> {LINE_BITS} {cases} END"


def shown_line(place: str) -> str:
    """Return SQL for the line of a place."""
    return f"({place} & {LINE_MASK})"


def _checking(layout: FileLayout, cells: Cells) -> _Checking:
    bound = Bound()
    mapping, columns = layout.mapping, layout.mapping.table.columns
    computed = ", ".join(_computed(layout, cells, bound))
    read = {column.name: _reading(column, layout, cells, bound) for column in columns}
    typed = ", ".join(f'{_with_default(c, mapping, read[c.name])} AS "{c.name}"' for c in columns)
    # A cell's faults are only put together where there are any: that takes longer than to find out.
    faults = [_cell_faults(c, layout, read[c.name], bound) for c in columns]
    wrong = " OR ".join(f"({is_wrong})" for is_wrong, _ in faults) or "false"
    listed = ", ".join(fault for _, fault in faults)
    whole = _fault("0", "''", f"left(text, {SHOWN_LENGTH})", "fault")
    source = f"SELECT *{f', {computed}' if computed else ''} FROM ({cells.sql})"
    sql = f"""
        WITH typed AS (SELECT *, {typed} FROM ({source}))
        SELECT place, {", ".join(f'"{c.name}" AS "{c.stored_name}"' for c in columns)}, CASE
            WHEN fault IS NOT NULL THEN [{whole}]
            WHEN {wrong} THEN list_filter([{listed}], lambda fault: fault IS NOT NULL)
        END AS faults
        FROM typed
    """
    # What reads a column as text may turn out not to be needed.
    return _Checking(Relation(source, used_by(source, bound.values)), read, Relation(sql, used_by(sql, bound.values)))


def _computed(layout: FileLayout, cells: Cells, bound: Bound) -> list[str]:
    """Return the columns that expressions compute, each of the texts in its row's cells."""
    mapping = layout.mapping
    texts = {
        heading: written_as(
            cell_name(index) if cells.types[index] == "VARCHAR" else f"CAST({cell_name(index)} AS VARCHAR)",
            mapping.nothing,
            bound,
        )
        for index, heading in enumerate(mapping.headings())
        if any(heading in expression.headings for expression in mapping.expressions.values())
    }
    return [f'{expression.sql(texts)} AS "computed {name}"' for name, expression in mapping.expressions.items()]


def _reading(column: SourceColumn, layout: FileLayout, cells: Cells, bound: Bound) -> CellReading | None:
    """Return how a column is read, None where the files do not have it."""
    mapping = layout.mapping
    if column.name in mapping.expressions:
        return typed_reading(ColumnSource(column, mapping, layout.months, f'"computed {column.name}"'), bound)
    heading = mapping.columns.get(column.name)
    if heading is None:
        return None
    index = mapping.headings().index(heading)
    return typed_reading(ColumnSource(column, mapping, layout.months, cell_name(index), cells.types[index]), bound)


_SQL_TYPES: Mapping[Kind, str] = {
    Kind.TEXT: "VARCHAR",
    Kind.NUMBER: "INTEGER",
    Kind.MSISDN: "VARCHAR",
    Kind.DATE: "DATE",
    Kind.MONTH: "VARCHAR",
    Kind.MONEY: "BIGINT",
    Kind.FLAG: "BOOLEAN",
}


def _with_default(column: SourceColumn, mapping: TableMapping, reading: CellReading | None) -> str:
    default = _constant(column, mapping.defaults.get(column.name))
    if reading is None:
        return default
    if column.name not in mapping.defaults:
        return reading.typed
    return f"coalesce({reading.typed}, CASE WHEN {reading.is_empty} THEN {default} END)"


def _constant(column: SourceColumn, default: str | None) -> str:
    """Return SQL for a checked constant of ours, or for null, in the column's type."""
    sql_type = f"DECIMAL(18, {column.scale})" if column.kind is Kind.DECIMAL else _SQL_TYPES[column.kind]
    if default is None:
        return f"CAST(NULL AS {sql_type})"
    if column.kind is Kind.MONEY:
        return f"CAST(CAST({literal(default)} AS DECIMAL(18, 2)) * 100 AS BIGINT)"
    return f"CAST({literal(default)} AS {sql_type})"


def _cell_faults(
    column: SourceColumn, layout: FileLayout, reading: CellReading | None, bound: Bound
) -> tuple[str, str]:
    """Return SQL for whether anything is wrong with a column's cell, and for what it is."""
    name = f'"{column.name}"'
    shown = f"coalesce({reading.shown}, '')" if reading else "''"
    place = (str(layout.position(column.name)), bound.bind(layout.shown_heading(column.name)), shown)
    cases: list[tuple[str, str]] = []
    unread, nothing = (
        bound.bind(f"expected {reading.expected}{end}" if reading else "") for end in ("", ", found nothing")
    )
    if reading and column.name in layout.mapping.defaults:
        cases.append((f"{name} IS NULL", _fault(*place, unread)))
    elif reading and not column.optional:
        why = f"CASE WHEN {reading.is_empty} THEN {nothing} ELSE {unread} END"
        cases.append((f"{name} IS NULL", _fault(*place, why)))
    elif reading:
        # A CASE, because the engine would look for blanks in every cell of a conjunction.
        is_unread = (
            f"CASE WHEN {name} IS NOT NULL OR {reading.cell} IS NULL THEN false ELSE NOT ({reading.is_empty}) END"
        )
        cases.append((is_unread, _fault(*place, unread)))
    cases += [
        (f"coalesce({rule.is_broken}, false)", _fault(*place, literal(rule.expected), rule.detail))
        for rule in ROW_RULES.get(layout.mapping.table.name, ())
        if rule.column == column.name
    ]
    if not cases:
        return "false", "NULL"
    whens = " ".join(f"WHEN {condition} THEN {fault}" for condition, fault in cases)
    return " OR ".join(f"({condition})" for condition, _ in cases), f"CASE {whens} END"


def _fault(position: str, heading: str, value: str, rule: str, detail: str = "''") -> str:
    return f"{{'position': {position}, 'heading': {heading}, 'value': {value}, 'rule': {rule}, 'detail': {detail}}}"
