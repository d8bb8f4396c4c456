"""Lists of products, counties and plans that a workbook keeps once, in a sheet of their own, for all its matrices.

The sheet has a column for each list, the list's name at its head. A matrix that names a list gets a line with its values below its
rules, so that it is complete in itself and its rows keep their numbers.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.recommendation.engine.matrix.csv_layout import (
    Faults,
    Record,
    column_letter,
    lists_may_follow,
    parts_of,
    read_records,
)
from services.recommendation.engine.matrix.csv_words import Line, line_of
from services.recommendation.engine.matrix.names import is_name
from services.recommendation.engine.matrix.output_cell import OutputCellError, read_constant
from shared.errors import InvalidInput, Violation


@dataclass(frozen=True, slots=True)
class SharedList:
    """The values of a list as they are written."""

    name: str
    values: tuple[str, ...]


def read_lists(text: str, where: str) -> Sequence[SharedList]:
    """Return the lists of a sheet. Raises InvalidInput with all that is wrong, each fault behind the place of the sheet."""
    faults = Faults()
    records = list(read_records(text, faults))
    lists = list(_columns(records, faults)) if records else []
    if faults.found:
        raise InvalidInput([Violation(f"{where}, {found.field}", found.description) for found in faults.found])
    return lists


def with_lists(text: str, lists: Sequence[SharedList], where: str) -> str:
    """Return the text of a matrix with a line for each list that it names. Raises InvalidInput where there is no place for it."""
    parts = parts_of(list(read_records(text, Faults())))
    own = {record.cell(1): record for record in parts.declarations if line_of(record.cell(0)) is Line.LIST}
    named = [found for found in lists if _names(text, found) and not _is_same(own.get(found.name), found)]
    if not named or parts.headers is None:
        return text
    for found in named:
        if found.name in own:
            what = f"the list {found.name} is also in the sheet of lists, with other values: expected one of them"
            raise InvalidInput.of(f"{where}, row {own[found.name].row}", what)
    if not lists_may_follow(parts.headers):
        what = f"it names {named[0].name}, a list, so its first column must be an input: move outputs and notes behind them"
        raise InvalidInput.of(f"{where}, row {parts.headers.row}", what)
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([Line.LIST.value, found.name, *found.values] for found in named)
    return text.rstrip("\n") + "\n" + file.getvalue()


def _columns(records: Sequence[Record], faults: Faults) -> Iterator[SharedList]:
    head = records[0]
    for place, name in enumerate(head.cells):
        letter = column_letter(place)
        cells = [(record.row, cell) for record in records[1:] if (cell := record.cell(place))]
        if not name and not cells:
            continue
        if not is_name(name):
            faults.add(
                head.row, f'"{name}": expected the name of a list, one word that begins with a letter', column=letter
            )
        elif name in head.cells[:place]:
            faults.add(head.row, f'"{name}" is the name of a list before: expected another one', column=letter)
        elif not cells:
            faults.add(head.row, f"the list {name} is empty: expected its values below its name", column=letter)
        else:
            _check(cells, letter, faults)
            yield SharedList(name, tuple(cell for _, cell in cells))


def _check(cells: Sequence[tuple[int, str]], letter: str, faults: Faults) -> None:
    seen: dict[str, int] = {}
    kinds = set()
    for row, cell in cells:
        try:
            kinds.add(literal := read_constant(cell).kind)
        except OutputCellError as error:
            faults.add(row, str(error), column=letter)
            continue
        if seen.setdefault(cell, row) != row:
            faults.add(row, f'"{cell}" is in row {seen[cell]}, too', column=letter)
        if len(kinds) > 1:
            faults.add(
                row, f'"{cell}": expected a {read_constant(cells[0][1]).kind}, as above, not a {literal}', column=letter
            )
            kinds.discard(literal)


def _names(text: str, found: SharedList) -> bool:
    return re.search(rf"(?<!\w){re.escape(found.name)}(?!\w)", text) is not None


def _is_same(record: Record | None, found: SharedList) -> bool:
    return record is not None and tuple(cell for cell in record.cells[2:] if cell) == found.values
