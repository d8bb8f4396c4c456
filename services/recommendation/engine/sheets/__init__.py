"""Planners' files as they come and go: CSV in UTF-8 or GBK, and workbooks of Excel, whose sheets are read as the same CSV."""

from services.recommendation.engine.sheets.document import (
    Document,
    Sheet,
    catalogue_sheet,
    matrix_sheets,
    products_sheet,
)
from services.recommendation.engine.sheets.intake import read_document
from services.recommendation.engine.sheets.write import as_csv, as_workbook

__all__ = [
    "Document",
    "Sheet",
    "as_csv",
    "as_workbook",
    "catalogue_sheet",
    "matrix_sheets",
    "products_sheet",
    "read_document",
]
