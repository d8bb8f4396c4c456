"""Sheets as planners lay them out: headers over two rows, notes pinned to cells, lists kept once for all matrices."""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from services.recommendation.engine.feel import FieldType, Kind
from services.recommendation.engine.matrix import DecisionTable, Output, read_csv
from services.recommendation.engine.sheets import Document, Sheet, as_workbook, matrix_sheets, read_document
from shared.errors import InvalidInput
from tests.factories.workbooks import Cell, Merged, Noted, workbook

FIELDS = {
    "product": FieldType.string().called("产品"),
    "minutes": FieldType.decimal(9, 1).called("通话分钟数"),
    "unit_price": FieldType.decimal(9, 4).called("每分钟单价"),
    "ends": FieldType(Kind.DATE).called("捆绑到期日"),
}
OUTPUTS = {"retention": (Output("policy", FieldType.string().called("推荐政策"), required=False),)}
HEAD: Sequence[Cell] = ["矩阵", "存量保有", "首个", "保有"]


def sheets(content: bytes, file_name: str = "plan.xlsx") -> list[tuple[Sheet, DecisionTable]]:
    return list(
        read_document(
            Document(content, file_name),
            choose=matrix_sheets,
            read=lambda text: read_csv(text, fields=FIELDS, outputs=OUTPUTS, titles={"retention": "存量保有"}),
            reason="ERROR_REASON_MATRIX_INVALID",
        )
    )


def read(*rows: Sequence[Cell], more: Mapping[str, Sequence[Sequence[Cell]]] | None = None) -> DecisionTable:
    ((_, table),) = sheets(workbook({"保有": [HEAD, *rows], **(more or {})}))
    return table


def faults(content: bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        sheets(content)
    return [(violation.field, violation.description) for violation in refused.value.violations]


def cells_of(table: DecisionTable) -> list[tuple[int, list[str]]]:
    return [(rule.id, [cell.text for cell in rule.cells]) for rule in table.rules]


def test_headers_may_be_merged_over_two_rows_with_captions_beside_them() -> None:
    table = read(
        [Merged("产品", 2), Merged("话务", 1, 2), None, Merged("→ 推荐政策", 2), Merged("备注", 2)],
        [None, "通话分钟数", "每分钟单价"],
        ['"mail_139"', "> 5", "-", "renew", "x"],
    )
    assert [column.name for column in table.inputs] == ["product", "minutes", "unit_price"]
    assert cells_of(table) == [(4, ['"mail_139"', "> 5", "-"])]
    assert table.rules[0].note == "x"


def test_a_row_of_captions_alone_is_passed_over() -> None:
    table = read([None, Merged("话务", 1, 2)], ["产品", "通话分钟数", "每分钟单价", "→ 推荐政策"], ["-", "1", "2", "a"])
    assert cells_of(table) == [(4, ["-", "1", "2"])]


def test_what_excel_stores_in_declarations_is_read_by_its_type() -> None:
    table = read(
        ["参数", "threshold", 0.3, "合肥=0.25"],
        ["参数", "until", date(2026, 12, 31)],
        ["清单", "两个", "ring_back_tone", "mail_139"],
        ["产品", "每分钟单价", "捆绑到期日", "→ 推荐政策"],
        ["两个", "> threshold", "<= until", "a"],
    )
    assert [str(parameter.value) for parameter in table.parameters] == ["0.3", "2026-12-31"]
    assert cells_of(table) == [(6, ["两个", "> threshold", "<= until"])]


def test_notes_at_rules_stand_beside_what_their_column_says() -> None:
    table = read(
        [Noted("产品", "as in the catalogue"), "→ 推荐政策", "备注"],
        [Noted('"mail_139"', "since October"), "a", "mail"],
        ["-", Noted("b", "as\nbefore"), None],
        ["-", "c", "last"],
    )
    assert [rule.note for rule in table.rules] == ["mail\n[A3] since October", "[B4] as\nbefore", "last"]


def test_notes_at_rules_get_a_column_where_there_is_none_and_others_become_comments() -> None:
    ((sheet, table),) = sheets(
        workbook({"保有": [HEAD, [Noted("产品", "as in\nthe catalogue"), "→ 推荐政策"], [Noted("-", "all"), "a"]]})
    )
    assert [rule.note for rule in table.rules] == ["[A3] all"]
    assert sheet.text.endswith("\n# A2: as in the catalogue\n")


LISTS: Sequence[Sequence[Cell]] = [
    ["粘性产品", "counties", "plans"],
    ["ring_back_tone", "肥东", 58.0],
    ["mail_139", None, 88.0],
]
RULES: Sequence[Sequence[Cell]] = [["产品", "→ 推荐政策"], ["粘性产品", "a"]]


def test_lists_of_a_workbook_join_the_matrices_that_name_them_below_their_rules() -> None:
    content = workbook({"保有": [HEAD, *RULES], "二": [HEAD, ["产品", "→ 推荐政策"], ["-", "a"]], "清单": LISTS})
    (first, table), (second, _) = sheets(content)
    assert table.lists == {"粘性产品": ("ring_back_tone", "mail_139")}
    assert first.text.splitlines()[-1] == "list,粘性产品,ring_back_tone,mail_139"
    assert "list" not in second.text
    ((_, again),) = sheets(as_workbook([Sheet("retention", first.text)]))
    assert again == table


def test_a_matrix_may_keep_the_list_that_it_brought_from_the_sheet_of_lists() -> None:
    own: Sequence[Cell] = ["清单", "粘性产品", "ring_back_tone", "mail_139"]
    assert read(own, *RULES, more={"lists": LISTS}).lists == {"粘性产品": ("ring_back_tone", "mail_139")}
    ((where, what),) = faults(workbook({"保有": [HEAD, own[:3], *RULES], "lists": LISTS}))
    assert where == 'plan.xlsx, sheet "保有", row 2'
    assert "is also in the sheet of lists, with other values" in what


def test_a_list_needs_an_input_in_the_first_column() -> None:
    rows: Sequence[Sequence[Cell]] = [["→ 推荐政策", "产品"], ["a", "粘性产品"]]
    ((where, what),) = faults(workbook({"保有": [HEAD, *rows], "lists": LISTS}))
    assert where == 'plan.xlsx, sheet "保有", row 2'
    assert "its first column must be an input" in what


def test_all_that_is_wrong_in_the_sheet_of_lists_is_told_in_its_cell() -> None:
    wrong: Sequence[Sequence[Cell]] = [
        ["a b", "empty", "mixed", "twice"],
        ["x", None, "x", "x"],
        [None, None, 1.0, "x"],
    ]
    assert faults(workbook({"保有": [HEAD, *RULES], "lists": wrong})) == [
        (
            'plan.xlsx, sheet "lists", row 1, column A',
            '"a b": expected the name of a list, one word that begins with a letter',
        ),
        ('plan.xlsx, sheet "lists", row 1, column B', "the list empty is empty: expected its values below its name"),
        ('plan.xlsx, sheet "lists", row 3, column C', '"1": expected a string, as above, not a number'),
        ('plan.xlsx, sheet "lists", row 3, column D', '"x" is in row 2, too'),
    ]


def test_a_fault_in_a_titled_column_and_in_a_declaration_says_its_letter() -> None:
    rows: Sequence[Sequence[Cell]] = [["参数", "产品", 1.0], ["产品", "通话分钟数", "→ 推荐政策"], ["-", "5 分钟", "a"]]
    assert [where for where, _ in faults(workbook({"保有": [HEAD, *rows]}))] == [
        'plan.xlsx, sheet "保有", row 2, column B',
        'plan.xlsx, sheet "保有", row 4, column B (通话分钟数)',
    ]
