"""Reads the sheets of a workbook as CSV, row for row, so that a row of the CSV has the number that Excel shows.

Merged cells count for all their rows. Numbers are read as stored (a percentage of 86% is 0.86), to the 15 digits that Excel
keeps; dates become date("…") in the inputs of a matrix and 2026-01-31 elsewhere; a formula counts for its value.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from python_calamine import CalamineError, CalamineSheet, load_workbook
from xlsxwriter.utility import xl_rowcol_to_cell

from services.recommendation.engine.matrix.csv_layout import NOTE, OUTPUT_MARK
from services.recommendation.engine.sheets.cell_text import CellValue, heading_text, plain_text, test_text
from services.recommendation.engine.sheets.cells import Broken, WorkbookError, broken_cells
from shared.errors import InvalidInput, Violation

Row = list[CellValue]


def read_workbook(content: bytes, *, file_name: str) -> Sequence[tuple[str, str]]:
    """Return name and CSV of each sheet. Raises InvalidInput with every cell that has no value though it should."""
    where = file_name or "content"
    try:
        broken = broken_cells(content)
        with load_workbook(io.BytesIO(content)) as workbook:
            sheets = [workbook.get_sheet_by_name(name) for name in broken]
            faults = [fault for sheet in sheets for fault in _faults(sheet, broken[sheet.name])]
            if faults:
                prefix = f"{file_name}, " if file_name else ""
                raise InvalidInput([Violation(prefix + fault.field, fault.description) for fault in faults])
            return [(sheet.name, _csv(sheet)) for sheet in sheets]
    except (WorkbookError, CalamineError) as error:
        raise InvalidInput.of(where, str(error)) from error


def _faults(sheet: CalamineSheet, broken: Sequence[Broken]) -> Iterator[Violation]:
    for cell in broken:
        yield Violation(f'sheet "{sheet.name}", cell {cell.reference}', cell.why)
    heading = _heading_row(_rows(sheet))
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if right > left and top > heading:
            block = f"{xl_rowcol_to_cell(top, left)}:{xl_rowcol_to_cell(bottom, right)}"
            what = "a merged block may take several rows, not several columns: unmerge it and fill in each column"
            yield Violation(f'sheet "{sheet.name}", cells {block}', what)


def _csv(sheet: CalamineSheet) -> str:
    rows = _rows(sheet)
    tests = _input_places(rows)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    heading = _heading_row(rows)
    for index, row in enumerate(rows):
        texts = [
            heading_text(value)
            if tests and index == heading
            else test_text(value)
            if place in tests and index > heading and not _is_comment(row)
            else plain_text(value)
            for place, value in enumerate(row)
        ]
        while texts and not texts[-1]:
            texts.pop()
        writer.writerow(texts)
    return file.getvalue().rstrip("\n") + "\n"


def _rows(sheet: CalamineSheet) -> list[Row]:
    """Return all rows from the first on, with merged blocks filled downwards in their first column."""
    rows: list[Row] = [list(row) for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if top < len(rows) and left < len(rows[top]):
            value = rows[top][left]
            rows += [[""] * (left + 1) for _ in range(len(rows), bottom + 1)]
            for row in rows[top + 1 : bottom + 1]:
                row[left] = value
    return rows


def _heading_row(rows: Sequence[Row]) -> int:
    """Return the place of the row with the headings: the second one used in a matrix, else the first; -1 without any."""
    used = [index for index, row in enumerate(rows) if any(value != "" for value in row) and not _is_comment(row)]
    is_matrix = bool(used) and plain_text(rows[used[0]][0]) == "matrix"
    return next(iter(used[is_matrix:]), -1)


def _input_places(rows: Sequence[Row]) -> frozenset[int]:
    """Return the columns that hold tests; none where the sheet is no matrix."""
    heading = _heading_row(rows)
    first = next((row for row in rows if any(value != "" for value in row) and not _is_comment(row)), [""])
    if heading < 0 or plain_text(first[0]) != "matrix":
        return frozenset()
    headings = enumerate(heading_text(value) for value in rows[heading])
    return frozenset(place for place, text in headings if text and text != NOTE and not text.startswith(OUTPUT_MARK))


def _is_comment(row: Row) -> bool:
    return bool(row) and plain_text(row[0]).startswith("#")
