"""The layout of a matrix in CSV: its records as a spreadsheet counts them, its head line and its column headers."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from services.recommendation.engine.feel import FieldType, did_you_mean, listed
from services.recommendation.engine.matrix.table import HitPolicy, Input, Output
from shared.errors import Violation

OUTPUT_MARK = "=>"
NOTE = "note"


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
class Head:
    """The first line of the file, as far as it is valid."""

    purpose: str
    hit_policy: HitPolicy
    name: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The meaning of each column by its place; `known` also holds the places of the note and of refused headers."""

    inputs: Mapping[int, Input]
    outputs: Mapping[int, Output]
    note: int | None
    known: frozenset[int]


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


def read_head(record: Record, purposes: Mapping[str, object], faults: Faults) -> Head | None:
    """Return the head line `matrix,<purpose>,<hit policy>,<name>`, or None if a part of it is unknown."""
    purpose, policy, name = (record.cell(place) for place in (1, 2, 3))
    if purpose not in purposes:
        faults.add(record.row, _unknown("purpose", purpose, list(purposes)))
    policies = [policy.value for policy in HitPolicy]
    if policy.upper() not in policies:
        faults.add(record.row, _unknown("hit policy", policy, policies))
    if not name:
        faults.add(record.row, "the name of the matrix is missing: it is the fourth cell of this line")
    if any(record.cells[4:]):
        faults.add(record.row, f'nothing may follow the name, but "{",".join(record.cells[4:])}" does')
    valid = purpose in purposes and policy.upper() in policies
    return Head(purpose, HitPolicy(policy.upper()), name) if valid else None


def read_columns(
    record: Record, fields: Mapping[str, FieldType], expected: Sequence[Output] | None, faults: Faults
) -> Columns:
    """Return the columns under their headers; without `expected` outputs (the purpose is unknown) those are not looked at."""
    inputs: dict[int, Input] = {}
    outputs: dict[int, Output] = {}
    note = None
    headers = [written_alike(cell) for cell in record.cells]
    for place, header in enumerate(headers):
        if header and header in headers[:place]:
            faults.add(record.row, "this column is there twice", column=header)
        elif header == NOTE:
            note = place
        elif header.startswith(OUTPUT_MARK):
            if expected is not None and (output := _output(record.row, header, expected, faults)):
                outputs[place] = output
        elif header and (column := _input(record.row, header, fields, faults)):
            inputs[place] = column
    _check_complete(record, outputs, expected, faults)
    return Columns(inputs, outputs, note, frozenset(place for place, header in enumerate(record.cells) if header))


def written_alike(cell: str) -> str:
    """Return the header with outputs written in one way, `=> name`."""
    return f"{OUTPUT_MARK} {cell.removeprefix(OUTPUT_MARK).strip()}" if cell.startswith(OUTPUT_MARK) else cell


def _output(row: int, header: str, expected: Sequence[Output], faults: Faults) -> Output | None:
    name = header.removeprefix(OUTPUT_MARK).strip()
    known = {output.name: output for output in expected}
    if name not in known:
        faults.add(row, _unknown("output of this purpose", name, list(known)), column=header)
    return known.get(name)


def _input(row: int, header: str, fields: Mapping[str, FieldType], faults: Faults) -> Input | None:
    if field_type := fields.get(header):
        return Input(header, field_type)
    mark = "; the header of an output begins with =>" if header.startswith(("=", ">", "-", "＝")) else ""
    faults.add(row, f'no field is called "{header}"{did_you_mean(header, fields)}{mark}', column=header)
    return None


def _check_complete(
    record: Record,
    outputs: Mapping[int, Output],
    expected: Sequence[Output] | None,
    faults: Faults,
) -> None:
    is_output = [header.startswith(OUTPUT_MARK) for header in record.cells]
    if not any(not out and header not in {"", NOTE} for out, header in zip(is_output, record.cells, strict=True)):
        faults.add(record.row, "no column is an input: head at least one with the name of a field")
    if not any(is_output):
        faults.add(record.row, f'no column is an output: head at least one with "{OUTPUT_MARK} <name>"')
    given = {output.name for output in outputs.values()}
    for output in expected or ():
        if output.required and output.name not in given:
            faults.add(record.row, f'the column "{OUTPUT_MARK} {output.name}" is missing: this purpose needs it')


def _unknown(what: str, word: str, known: list[str]) -> str:
    return f'"{word}" is no {what}' + (did_you_mean(word, known) or f": expected one of {listed(known)}")
