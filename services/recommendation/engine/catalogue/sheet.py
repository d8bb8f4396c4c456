"""Reads the lines of a sheet whose header names the columns, and collects all that is wrong with its cells."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from services.recommendation.domain import Ability
from services.recommendation.engine.feel import did_you_mean
from services.recommendation.engine.matrix.csv_layout import Faults, Record, read_records

CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
KEYWORD = re.compile(r"[A-Z0-9]{1,10}")
_RESERVED_KEYWORDS = {"TD", "TDMRTX"}
"""Words of the reply grammar that mean something else than yes."""
MOST_FEN = 10**11
"""The largest amount of a cell."""
_WEIGHT = r"(\d{1,2}(\.\d{1,2})?)?"
_PAGE = re.compile(r"https?://[!-~]{4,200}")
_Value = TypeVar("_Value")
_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One line with the places of its columns."""

    record: Record
    places: Mapping[str, int]
    faults: Faults

    def text(self, column: str) -> str:
        """Return a cell; empty where the sheet has no such column."""
        place = self.places.get(column)
        return "" if place is None else self.record.cell(place)

    def fault(self, column: str, description: str) -> None:
        if column in self.places:
            self.faults.add(self.record.row, description, column=column)

    def read(self, column: str, parse: Callable[[str], _Value | None], expected: str, stand_in: _Value) -> _Value:
        """Return the parsed cell; where `parse` gives None, note what was expected and go on with the stand-in."""
        value = parse(self.text(column))
        if value is None:
            self.fault(column, f'"{self.text(column)}": expected {expected}')
            return stand_in
        return value


def read_sheet(
    text: str, faults: Faults, *, key: str, needed: Sequence[str], columns: Sequence[str]
) -> Iterator[SheetRow]:
    """Yield the lines; `key` names the column whose codes must differ, `needed` those that must be there, of all `columns`.

    Empty lines and comments (`#` first) are passed over.
    """
    if "\0" in text:
        faults.add(1, "this is no text: save the sheet as CSV in UTF-8")
        return
    records = list(read_records(text.removeprefix("\ufeff"), faults))
    if len(records) < 2:
        faults.add(len(records) + 1, f"expected a header that names the columns, and one {key} per line")
        return
    places = _places(records[0], faults, key, needed, columns)
    first_rows: dict[str, int] = {}
    for record in records[1:]:
        row = SheetRow(record, places, faults)
        yield row
        code = row.text(key)
        if code and first_rows.setdefault(code, record.row) != record.row:
            row.fault(key, f'"{code}" is in row {first_rows[code]}, too: expected another code')


def _places(
    header: Record, faults: Faults, key: str, needed: Sequence[str], columns: Sequence[str]
) -> Mapping[str, int]:
    places: dict[str, int] = {}
    for place, name in enumerate(header.cells):
        if name in places:
            faults.add(header.row, "this column is there twice", column=name)
        elif name in columns:
            places[name] = place
        elif name:
            advice = did_you_mean(name, columns)
            faults.add(header.row, f'no field of a {key} is called "{name}"{advice}', column=name)
    if missing := [name for name in needed if name not in places]:
        faults.add(header.row, f"columns are missing: {', '.join(missing)}")
    return places


def matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None


def filled(text: str) -> str | None:
    return text or None


def choice(kind: type[_Choice]) -> Callable[[str], _Choice | None]:
    return lambda text: kind(text) if text in list(kind) else None


def choices(kind: type[_Choice]) -> Callable[[str], tuple[_Choice, ...] | None]:
    """Return a parser of words separated by spaces, in the order of `kind`."""

    def parse(text: str) -> tuple[_Choice, ...] | None:
        words = set(text.split())
        return tuple(word for word in kind if word in words) if words <= set(kind) else None

    return parse


abilities = choices(Ability)


def words(text: str) -> tuple[str, ...]:
    """Return what spaces separate, each once, in the order written."""
    return tuple(dict.fromkeys(text.split()))


def fen(text: str) -> int | None:
    """Return whole fen, not negative; an empty cell is 0."""
    amount = signed_fen(text)
    return None if amount is None or amount < 0 else amount


def signed_fen(text: str) -> int | None:
    if not text:
        return 0
    return int(text) if re.fullmatch(r"-?\d{1,12}", text, re.ASCII) and abs(int(text)) <= MOST_FEN else None


def weight(text: str) -> Decimal | None:
    """Return a factor with two digits after the point; an empty cell is 1.00."""
    return Decimal(text or "1").quantize(Decimal("0.01")) if re.fullmatch(_WEIGHT, text, re.ASCII) else None


def yes_or_no(text: str) -> bool | None:
    """Return a flag; an empty cell is no."""
    return {"yes": True, "no": False, "": False}.get(text)


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


def page(text: str) -> str | None:
    """Return the address of a page on the web; an empty cell is none."""
    return text if not text or _PAGE.fullmatch(text) else None


def keyword(text: str) -> str | None:
    return text if not text or (KEYWORD.fullmatch(text) and text not in _RESERVED_KEYWORDS) else None
