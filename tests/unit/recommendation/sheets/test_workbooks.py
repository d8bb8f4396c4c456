"""A workbook's sheets become the CSV they would be saved as; what Excel hides is refused by its cell."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.recommendation.engine.feel import FieldType, Kind
from services.recommendation.engine.matrix import DecisionTable, HitPolicy, Output, read_csv
from services.recommendation.engine.sheets import (
    Document,
    Sheet,
    as_csv,
    as_workbook,
    catalogue_sheet,
    matrix_sheets,
    read_document,
)
from services.recommendation.engine.sheets.cell_text import half_width, number_text
from services.recommendation.engine.sheets.cells import LARGEST_COLUMNS, LARGEST_ROWS
from services.recommendation.engine.sheets.dress import dress
from shared.errors import InvalidInput
from tests.factories.workbooks import Cell, Formula, Merged, workbook
from tests.unit.recommendation.feel.generated import FIELDS as DRAWN_FIELDS
from tests.unit.recommendation.matrix.generated import OUTPUTS as DRAWN_OUTPUTS
from tests.unit.recommendation.matrix.generated import DrawnTable, tables

FIELDS = {
    "tenure": FieldType.integer(),
    "arpu": FieldType.decimal(9, 2),
    "brand": FieldType.string(),
    "ends": FieldType(Kind.DATE),
    "seen": FieldType(Kind.DATETIME),
    "warned": FieldType(Kind.BOOLEAN),
}
OUTPUTS = {
    "retention": (
        Output("policy", FieldType.string("prepay", "renew"), required=False),
        Output("gift", FieldType.decimal(6, 2), required=False),
    )
}
HEAD = ["matrix", "retention", "FIRST", "保有"]
HEADINGS = ["tenure", "arpu", "brand", "ends", "seen", "warned", "→ policy", "=> gift", "note"]


def read(content: bytes, file_name: str = "") -> list[DecisionTable]:
    found = read_document(
        Document(content, file_name),
        choose=matrix_sheets,
        read=lambda text: read_csv(text, fields=FIELDS, outputs=OUTPUTS),
        reason="ERROR_REASON_MATRIX_INVALID",
    )
    return [table for _, table in found]


def read_rows(*rows: Sequence[Cell]) -> DecisionTable:
    (table,) = read(workbook({"保有": [HEAD, HEADINGS, *rows]}))
    return table


def faults(content: bytes, file_name: str = "") -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        read(content, file_name)
    return [(violation.field, violation.description) for violation in refused.value.violations]


def cells_of(table: DecisionTable) -> list[list[str]]:
    return [[cell.text for cell in rule.cells] for rule in table.rules]


def test_numbers_dates_and_truth_are_read_as_excel_stores_them() -> None:
    moment = datetime(2026, 1, 31, 8, 30)  # noqa: DTZ001 - Excel knows no zones
    table = read_rows([12.0, 0.1 + 0.2, '"GoTone"', date(2026, 1, 31), moment, False, "prepay", 12.5, 7.0])
    assert cells_of(table) == [
        ["12", "0.3", '"GoTone"', 'date("2026-01-31")', 'date and time("2026-01-31T08:30:00")', "false"]
    ]
    assert (table.rules[0].id, table.rules[0].outputs, table.rules[0].note) == (3, ("prepay", Decimal("12.5")), "7")


def test_a_formula_counts_for_its_value() -> None:
    table = read_rows([Formula("=6+6", 12.0), Formula('=">= "&100', ">= 100"), None, None, None, Formula("=1=1", True)])
    assert cells_of(table) == [["12", ">= 100", "-", "-", "-", "true"]]


def test_a_formula_without_a_value_is_refused_by_its_cell_and_not_taken_for_anything() -> None:
    rows: list[Sequence[Cell]] = [HEAD, HEADINGS, [Formula("=1/0", "#DIV/0!"), Formula("=A9", None)]]
    assert faults(workbook({"保有": rows}), "plan.xlsx") == [
        ('plan.xlsx, sheet "保有", cell A3', "#DIV/0!: the formula fails"),
        ('plan.xlsx, sheet "保有", cell B3', "=A9: the formula was never computed; open the file in Excel and save it"),
    ]


def test_a_merged_block_counts_for_all_its_rows() -> None:
    table = read_rows([Merged(">= 12", 3), "< 50"], [None, "[50..100)"], [None, ">= 100"], ["-", Merged("-", 2)], ["1"])
    assert [tests[:2] for tests in cells_of(table)] == [
        [">= 12", "< 50"],
        [">= 12", "[50..100)"],
        [">= 12", ">= 100"],
        ["-", "-"],
        ["1", "-"],
    ]


def test_a_block_over_several_columns_is_refused_below_the_headings_and_fine_above() -> None:
    rows: list[Sequence[Cell]] = [["matrix", "retention", "FIRST", Merged("保有", 1, 4)], HEADINGS, ["1"]]
    assert len(read(workbook({"保有": rows}))) == 1
    ((where, what),) = faults(workbook({"保有": [*rows, [None, Merged("-", 2, 3)]]}))
    assert where == 'sheet "保有", cells B4:D5'
    assert "not several columns" in what


def test_rules_have_the_row_numbers_that_excel_shows_whatever_is_empty_between_and_behind_them() -> None:
    rows: list[Sequence[Cell]] = [[], HEAD, ["# a comment"], HEADINGS, [], ["1"], [" "], ["# ≥"], ["2"], [""] * 30, []]
    (table,) = read(workbook({"保有": rows}))
    assert [rule.id for rule in table.rules] == [6, 9]


def test_what_input_methods_write_is_put_right_outside_quotes_only() -> None:
    table = read_rows(
        ["≥ １２", "（８６．．１００］", '“GoTone”，"M-Zone，≥"', None, None, None, "prepay", None, "≥ “x”，"]
    )
    assert cells_of(table)[0][:3] == [">= 12", "(86..100]", '"GoTone","M-Zone，≥"']
    assert table.rules[0].note == "≥ “x”，"


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("≤12", "<=12"),
        ("not（“a“）", 'not("a")'),
        ("”a”", '"a"'),
        ('“a "b" \\”', '"a \\"b\\" \\\\"'),
        ("“≥，”,“（”", '"≥，","（"'),
        ("12～15", "12~15"),
        ("", ""),
    ],
)
def test_half_width(text: str, read_as: str) -> None:
    assert half_width(text) == read_as


@given(st.decimals(-(10**11), 10**11, places=4, allow_nan=False, allow_infinity=False))
def test_a_number_of_up_to_15_digits_is_read_without_noise(number: Decimal) -> None:
    assert Decimal(number_text(float(number))) == number
    assert "E" not in number_text(float(number))


def test_faults_name_file_sheet_row_letter_heading_text_and_the_nearest_name() -> None:
    rows: list[Sequence[Cell]] = [
        HEAD,
        ["tenure", "arpuu", "=>policy"],
        [12.5, "-", "prepai"],
        [None, None, "renew", "left"],
    ]
    other: list[Sequence[Cell]] = [["matrix", "retension", "FIRST", "x"], ["tenure", "=> policy"], ["1", "renew"]]
    assert faults(workbook({"保有": rows, "two": other}), "plan.xlsx") == [
        ('plan.xlsx, sheet "保有", row 2, column B (arpuu)', 'no field is called "arpuu": did you mean "arpu"?'),
        (
            'plan.xlsx, sheet "保有", row 3, column A (tenure)',
            '"12.5": the column holds a whole number, and 12.5 has 1 (at character 1)',
        ),
        (
            'plan.xlsx, sheet "保有", row 3, column C (=> policy)',
            'prepai: "prepai" is not one of prepay, renew: did you mean "prepay"?',
        ),
        (
            'plan.xlsx, sheet "保有", row 4',
            '"left" stands in a column without header (a comma too many, or text without quotes)',
        ),
        ('plan.xlsx, sheet "two", row 1, column B', '"retension" is no purpose: did you mean "retention"?'),
    ]


def test_a_workbook_holds_several_matrices_beside_catalogues_notes_and_empty_sheets() -> None:
    matrix: list[Sequence[Cell]] = [HEAD, ["tenure", "=> policy"], ["1", "renew"]]
    content = workbook(
        {
            "a": matrix,
            "Policies": [["policy"]],
            "products": [["product"]],
            "notes": [["# read me"]],
            "e": [],
            "b": matrix,
        }
    )
    assert [sheet.name for sheet in matrix_sheets(Document(content))] == ["a", "b"]
    assert catalogue_sheet(Document(content), "policies").text == "policy\n"
    ((where, what),) = faults(workbook({"a": matrix, "stray": [["Matrix"]]}), "plan.xlsx")
    assert where == 'plan.xlsx, sheet "stray"'
    assert what.startswith('it begins with "Matrix": expected a matrix')
    with pytest.raises(InvalidInput, match='no sheet is called "policies": did you mean "policy"'):
        catalogue_sheet(Document(workbook({"a": matrix, "policy": [["policy"]]})), "policies")


def test_days_of_a_catalogue_are_read_as_days() -> None:
    content = workbook({"Sheet1": [["valid_from", "margin_fen"], [date(2026, 11, 1), 1200.0]]})
    assert catalogue_sheet(Document(content), "policies").text == "valid_from,margin_fen\n2026-11-01,1200\n"


@pytest.mark.parametrize(("row", "column"), [(LARGEST_ROWS, 0), (0, LARGEST_COLUMNS)])
def test_a_cell_far_out_is_refused_before_the_sheet_is_laid_out(row: int, column: int) -> None:
    far: list[Sequence[Cell]] = [*([[]] * row), [*([None] * column), "x"]]
    ((where, what),) = faults(workbook({"a": far}), "plan.xlsx")
    assert (where, "expected at most 20,000 rows and 200 columns" in what) == ("plan.xlsx", True)


@settings(max_examples=30, deadline=None)
@given(st.lists(tables(), min_size=1, max_size=3))
def test_what_is_exported_comes_in_as_the_same_tables(drawn: list[DrawnTable]) -> None:
    def parse(text: str) -> DecisionTable:
        return read_csv(text, fields=DRAWN_FIELDS, outputs=DRAWN_OUTPUTS)

    assume(not {"\0", "\ufffe", "\uffff"} & set("".join(table.text() for table in drawn)))  # refused at the door
    expected = [parse(table.text()) for table in drawn]
    sheets = [Sheet(table.purpose, table.text()) for table in drawn]
    dresses = [dress(sheet.text, fields=DRAWN_FIELDS, outputs=DRAWN_OUTPUTS, titles={}) for sheet in sheets]
    exported = matrix_sheets(Document(as_workbook(sheets, dresses)))
    assert [parse(sheet.text) for sheet in exported] == expected
    (again,) = matrix_sheets(Document(as_csv(sheets[0])))
    assert parse(again.text) == expected[0]


def test_texts_that_excel_would_change_survive_the_way_out_and_in() -> None:
    notes = ["=1+1", "=> x", "'quoted", "_x0041_", "007", "1e5", "two\nlines", "2026-01-31", "true", "a" * 32_767]
    rules = "".join(f'1,renew,"{note}"\n' for note in notes)
    text = f'matrix,retention,FIRST,x\ntenure,=> policy,note\n# a, "comment"\n\n{rules}'
    (table,) = read(as_workbook([Sheet("retention", text)]))
    assert [rule.note for rule in table.rules] == notes
    assert table == read(text.encode())[0]


def test_the_same_matrices_give_the_same_bytes() -> None:
    sheets = [Sheet("retention", "matrix,retention,FIRST,x\n")]
    assert as_workbook(sheets) == as_workbook(sheets)
    assert {table.hit_policy for table in read(workbook({"a": [HEAD, ["tenure", "=> policy"], ["1", "renew"]]}))} == {
        HitPolicy.FIRST
    }
