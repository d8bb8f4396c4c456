"""Writes sheets as files that a spreadsheet opens and that come in again as the same tables."""

import io
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.recommendation.engine.matrix.csv_layout import all_rows
from services.recommendation.engine.sheets.document import Sheet
from services.recommendation.engine.sheets.dress import ColumnDress, Dress

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_NARROWEST, _WIDEST = 8, 40
_ROWS_TO_COME = 500
"""Rows below the last one in which a planner may choose words, too."""
_LONGEST_LIST, _LONGEST_HINT, _LONGEST_TITLE, _LONGEST_NAME = 255, 255, 32, 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]|^'|'$")
_CREATED = datetime(2026, 1, 1, tzinfo=UTC)
"""The same sheets give the same bytes."""


def as_csv(sheet: Sheet) -> bytes:
    """Return the text in UTF-8 with the mark by which Excel knows it."""
    return sheet.text.encode("utf-8-sig")


def as_workbook(sheets: Sequence[Sheet], dresses: Sequence[Dress | None] = ()) -> bytes:
    """Return a workbook of these sheets, row for row, names made unique; each cell is a text, so that nothing is reinterpreted.

    A sheet with a dress has its headers in bold and in sight, and words to choose from in its columns.
    """
    from xlsxwriter import Workbook  # the server starts without it

    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": _CREATED.replace(tzinfo=None)})
        as_text = {"num_format": "@", "text_wrap": True, "valign": "top"}
        plain = workbook.add_format(as_text)
        bold = workbook.add_format({**as_text, "bold": True, "bg_color": "#DDEBF7"})
        worn = [*dresses, *([None] * (len(sheets) - len(dresses)))]
        for name, sheet, dress in zip(_titles(sheets), sheets, worn, strict=True):
            worksheet = workbook.add_worksheet(name)
            last = _write(worksheet, sheet, plain, bold, heading=dress.heading if dress else 0)
            if dress:
                worksheet.freeze_panes(dress.heading, 0)
                for column in dress.columns:
                    _offer(worksheet, column, dress.heading, last + _ROWS_TO_COME)
    return file.getvalue()


def _write(worksheet: "Worksheet", sheet: Sheet, plain: "Format", bold: "Format", *, heading: int) -> int:
    """Write all rows and return the number of the last one."""
    widths: dict[int, int] = {}
    row = 0
    for row, cells in all_rows(sheet.text):
        for place, cell in enumerate(cells):
            if cell:
                worksheet.write_string(row - 1, place, cell, bold if row == heading else plain)
                if not cell.startswith("#"):
                    widths[place] = max(widths.get(place, _NARROWEST), _width(cell) + 2)
    for place, width in widths.items():
        worksheet.set_column(place, place, min(width, _WIDEST))
    return row


def _offer(worksheet: "Worksheet", column: ColumnDress, heading: int, last: int) -> None:
    words = [word.replace('"', '""') for word in column.words]  # the list stands in a formula's quotes
    offered = words if len(",".join(words)) <= _LONGEST_LIST and not any("," in word for word in words) else []
    worksheet.data_validation(
        heading,
        column.place,
        last,
        column.place,
        {
            **({"validate": "list", "source": offered} if offered else {"validate": "any"}),
            "show_error": column.strict,
            "input_title": column.title[:_LONGEST_TITLE],
            "input_message": column.hint[:_LONGEST_HINT],
        },
    )


def _width(cell: str) -> int:
    """Return the columns that the longest line takes: a Chinese character takes two."""
    return max(
        sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in line) for line in cell.split("\n")
    )


def _titles(sheets: Sequence[Sheet]) -> list[str]:
    """Return names as Excel takes them, those that are there before with a number behind them."""
    names: list[str] = []
    for sheet in sheets:
        plain = _FORBIDDEN.sub("_", sheet.name)[: _LONGEST_NAME - 3] or "_"
        number, name = 1, plain
        while name.casefold() in {each.casefold() for each in names}:
            number += 1
            name = f"{plain} {number}"
        names.append(name)
    return names
