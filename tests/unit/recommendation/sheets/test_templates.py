"""The template of each purpose comes in as it stands, and shows all that the contract offers."""

import io
import zipfile

import pytest

from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.domain import Purpose
from services.recommendation.engine.rulebook import OUTPUTS, PURPOSE_TITLES, offered, read_matrix
from services.recommendation.engine.sheets import Document, Sheet, as_workbook, matrix_sheets, read_document
from services.recommendation.engine.sheets.dress import dress
from services.recommendation.engine.sheets.workbook import read_workbook
from services.recommendation.engine.template import EXAMPLES, FIELDS_SHEET, template

FIELDS = matrix_fields()


@pytest.mark.parametrize("purpose", Purpose)
def test_a_template_comes_in_as_a_matrix_of_its_purpose_under_chinese_headers(purpose: Purpose) -> None:
    content = template(purpose, fields=FIELDS)
    ((sheet, table),) = read_document(
        Document(content, "template.xlsx"),
        choose=matrix_sheets,
        read=lambda text: read_matrix(text, fields=FIELDS),
        reason="ERROR_REASON_MATRIX_INVALID",
    )
    assert (table.purpose, sheet.name) == (purpose, PURPOSE_TITLES[purpose])
    assert [column.name for column in table.inputs] == list(EXAMPLES[purpose].tests)
    headers = sheet.text.splitlines()[table.rules[0].id - 2]
    assert all(field.title in headers for name, field in FIELDS.items() if name in EXAMPLES[purpose].tests)
    assert len(table.rules) == (1 if EXAMPLES[purpose].otherwise is None else 2)


@pytest.mark.parametrize("purpose", Purpose)
def test_its_second_sheet_lists_every_field_and_output(purpose: Purpose) -> None:
    sheets = dict(read_workbook(template(purpose, fields=FIELDS), file_name=""))
    lines = sheets[FIELDS_SHEET].splitlines()
    told = {line.split(",")[1]: line for line in lines[2:]}
    expected = [*offered(purpose, FIELDS), *(f"=> {output.name}" for output in OUTPUTS[purpose])]
    assert list(told) == expected
    assert told["brand"].startswith("品牌,brand,string,,")
    assert "GoTone" in told["brand"]
    assert told["tenure_months"].startswith("在网月数,tenure_months,number,months,")
    assert "no lock-in contract" in told["contract_months_left"]


def markup(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("xl/worksheets/sheet1.xml").decode()


def test_a_matrix_goes_out_with_its_headers_in_sight_and_words_to_choose_from() -> None:
    text = "matrix,priority,FIRST,x\n\n品牌,红名单,在网月数,=> first,=> second,note\n-,-,-,retention,new_service,\n"
    shown = dress(text, fields=FIELDS, outputs=OUTPUTS, titles=PURPOSE_TITLES)
    found = markup(as_workbook([Sheet("priority", text)], [shown]))
    assert '<pane ySplit="3" topLeftCell="A4"' in found
    assert '<formula1>"-,""GoTone"",""M-Zone"",""Easyown"""</formula1>' in found
    assert '<formula1>"-,true,false"</formula1>' in found
    (zones,) = {part for part in found.split("<dataValidation ") if 'sqref="D4:D505"' in part}
    assert 'showErrorMessage="1"' in zones
    assert '<formula1>"retention,new_service,voice_usage"</formula1>' in zones
    (months,) = {part for part in found.split("<dataValidation ") if 'sqref="C4:C505"' in part}
    assert 'prompt="number in months"' in months
    assert "formula1" not in months


def test_what_is_no_matrix_wears_nothing_and_an_unknown_header_is_left_open() -> None:
    assert dress("policy\n", fields=FIELDS, outputs=OUTPUTS, titles={}) is None
    shown = dress("matrix,old,FIRST,x\nbrand,gone,=> policy\n", fields=FIELDS, outputs=OUTPUTS, titles={})
    assert shown is not None
    assert [column.title for column in shown.columns] == ["brand"]


def test_sheets_get_names_that_excel_takes() -> None:
    names = ["retention", "Retention", "a/b", "x" * 40, ""]
    content = as_workbook([Sheet(name, "#\n") for name in names])
    assert [name for name, _ in read_workbook(content, file_name="")] == [
        "retention", "Retention 2", "a_b", "x" * 28, "_"
    ]  # fmt: skip
