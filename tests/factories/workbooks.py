"""Workbooks as planners keep them: numbers, dates, formulas and merged cells."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet


@dataclass(frozen=True)
class Formula:
    """A formula with the value that Excel computed; None where it never did."""

    text: str
    value: str | float | bool | None


@dataclass(frozen=True)
class Merged:
    """A value in a block of cells."""

    value: str
    rows: int
    columns: int = 1


@dataclass(frozen=True)
class Noted:
    """A text with a note pinned to its cell."""

    value: str
    note: str


Cell = str | float | bool | date | Formula | Merged | Noted | None


def workbook(sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> bytes:
    """Return a workbook of these sheets, row for row; a text is written as a text whatever it looks like."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as made:
        as_date = made.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    _write(sheet, row, column, cell, as_date)
    return file.getvalue()


def _write(sheet: Worksheet, row: int, column: int, cell: Cell, as_date: Format) -> None:
    match cell:
        case None:
            pass
        case bool():
            sheet.write_boolean(row, column, cell)
        case str():
            sheet.write_string(row, column, cell)
        case Formula():
            sheet.write_formula(row, column, cell.text, None, "" if cell.value is None else cell.value)
        case Merged():
            sheet.merge_range(row, column, row + cell.rows - 1, column + cell.columns - 1, cell.value)
        case Noted():
            sheet.write_string(row, column, cell.value)
            sheet.write_comment(row, column, cell.note)
        case datetime():
            sheet.write_datetime(row, column, cell, as_date)
        case date():
            sheet.write_datetime(row, column, datetime.combine(cell, time()), as_date)
        case _:
            sheet.write_number(row, column, cell)
