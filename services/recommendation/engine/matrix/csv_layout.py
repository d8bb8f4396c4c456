"""The layout of a planner's sheet in CSV: its records as a spreadsheet counts them, and which part of a matrix each is."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from services.recommendation.engine.matrix.csv_words import OUTPUT_MARK, Line, header_text, line_of, own_header
from shared.errors import Violation


@dataclass(frozen=True, slots=True)
class Faults:
    """Collects what is wrong with a file, each fault with its row in the spreadsheet and, where known, its column."""

    found: list[Violation] = field(default_factory=list)

    def add(self, row: int, description: str, *, column: str = "") -> None:
        self.found.append(Violation(f"row {row}, column {column}" if column else f"row {row}", description))


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the spreadsheet, counted from 1, its cells without the white space around them."""

    row: int
    cells: tuple[str, ...]

    def cell(self, place: int) -> str:
        """Return the cell at a place; spreadsheets leave out trailing empty ones."""
        return self.cells[place] if place < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Parts:
    """A matrix cut into its parts; lists, which every part may name, may also stand below the rules."""

    head: Record
    declarations: Sequence[Record]
    headers: Record | None
    rules: Sequence[Record]


def read_records(text: str, faults: Faults) -> Iterator[Record]:
    """Yield the rows that are neither empty nor comments. A row with broken quotes is a fault and ends the reading."""
    row = 0
    try:
        for row, cells in all_rows(text):
            if any(cells) and not cells[0].startswith("#"):
                yield Record(row, cells)
    except csv.Error as error:
        faults.add(row + 1, f"not a line of CSV ({error}): a quote inside a quoted cell must be doubled")


def all_rows(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield every row with its number, comments as one cell. Raises csv.Error at a row with broken quotes."""
    lines = iter(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    for row, line in enumerate(lines, start=1):
        if line.startswith("#"):  # an unquoted comment may hold odd quotes, which are no CSV
            yield row, (line.strip(),)
            continue
        # One record may take several lines, where a quoted cell holds a line break; a spreadsheet shows one row.
        raw = next(csv.reader(chain([line], lines), strict=True))
        yield row, tuple(cell.replace("\r\n", "\n").replace("\r", "\n").strip() for cell in raw)


def comments(text: str) -> Mapping[int, tuple[str, ...]]:
    """Return the rows of a readable file that are comments, whatever is in their cells."""
    return {row: cells for row, cells in all_rows(text) if cells and cells[0].startswith("#")}


def parts_of(records: Sequence[Record]) -> Parts:
    """Return the parts of a matrix, whose first record is its head: its headers are the first line with an output among them."""
    above = list(records[1:])
    heading = next((place for place, record in enumerate(above) if _has_output(record)), None)
    if heading is None:
        heading = next((place for place, record in enumerate(above) if line_of(record.cell(0)) is None), len(above))
    headers, rules = (above[heading], above[heading + 1 :]) if heading < len(above) else (None, [])
    below: list[Record] = []
    while headers and rules and _is_list(rules[-1], headers):
        below.insert(0, rules.pop())
    return Parts(records[0], [*above[:heading], *below], headers, rules)


def lists_may_follow(headers: Record) -> bool:
    """Tell whether a `list` in the first column can be no rule: only where the column is tested, as no cell reads like that."""
    first = header_text(headers.cell(0))
    return not first.startswith(OUTPUT_MARK) and own_header(first) is None


def is_matrix(record: Record) -> bool:
    """Tell whether the record is the head of a matrix."""
    return line_of(record.cell(0)) is Line.MATRIX


def column_letter(place: int) -> str:
    """Return what a spreadsheet calls the column at a place: 0 is A, 26 is AA."""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _has_output(record: Record) -> bool:
    return any(header_text(cell).startswith(OUTPUT_MARK) for cell in record.cells)


def _is_list(record: Record, headers: Record) -> bool:
    return line_of(record.cell(0)) is Line.LIST and lists_may_follow(headers)
