"""The options of one table: which files, and how they are written."""

from typing import cast, get_args

from services.profile.domain.formats import DATE_PARTS, MONTH_PARTS, format_fault
from services.profile.domain.mapping.notes import Entries, Notes
from services.profile.domain.mapping.suggestions import did_you_mean
from services.profile.domain.mapping.table import Limits, MoneyUnit
from services.profile.domain.source_tables import Kind, SourceTable

OPTIONS = ("file", "member", "encoding", "delimiter", "date_format", "month_format", "money_unit", "nothing")

_CODECS = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gbk", "gb2312": "gbk", "gb18030": "gb18030"}
_MONEY_UNITS = get_args(MoneyUnit)
_SUFFIXES = (".csv", ".txt", ".parquet")


def read_limits(notes: Notes, path: str, entry: object, outer: Limits) -> Limits:
    """Return the limits said at this place, and the outer ones for what is not said."""
    entries = notes.table(path, entry)
    notes.refuse_unknown(path, entries, ("most_rejected", "least_of_last"), "limit")
    return Limits(
        notes.share(path, entries, "most_rejected", outer.most_rejected),
        notes.share(path, entries, "least_of_last", outer.least_of_last),
    )


class OptionReader:
    """Reads one table's options; what is wrong is noted, and replaced by the default."""

    def __init__(self, notes: Notes, path: str, entries: Entries) -> None:
        self._notes = notes
        self._path = path
        self._entries = entries

    def files(self) -> tuple[str, ...]:
        """Return names and globs, all of one format."""
        files = self._notes.texts(self._path, self._entries, "file")
        faults = [fault for file in files if (fault := _file_fault(file))]
        if not faults and len({is_parquet(file) for file in files if not file.endswith(".zip")}) > 1:
            faults = ["expected files of one format, found Parquet and text"]
        for fault in faults:
            self._notes.add(f"{self._path}.file", fault)
        return () if faults else files

    def member(self) -> str:
        if "member" not in self._entries:
            return ""
        return self._notes.text(self._path, self._entries, "member") or ""

    def encoding(self) -> str:
        encoding = self._notes.text(self._path, self._entries, "encoding", "utf-8")
        codec = _CODECS.get((encoding or "utf-8").lower())
        if codec is None:
            hint = did_you_mean(str(encoding).lower(), list(_CODECS))
            self._notes.add(f"{self._path}.encoding", f"expected one of utf-8, gbk, gb18030, found '{encoding}'{hint}")
        return codec or "utf-8"

    def delimiter(self) -> str:
        delimiter = self._notes.text(self._path, self._entries, "delimiter", ",")
        if delimiter and (any(mark in delimiter for mark in '"\r\n\0') or delimiter.isalnum()):
            self._notes.add(
                f"{self._path}.delimiter",
                f"expected characters that are no letters, digits, quotation marks or line breaks, found {delimiter!r}",
            )
            return ","
        return delimiter or ","

    def date_formats(self) -> tuple[str, ...]:
        return self._formats("date_format", "%Y-%m-%d", DATE_PARTS)

    def month_formats(self) -> tuple[str, ...]:
        return self._formats("month_format", "%Y%m", MONTH_PARTS)

    def _formats(self, name: str, default: str, parts: str) -> tuple[str, ...]:
        texts = self._notes.texts(self._path, self._entries, name, (default,))
        faults = [fault for text in texts if (fault := format_fault(text, parts))]
        for fault in faults:
            self._notes.add(f"{self._path}.{name}", fault)
        return (default,) if faults else texts or (default,)

    def money_unit(self, source: SourceTable) -> MoneyUnit:
        """A unit is never guessed: a wrong guess is a factor of a hundred."""
        unit = self._entries.get("money_unit")
        if unit in _MONEY_UNITS:
            return cast("MoneyUnit", unit)
        if unit is not None or self._needs_money_unit(source):
            found = "" if unit is None else f", found {unit!r}"
            self._notes.add(f"{self._path}.money_unit", f'expected "yuan" or "fen"{found}')
        return "yuan"

    def _needs_money_unit(self, source: SourceTable) -> bool:
        said: set[str] = set()
        money: set[str] = set()
        for part in ("columns", "expressions"):
            money |= set(cast("Entries", entries) if isinstance(entries := self._entries.get(part), dict) else ())
        if isinstance(units := self._entries.get("units"), dict):
            said = set(units)
        return any(c.kind is Kind.MONEY and c.name in money - said for c in source.columns)

    def nothing(self) -> tuple[str, ...]:
        return self._notes.texts(self._path, self._entries, "nothing", ())


def is_parquet(file: str) -> bool:
    """Tell by its name, with or without .gz behind it."""
    return file.lower().removesuffix(".gz").endswith(".parquet")


def _file_fault(file: str) -> str:
    if file.startswith("/") or ".." in file.split("/"):
        return f"expected a file inside the folder of extracts, found '{file}'"
    if file.lower().endswith(".zip") or file.lower().removesuffix(".gz").endswith(_SUFFIXES):
        return ""
    return f"expected a name that ends in {', '.join(_SUFFIXES)}, any of these with .gz, or .zip, found '{file}'"
