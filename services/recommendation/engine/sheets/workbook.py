"""Reads the sheets of a workbook as CSV, row for row, so that a row of the CSV has the number that Excel shows.

Merged cells count for all their rows. Numbers are read as stored (a percentage of 86% is 0.86), to the 15 digits that Excel
keeps; dates become date("…") in the inputs of a matrix and 2026-01-31 elsewhere; a formula counts for its value. A note pinned to
a cell of a rule joins what its column `note` says; one pinned elsewhere becomes a comment below the last row.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from python_calamine import CalamineError, CalamineSheet, load_workbook
from xlsxwriter.utility import xl_rowcol_to_cell

from services.recommendation.engine.sheets.cell_text import CellValue
from services.recommendation.engine.sheets.cells import Broken, WorkbookError, broken_cells
from services.recommendation.engine.sheets.grid import Grid
from services.recommendation.engine.sheets.notes import CellNote, cell_notes
from shared.errors import InvalidInput, Violation


def read_workbook(content: bytes, *, file_name: str) -> Sequence[tuple[str, str]]:
    """Return name and CSV of each sheet. Raises InvalidInput with every cell that has no value though it should."""
    where = file_name or "content"
    try:
        broken = broken_cells(content)
        notes = cell_notes(content)
        with load_workbook(io.BytesIO(content)) as workbook:
            sheets = [workbook.get_sheet_by_name(name) for name in broken]
            faults = [fault for sheet in sheets for fault in _faults(sheet, broken[sheet.name])]
            if faults:
                prefix = f"{file_name}, " if file_name else ""
                raise InvalidInput([Violation(prefix + fault.field, fault.description) for fault in faults])
            return [(sheet.name, _csv(sheet, notes.get(sheet.name, ()))) for sheet in sheets]
    except (WorkbookError, CalamineError) as error:
        raise InvalidInput.of(where, str(error)) from error


def _faults(sheet: CalamineSheet, broken: Sequence[Broken]) -> Iterator[Violation]:
    for cell in broken:
        yield Violation(f'sheet "{sheet.name}", cell {cell.reference}', cell.why)
    heading = _grid(sheet).heading
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if right > left and bottom > heading:
            block = f"{xl_rowcol_to_cell(top, left)}:{xl_rowcol_to_cell(bottom, right)}"
            what = "a merged block may take several rows, not several columns: unmerge it and fill in each column"
            yield Violation(f'sheet "{sheet.name}", cells {block}', what)


def _csv(sheet: CalamineSheet, notes: Sequence[CellNote]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for texts in _grid(sheet).texts(notes):
        while texts and not texts[-1]:
            texts.pop()
        writer.writerow(texts)
    return file.getvalue().rstrip("\n") + "\n"


def _grid(sheet: CalamineSheet) -> Grid:
    merged = sheet.merged_cell_ranges or ()
    return Grid(_rows(sheet), frozenset(top for (top, left), (_, right) in merged if right > left))


def _rows(sheet: CalamineSheet) -> list[list[CellValue]]:
    """Return all rows from the first on, with merged blocks filled downwards in their first column."""
    rows: list[list[CellValue]] = [list(row) for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if top < len(rows) and left < len(rows[top]):
            value = rows[top][left]
            rows += [[""] * (left + 1) for _ in range(len(rows), bottom + 1)]
            for row in rows[top + 1 : bottom + 1]:
                row[left] = value
    return rows
