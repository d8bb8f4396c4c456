"""A file is read by what it is, and one that cannot be read says how to save it."""

import pytest

from services.recommendation.engine.sheets import Document, matrix_sheets, read_document
from shared.errors import InvalidInput

TEXT = "matrix,retention,FIRST,存量保有政策\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_text_is_read_in_every_encoding_that_a_planners_excel_writes(encoding: str) -> None:
    (sheet,) = matrix_sheets(Document(TEXT.encode(encoding)))
    assert (sheet.name, sheet.text) == ("", TEXT)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (TEXT.encode("utf-16"), "this is text in UTF-16: save it as CSV UTF-8, or as .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "this is an old workbook, or one with a password: save it as .xlsx"),
        (b"PK\x03\x04 and then nothing", "this is no workbook of Excel: File is not a zip file"),
        (b"\xff\xff\xff", "this is neither UTF-8 nor GBK: save it as CSV UTF-8, or as .xlsx"),
        (b"matrix\n\x00", "the character U+0000 is no text: save the sheet as CSV or .xlsx"),
    ],
)
def test_a_file_that_cannot_be_read_says_how_to_save_it(content: bytes, remedy: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_document(Document(content, "plan"), choose=matrix_sheets, read=str, reason="ERROR_REASON_MATRIX_INVALID")
    assert refused.value.reason == "ERROR_REASON_MATRIX_INVALID"
    assert refused.value.violations[0].description.startswith(remedy)


def test_a_text_that_no_spreadsheet_holds_is_refused() -> None:
    text = TEXT + "x" * 32_768
    with pytest.raises(InvalidInput, match=r'plan.csv, row 2: "x+…" has 32,768 characters: expected 32,767'):
        read_document(
            Document(text.encode(), "plan.csv"), choose=matrix_sheets, read=str, reason="ERROR_REASON_MATRIX_INVALID"
        )
