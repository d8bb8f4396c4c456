"""What a mapping says of single columns: headings, units, defaults, expressions, words."""

import re
from collections.abc import Mapping

from services.profile.domain.mapping.constants import constant_fault
from services.profile.domain.mapping.expressions import Expression, ExpressionFault, parse_expression
from services.profile.domain.mapping.notes import Entries, Notes
from services.profile.domain.mapping.suggestions import did_you_mean
from services.profile.domain.source_tables import Kind, SourceColumn, SourceTable

_UNMAPPABLE = (Kind.DATE, Kind.MONTH, Kind.MONEY, Kind.DECIMAL, Kind.MSISDN)
"""Kinds whose words can only mean nothing."""

_DURATIONS = re.compile(r"(.*_)?(minutes|depth)")


def units_of(column: SourceColumn) -> tuple[str, ...]:
    """Return the units that a column may be written in, the first being ours; none where it has no unit."""
    if column.kind is Kind.MONEY or column.name == "unit_price":
        return ("yuan", "fen")
    is_duration = column.kind is Kind.DECIMAL and _DURATIONS.fullmatch(column.name)
    return ("minutes", "seconds", "hours") if is_duration else ()


class ColumnReader:
    """Reads what one table's mapping says of its columns."""

    def __init__(self, notes: Notes, path: str, entries: Entries, source: SourceTable) -> None:
        self._notes = notes
        self._path = path
        self._source = source
        self._headings = notes.table(f"{path}.columns", entries.get("columns"))
        self._units = notes.table(f"{path}.units", entries.get("units"))
        self._defaults = notes.table(f"{path}.defaults", entries.get("defaults"))
        self._expressions = notes.table(f"{path}.expressions", entries.get("expressions"))
        self._values = notes.table(f"{path}.values", entries.get("values"))

    def headings(self) -> Mapping[str, str]:
        """Return our name -> heading, and note what no row can do without."""
        self._known("columns", self._headings)
        given = self._headings.keys() | self._defaults.keys() | self._expressions.keys()
        for column in self._source.columns:
            if column.name not in given and not column.optional:
                self._notes.add(f"{self._path}.columns.{column.name}", "is missing; every row needs it")
        names = [column.name for column in self._source.columns if column.name in self._headings]
        texts = {name: self._notes.text(f"{self._path}.columns", self._headings, name) for name in names}
        return {name: heading for name, heading in texts.items() if heading}

    def units(self) -> Mapping[str, str]:
        checked: dict[str, str] = {}
        for name, unit in self._known("units", self._units).items():
            allowed = units_of(self._source.column(name))
            if unit in allowed:
                checked[name] = str(unit)
            else:
                wanted = f"one of {', '.join(allowed)}" if allowed else "none, this column has no unit"
                self._notes.add(f"{self._path}.units.{name}", f"expected {wanted}, found {unit!r}")
        return checked

    def defaults(self) -> Mapping[str, str]:
        checked: dict[str, str] = {}
        for name, value in self._known("defaults", self._defaults).items():
            text = as_written(value)
            if fault := constant_fault(text, self._source.column(name)):
                self._notes.add(f"{self._path}.defaults.{name}", fault)
            else:
                checked[name] = text
        return checked

    def expressions(self) -> Mapping[str, Expression]:
        checked: dict[str, Expression] = {}
        for name in self._known("expressions", self._expressions):
            path = f"{self._path}.expressions"
            text = self._notes.text(path, self._expressions, name)
            if name in self._headings:
                self._notes.add(f"{path}.{name}", "is among the columns too; say it once")
            if text is None:
                continue
            try:
                checked[name] = parse_expression(text)
            except ExpressionFault as fault:
                self._notes.add(f"{path}.{name}", str(fault))
        return checked

    def values(self) -> Mapping[str, Mapping[str, str]]:
        path = f"{self._path}.values"
        return {
            name: self._words(f"{path}.{name}", self._notes.table(f"{path}.{name}", entry), self._source.column(name))
            for name, entry in self._known("values", self._values).items()
        }

    def _words(self, path: str, words: Entries, column: SourceColumn) -> Mapping[str, str]:
        checked = {}
        for word, ours in words.items():
            value = as_written(ours)
            if fault := _value_fault(value, column):
                self._notes.add(f"{path}.{word}", fault)
            else:
                checked[word.strip()] = value
        return checked

    def _known(self, part: str, entries: Entries) -> Entries:
        """Return the entries of columns that there are; the others are noted."""
        known = [column.name for column in self._source.columns]
        self._notes.refuse_unknown(f"{self._path}.{part}", entries, known, f"column in {self._source.name}")
        return {name: entry for name, entry in entries.items() if name in known}


def as_written(value: object) -> str:
    """Return a TOML value as we write it in a cell of our own."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value_fault(value: str, column: SourceColumn) -> str:
    if value == "":
        return "" if column.optional else "this column is never empty"
    if column.kind in _UNMAPPABLE:
        return f"expected \"\": words of this column can only stand for nothing, found '{value}'"
    allowed = column.domain or {Kind.FLAG: ("true", "false")}.get(column.kind, ())
    if allowed and value not in allowed:
        return f"expected one of {', '.join(allowed)}, found '{value}'{did_you_mean(value, allowed)}"
    if column.kind is Kind.NUMBER and not value.isdecimal():
        return f"expected a number, found '{value}'"
    return ""
