"""Reads the sheets of a document one by one, and says all that is wrong with all of them at once."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from services.recommendation.engine.dmn import place_of
from services.recommendation.engine.matrix.csv_layout import Faults, column_letter, parts_of, read_records
from services.recommendation.engine.matrix.csv_words import header_text
from services.recommendation.engine.sheets.document import Document, Sheet
from shared.errors import InvalidInput, Violation

_Table = TypeVar("_Table")

LONGEST_CELL = 32_767
"""Characters that a cell of Excel holds: what comes in must be able to go out."""


def read_document(
    document: Document,
    *,
    choose: Callable[[Document], Sequence[Sheet]],
    read: Callable[[str], _Table],
    reason: str,
) -> Sequence[tuple[Sheet, _Table]]:
    """Return each chosen sheet with what `read` makes of its text.

    Raises InvalidInput, for this reason, with every violation of every sheet: file, sheet, row, column letter and heading.
    """
    tables = []
    violations: list[Violation] = []
    try:
        sheets = choose(document)
    except InvalidInput as error:
        raise InvalidInput(error.violations, reason=reason) from error
    for sheet in sheets:
        found = list(_too_long(sheet))
        try:
            tables.append((sheet, read(sheet.text)))
        except InvalidInput as error:
            found += error.violations
        violations += [
            Violation(_where(violation, sheet, document.file_name), violation.description) for violation in found
        ]
    if violations:
        raise InvalidInput(violations, reason=reason)
    return tables


def _too_long(sheet: Sheet) -> Iterator[Violation]:
    for record in read_records(sheet.text, Faults()):
        for cell in record.cells:
            if len(cell) > LONGEST_CELL:
                yield Violation(
                    f"row {record.row}", f'"{cell[:20]}…" has {len(cell):,} characters: expected {LONGEST_CELL:,}'
                )


def _where(violation: Violation, sheet: Sheet, file_name: str) -> str:
    """Return the place of a violation; in a workbook the heading of a column follows its letter, in DMN a rule is told."""
    if sheet.places is not None:
        place = place_of(violation.field, sheet.name, sheet.places)
        return f"{file_name}, {place}" if file_name else place
    row, _, heading = violation.field.partition(", column ")
    if not sheet.name:
        return ", ".join(part for part in (file_name, violation.field) if part)
    column = f"column {_column(sheet, heading)}" if heading else ""
    return ", ".join(part for part in (file_name, f'sheet "{sheet.name}"', row, column) if part)


def _column(sheet: Sheet, heading: str) -> str:
    """Return the letter of a column with its heading behind it; what is no heading is a letter already."""
    records = list(read_records(sheet.text, Faults()))
    headings = [record for record in (parts_of(records).headers, records[0]) if record]
    places = [place for record in headings for place, cell in enumerate(record.cells) if header_text(cell) == heading]
    return f"{column_letter(places[0])} ({heading})" if places else heading
