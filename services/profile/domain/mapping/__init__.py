"""The mapping file: which files hold each table, and how their headings and words map onto ours.

It is checked wholly, and together with the headings of the files, before any row is read. All of the language:

    [limits]                                # of every table; [tables.X.limits] overrides it for one
    most_rejected = 0.10                    # the run stops when a larger share of a table's rows is set aside
    least_of_last = 0.50                    # … or when it has a smaller share of the rows that the newest import of an
                                            # earlier cycle had; tables under 100 rows are never judged
    [tables.billing]                        # optional tables that the operator does not have are left out
    file = "billing_2026*.csv.gz"           # a name, a glob or a list of them, inside the folder of extracts;
                                            # .csv or .txt, or .parquet; each plain, .gz, or in a .zip; several tables
                                            # may come out of one file
    member = "billing.csv"                  # which files of a zip, a name or a glob; without it all of them
    encoding = "gb18030"                    # utf-8 (the default), gbk, gb18030
    delimiter = "|"                         # "," by default; one or more characters, "\t" for the tabulator
    date_format = ["%Y-%m-%d", "%Y%m%d"]    # one or several; month_format likewise, "%Y%m" by default
    money_unit = "yuan"                     # or "fen"; needed where there is money. 1,234.50 and ￥12.50 are understood
    nothing = ["NA", "\\N"]                 # what stands in cells that hold nothing, besides blanks
    [tables.billing.columns]                # our name = the heading in the file
    customer_id = "用户编号"
    [tables.billing.units]                  # of single columns: money yuan or fen; minutes in minutes, seconds or hours
    arrears = "fen"
    [tables.billing.defaults]               # where there is no such column, or its cell is empty; written as we do:
    month = "2026-10"                       # 2026-09-14, 2026-10, true, 12.50 (money in yuan)
    [tables.billing.expressions]            # our name = what to compute from the row's cells, a small part of SQL
    revenue_total = '''"月租" + coalesce("通话费", 0)'''
    [tables.subscriptions.values.product]   # the word in the file = our value; "" for nothing
    "彩铃" = "ring_back_tone"

An expression names headings in double quotes and texts in single ones; a cell that is no number counts as null where one is
needed. It knows + - * / %, ||, comparisons, AND OR NOT, IN, BETWEEN, LIKE, IS NULL, CASE, and the functions coalesce, nullif,
greatest, least, abs, round, floor, ceil, length, lower, upper, trim, replace, substr, left, right, concat,
days_before(day, n) and months_before(day, n), where a day is written 2026-10-31. What comes out is read like a cell, so
`units` and `values` hold for it too; days are then read as 2026-10-31.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, TypeAlias, cast, get_args

from services.profile.domain.formats import DATE_PARTS, MONTH_PARTS, format_fault
from services.profile.domain.product_needs import needs_violations
from services.profile.domain.source_tables import SOURCE_TABLES, Kind, SourceColumn, SourceTable
from shared.errors import InvalidInput, Violation

MAPPING_INVALID = "ERROR_REASON_MAPPING_INVALID"
MoneyUnit: TypeAlias = Literal["yuan", "fen"]

_MONEY_UNITS = get_args(MoneyUnit)
_TABLES = {table.name: table for table in SOURCE_TABLES}
_OPTIONS = ("file", "encoding", "delimiter", "date_format", "month_format", "money_unit", "columns", "values")
_UNMAPPABLE = (Kind.DATE, Kind.MONTH, Kind.MONEY, Kind.DECIMAL, Kind.MSISDN)


@dataclass(frozen=True, slots=True)
class TableMapping:
    """How one table is written. `columns` is our name -> heading; `values` is our column -> word in the file -> our value."""

    table: SourceTable
    file: str
    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    delimiter: str = ","
    date_format: str = "%Y-%m-%d"
    month_format: str = "%Y%m"
    money_unit: MoneyUnit = "yuan"

    def heading(self, column: str) -> str:
        """Return the column's heading in the file, empty where it is not mapped."""
        return self.columns.get(column, "")


@dataclass(frozen=True, slots=True)
class ReadMapping:
    """What could be made out, table by table, and everything wrong with the rest."""

    tables: tuple[TableMapping, ...]
    violations: tuple[Violation, ...]


def sound_mapping(text: str) -> tuple[TableMapping, ...]:
    """Return the mapping of all tables that it names, in the order of taking in. Raises InvalidInput with all violations."""
    read = read_mapping(text)
    if read.violations:
        raise InvalidInput(list(read.violations), reason=MAPPING_INVALID)
    return read.tables


def read_mapping(text: str) -> ReadMapping:
    """Read a mapping file as far as it makes sense."""
    try:
        document: Mapping[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return ReadMapping((), (Violation("mapping", f"expected TOML: {error}"),))
    reader = _Reader()
    reader.refuse_unknown("", document, ("tables", "products"), "entry")
    for violation in needs_violations(document.get("products", {})):
        reader.add(violation.field, violation.description)
    entries = reader.table("tables", document.get("tables"))
    reader.refuse_unknown("tables", entries, tuple(_TABLES), "table")
    tables = [reader.source(entries[name], source) for name, source in _TABLES.items() if name in entries]
    for name, source in _TABLES.items():
        if not source.optional and name not in entries:
            reader.add(f"tables.{name}", "is missing; customer views need this table")
    return ReadMapping(tuple(table for table in tables if table), tuple(reader.ordered()))


def heading_violations(mapping: TableMapping, headings: Sequence[str]) -> list[Violation]:
    """Compare a table's mapping with the first line of its file."""
    path = f"tables.{mapping.table.name}.columns"
    return [
        Violation(f"{path}.{column}", text)
        for column, heading in mapping.columns.items()
        if (text := _heading_fault(mapping.file, heading, headings))
    ]


def _heading_fault(file: str, heading: str, headings: Sequence[str]) -> str:
    match headings.count(heading):
        case 0:
            return f"{file} has no heading '{heading}'{_did_you_mean(heading, headings)}"
        case 1:
            return ""
        case times:
            return f"{file} has the heading '{heading}' {times} times; expected it once"


class _Reader:
    """Walks the document and collects what is wrong with it."""

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def add(self, path: str, text: str) -> None:
        self._violations.append(Violation(path, text))

    def ordered(self) -> list[Violation]:
        return sorted(self._violations, key=lambda violation: violation.field)

    def source(self, entry: object, source: SourceTable) -> TableMapping | None:
        """Return one table's mapping, None where not even its file is known."""
        path = f"tables.{source.name}"
        options = self.table(path, entry)
        self.refuse_unknown(path, options, _OPTIONS, "option")
        self._check_encoding(path, options)
        file = self._file(path, options)
        mapping = TableMapping(
            table=source,
            file=file or "",
            columns=self._columns(path, options, source),
            values=self._values(path, options, source),
            delimiter=self._delimiter(path, options),
            date_format=self._format(path, options, "date_format", "%Y-%m-%d", DATE_PARTS),
            month_format=self._format(path, options, "month_format", "%Y%m", MONTH_PARTS),
            money_unit=self._money_unit(path, options, source),
        )
        return mapping if file else None

    def table(self, path: str, entry: object) -> Mapping[str, object]:
        if isinstance(entry, dict):
            return cast("Mapping[str, object]", entry)
        if entry is not None:
            self.add(path, f"expected a table, found {entry!r}")
        return {}

    def refuse_unknown(self, path: str, found: Iterable[str], known: Sequence[str], what: str) -> None:
        for name in found:
            if name not in known:
                hint = _did_you_mean(name, known) or f"; known are {', '.join(known)}"
                self.add(f"{path}.{name}".removeprefix("."), f"there is no such {what}{hint}")

    def _text(self, path: str, options: Mapping[str, object], name: str, default: str | None = None) -> str | None:
        value = options.get(name, default)
        if isinstance(value, str) and value:
            return value
        self.add(f"{path}.{name}", "is missing" if value is None else f"expected a text, found {value!r}")
        return None

    def _file(self, path: str, options: Mapping[str, object]) -> str | None:
        file = self._text(path, options, "file")
        if file and (file.startswith("/") or ".." in file.split("/")):
            self.add(f"{path}.file", f"expected a file inside the folder of extracts, found '{file}'")
            return None
        return file

    def _check_encoding(self, path: str, options: Mapping[str, object]) -> None:
        encoding = self._text(path, options, "encoding", "utf-8")
        if encoding and encoding.lower() not in {"utf-8", "utf8"}:
            self.add(f"{path}.encoding", f"expected utf-8, the only encoding read so far, found '{encoding}'")

    def _delimiter(self, path: str, options: Mapping[str, object]) -> str:
        delimiter = self._text(path, options, "delimiter", ",")
        if delimiter and (len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii()):
            self.add(
                f"{path}.delimiter", f"expected one ASCII character other than a quotation mark, found {delimiter!r}"
            )
        return delimiter or ","

    def _format(self, path: str, options: Mapping[str, object], name: str, default: str, parts: str) -> str:
        text = self._text(path, options, name, default)
        if text and (fault := format_fault(text, parts)):
            self.add(f"{path}.{name}", fault)
        return text or default

    def _money_unit(self, path: str, options: Mapping[str, object], source: SourceTable) -> MoneyUnit:
        """A unit is never guessed: a wrong guess is a factor of a hundred."""
        unit = options.get("money_unit")
        if unit in _MONEY_UNITS:
            return cast("MoneyUnit", unit)
        if unit is not None or any(column.kind is Kind.MONEY for column in source.columns):
            self.add(f"{path}.money_unit", 'expected "yuan" or "fen"' + ("" if unit is None else f", found {unit!r}"))
        return "yuan"

    def _columns(self, path: str, options: Mapping[str, object], source: SourceTable) -> Mapping[str, str]:
        path = f"{path}.columns"
        entries = self.table(path, options.get("columns"))
        known = [column.name for column in source.columns]
        self.refuse_unknown(path, entries, known, f"column in {source.name}")
        for column in source.columns:
            if column.name not in entries and not column.optional:
                self.add(f"{path}.{column.name}", "is missing; every row needs it")
        texts = {name: self._text(path, entries, name) for name in known if name in entries}
        return {name: heading for name, heading in texts.items() if heading}

    def _values(self, path: str, options: Mapping[str, object], source: SourceTable) -> Mapping[str, Mapping[str, str]]:
        path = f"{path}.values"
        entries = self.table(path, options.get("values"))
        known = [column.name for column in source.columns if column.kind not in _UNMAPPABLE]
        self.refuse_unknown(path, entries, known, f"column in {source.name} whose words can be mapped")
        return {
            name: self._words(f"{path}.{name}", self.table(f"{path}.{name}", entry), source.column(name))
            for name, entry in entries.items()
            if name in known
        }

    def _words(self, path: str, words: Mapping[str, object], column: SourceColumn) -> Mapping[str, str]:
        checked = {}
        for word, ours in words.items():
            value = _as_written(ours)
            if fault := _value_fault(value, column):
                self.add(f"{path}.{word}", fault)
            else:
                checked[word.strip()] = value
        return checked


def _as_written(value: object) -> str:
    """Return a TOML value as we write it in a cell of our own."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value_fault(value: str, column: SourceColumn) -> str:
    if value == "":
        return "" if column.optional else "this column is never empty"
    allowed = column.domain or {Kind.FLAG: ("true", "false")}.get(column.kind, ())
    if allowed and value not in allowed:
        return f"expected one of {', '.join(allowed)}, found '{value}'{_did_you_mean(value, allowed)}"
    if column.kind is Kind.NUMBER and not value.isdecimal():
        return f"expected a number, found '{value}'"
    return ""


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
