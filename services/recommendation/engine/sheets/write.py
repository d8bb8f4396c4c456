"""Writes sheets as files that a spreadsheet opens and that come in again as the same tables."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

from services.recommendation.engine.matrix.csv_layout import all_rows
from services.recommendation.engine.sheets.document import Sheet

_WIDEST = 40
_CREATED = datetime(2026, 1, 1, tzinfo=UTC)
"""The same sheets give the same bytes."""


def as_csv(sheet: Sheet) -> bytes:
    """Return the text in UTF-8 with the mark by which Excel knows it."""
    return sheet.text.encode("utf-8-sig")


def as_workbook(sheets: Sequence[Sheet]) -> bytes:
    """Return a workbook of these sheets, row for row, names made unique; each cell is a text, so that nothing is reinterpreted."""
    from xlsxwriter import Workbook  # the server starts without it

    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": _CREATED.replace(tzinfo=None)})
        as_text = workbook.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        for name, sheet in zip(_titles(sheets), sheets, strict=True):
            worksheet = workbook.add_worksheet(name)
            widths: dict[int, int] = {}
            for row, cells in all_rows(sheet.text):
                for place, cell in enumerate(cells):
                    if cell:
                        worksheet.write_string(row - 1, place, cell, as_text)
                        widths[place] = min(max(widths.get(place, 8), len(cell) + 2), _WIDEST)
            for place, width in widths.items():
                worksheet.set_column(place, place, width)
    return file.getvalue()


def _titles(sheets: Sequence[Sheet]) -> list[str]:
    """Return the sheets' names, those that are there before with a number behind them."""
    names: list[str] = []
    for sheet in sheets:
        count = sum(name.split(" ")[0] == sheet.name for name in names)
        names.append(f"{sheet.name} {count + 1}" if count else sheet.name)
    return names
