"""Reads a mapping file and notes everything that is wrong with it, each at its place."""

import tomllib
from collections.abc import Mapping

from services.profile.domain.mapping.columns import ColumnReader
from services.profile.domain.mapping.notes import Entries, Notes
from services.profile.domain.mapping.options import OPTIONS, OptionReader, read_limits
from services.profile.domain.mapping.table import MAPPING_INVALID, Limits, ReadMapping, TableMapping
from services.profile.domain.product_needs import needs_violations
from services.profile.domain.source_tables import SOURCE_TABLES, SourceTable
from shared.errors import InvalidInput, Violation

_TABLES: Mapping[str, SourceTable] = {table.name: table for table in SOURCE_TABLES}
_PARTS = ("columns", "units", "defaults", "expressions", "values", "limits")


def sound_mapping(text: str, *, is_partial: bool = False) -> tuple[TableMapping, ...]:
    """Return the mapping of all tables that it names, in the order of taking in. Raises InvalidInput with all violations.

    A partial one may leave out any table: those are taken over from an earlier import.
    """
    read = read_mapping(text, is_partial=is_partial)
    if read.violations:
        raise InvalidInput(list(read.violations), reason=MAPPING_INVALID)
    return read.tables


def read_mapping(text: str, *, is_partial: bool = False) -> ReadMapping:
    """Read a mapping file as far as it makes sense."""
    try:
        document: Entries = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return ReadMapping((), (Violation("mapping", f"expected TOML: {error}"),))
    notes = Notes()
    notes.refuse_unknown("", document, ("limits", "products", "tables"), "entry")
    for violation in needs_violations(document.get("products", {})):
        notes.add(violation.field, violation.description)
    limits = read_limits(notes, "limits", document.get("limits"), Limits())
    entries = notes.table("tables", document.get("tables"))
    notes.refuse_unknown("tables", entries, tuple(_TABLES), "table")
    tables = [_table(notes, entries[name], source, limits) for name, source in _TABLES.items() if name in entries]
    for name, source in _TABLES.items():
        if not is_partial and not source.optional and name not in entries:
            notes.add(f"tables.{name}", "is missing; customer views need this table")
    if is_partial and not entries:
        notes.add("tables", "expected at least one table")
    return ReadMapping(tuple(table for table in tables if table), tuple(notes.ordered()))


def _table(notes: Notes, entry: object, source: SourceTable, limits: Limits) -> TableMapping | None:
    """Return one table's mapping, None where not even its files are known."""
    path = f"tables.{source.name}"
    entries = notes.table(path, entry)
    notes.refuse_unknown(path, entries, (*OPTIONS, *_PARTS), "option")
    options = OptionReader(notes, path, entries)
    columns = ColumnReader(notes, path, entries, source)
    files = options.files()
    mapping = TableMapping(
        table=source,
        files=files,
        columns=columns.headings(),
        values=columns.values(),
        member=options.member(),
        encoding=options.encoding(),
        delimiter=options.delimiter(),
        date_formats=options.date_formats(),
        month_formats=options.month_formats(),
        money_unit=options.money_unit(source),
        nothing=options.nothing(),
        units=columns.units(),
        defaults=columns.defaults(),
        expressions=columns.expressions(),
        limits=read_limits(notes, f"{path}.limits", entries.get("limits"), limits),
    )
    return mapping if files else None
