"""A planner's file and the sheets in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.recommendation.domain import Purpose
from services.recommendation.engine.dmn import decision_sheets, is_xml
from services.recommendation.engine.feel import did_you_mean
from services.recommendation.engine.matrix.csv_layout import Faults, Record, is_matrix, read_records
from services.recommendation.engine.sheets.lists import read_lists, with_lists
from shared.errors import InvalidInput

POLICIES, PRODUCTS = "policies", "products"
LISTS = frozenset({"lists", "清单", "列表"})
"""Sheets of a workbook that are no matrices."""

_WORKBOOK, _OLD_WORKBOOK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_NO_TEXT = re.compile("[\x00\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Document:
    """A file: CSV in UTF-8 or GBK (GB18030), a workbook (.xlsx), or DMN. Its name is told with what is wrong in it."""

    content: bytes
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as the text of a CSV file, row for row; a CSV file is one sheet without a name.

    Of a decision of DMN, `places` says what each row was there.
    """

    name: str
    text: str
    places: Mapping[int, str] | None = None


def matrix_sheets(document: Document) -> Sequence[Sheet]:
    """Return the matrices of a document: a CSV file is one; in a workbook every sheet is one that begins with `matrix`; in DMN
    every decision table.

    What its sheet lists holds joins each matrix that names it. The sheets policies and products, empty ones, and those that
    begin, or whose name begins, with `#` are passed over. Raises InvalidInput for a file that cannot be read, one without a
    matrix, and a sheet that is neither.
    """
    if is_xml(document.content):
        return _decisions(document)
    sheets = _sheets(document)
    if not sheets[0].name:
        return sheets
    firsts = {sheet.name: _first(sheet) for sheet in sheets}
    matrices = [
        sheet for sheet in sheets if (first := firsts[sheet.name]) and is_matrix(first) and not _is_notes(sheet)
    ]
    others = [sheet.name for sheet in sheets if sheet not in matrices and firsts[sheet.name] and not _own(sheet)]
    if others or not matrices:
        name = others[0] if others else sheets[0].name
        expected = f"expected a matrix, whose first row reads matrix | PURPOSE | HIT POLICY | NAME, or a sheet {POLICIES}, {PRODUCTS} or lists"
        raise InvalidInput.of(
            _where(document, name), f'it begins with "{_word(firsts[name])}": {expected}; begin a sheet of notes with #'
        )
    lists = [
        found for sheet in sheets if _is_lists(sheet) for found in read_lists(sheet.text, _where(document, sheet.name))
    ]
    return [
        replace(sheet, text=with_lists(sheet.text, lists, _where(document, sheet.name))) if lists else sheet
        for sheet in matrices
    ]


def catalogue_sheet(document: Document, name: str) -> Sheet:
    """Return the sheet of this name; a CSV file, and the only sheet of a workbook, is that whatever its name.

    Raises InvalidInput for a file that cannot be read, and a workbook of several sheets without it.
    """
    sheets = _sheets(document)
    named = [sheet for sheet in sheets if sheet.name.strip().casefold() == name]
    if found := named or (sheets if len(sheets) == 1 else []):
        return found[0]
    names = [sheet.name for sheet in sheets]
    raise InvalidInput.of(
        document.file_name or "workbook", f'no sheet is called "{name}"{did_you_mean(name, names)}: {", ".join(names)}'
    )


def products_sheet(document: Document) -> Sheet | None:
    """Return the sheet of products that a workbook of policies brings along, if it does. Raises InvalidInput as above."""
    return next((sheet for sheet in _sheets(document) if sheet.name.strip().casefold() == PRODUCTS), None)


def _sheets(document: Document) -> Sequence[Sheet]:
    if document.content.startswith(_WORKBOOK):
        from services.recommendation.engine.sheets.workbook import read_workbook  # the server starts without it

        sheets = [Sheet(*sheet) for sheet in read_workbook(document.content, file_name=document.file_name)]
    else:
        sheets = [Sheet("", _text(document))]
    for sheet in sheets:
        _refuse_odd(sheet, document)
    return sheets


def _decisions(document: Document) -> Sequence[Sheet]:
    found = decision_sheets(document.content, file_name=document.file_name, purposes=list(Purpose))
    return [Sheet(each.decision, each.text, each.places) for each in found]


def _refuse_odd(sheet: Sheet, document: Document) -> None:
    """Raise InvalidInput at the first character that the database or a spreadsheet cannot hold."""
    if odd := _NO_TEXT.search(sheet.text):
        row = f"row {sheet.text.count(chr(10), 0, odd.start()) + 1}"
        where = f"{_where(document, sheet.name)}, {row}" if sheet.name else row
        raise InvalidInput.of(
            where, f"the character U+{ord(odd.group()):04X} is no text: save the sheet as CSV or .xlsx"
        )


def _text(document: Document) -> str:
    """Return the text of CSV. UTF-8 is so strict that what is in GBK cannot be taken for it."""
    where = document.file_name or "content"
    if document.content.startswith(_OLD_WORKBOOK):
        raise InvalidInput.of(
            where, "this is an old workbook, or one with a password: save it as .xlsx without password"
        )
    if document.content.startswith(_UTF_16):
        raise InvalidInput.of(where, "this is text in UTF-16: save it as CSV UTF-8, or as .xlsx")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return document.content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidInput.of(where, "this is neither UTF-8 nor GBK: save it as CSV UTF-8, or as .xlsx")


def _first(sheet: Sheet) -> Record | None:
    return next(read_records(sheet.text, Faults()), None)


def _word(record: Record | None) -> str:
    return next((cell for cell in record.cells if cell), "") if record else ""


def _own(sheet: Sheet) -> bool:
    return sheet.name.strip().casefold() in {POLICIES, PRODUCTS} or _is_notes(sheet) or _is_lists(sheet)


def _is_notes(sheet: Sheet) -> bool:
    return sheet.name.strip().startswith("#")


def _is_lists(sheet: Sheet) -> bool:
    return sheet.name.strip().casefold() in LISTS


def _where(document: Document, sheet: str) -> str:
    return f'{document.file_name}, sheet "{sheet}"' if document.file_name else f'sheet "{sheet}"'
