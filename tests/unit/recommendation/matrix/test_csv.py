"""A planner's CSV becomes a table, or an answer that names every mistake in it."""

import pytest

from services.recommendation.engine.feel import FieldType
from services.recommendation.engine.matrix import DecisionTable, HitPolicy, Output, compile_closure, read_csv
from shared.errors import InvalidInput

FIELDS = {
    "arpu": FieldType.decimal(9, 2, "yuan"),
    "tenure_months": FieldType.integer(),
    "need": FieldType.string("rigid", "sensitive", "ordinary", "none"),
    "brand": FieldType.string(),
}
OUTPUTS = {
    "retention": (
        Output("policy_group", FieldType.string("group 1", "group 6")),
        Output("main_policy", FieldType.string(), required=False),
        Output("gift", FieldType.decimal(6, 2), required=False),
    ),
    "priority": (Output("zones", FieldType.string()),),
}
GOOD = '''\ufeffmatrix,retention,first,Retention of the mid tier,,
arpu,need,=> policy_group,=>main_policy,note,
# above 100 yuan, they say "mid"
,,,,,
[100..150),"""rigid"",""sensitive""",group 6,pay 100 get 260,"not below
12 months",
-,,group 1
'''


def read(text: str) -> DecisionTable:
    return read_csv(text, fields=FIELDS, outputs=OUTPUTS)


def violations(text: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        read(text)
    return [(violation.field, violation.description) for violation in refused.value.violations]


def test_rules_carry_the_row_number_that_the_spreadsheet_shows() -> None:
    table = read(GOOD)
    assert [rule.id for rule in table.rules] == [5, 6]
    assert (table.name, table.purpose, table.hit_policy) == ("Retention of the mid tier", "retention", HitPolicy.FIRST)
    assert [rule.outputs for rule in table.rules] == [("group 6", "pay 100 get 260"), ("group 1", None)]
    assert table.rules[0].note == "not below\n12 months"
    assert [cell.text for cell in table.rules[1].cells] == ["-", "-"]


def test_line_ends_of_windows_change_nothing() -> None:
    assert [rule.cells for rule in read(GOOD.replace("\n", "\r\n")).rules] == [rule.cells for rule in read(GOOD).rules]


def test_table_read_from_csv_fires() -> None:
    fire = compile_closure(read(GOOD))
    assert fire({"arpu": 120, "need": "rigid"}).rules == (5,)
    assert fire({"arpu": 150, "need": "rigid"}).rules == (6,)
    assert fire({"need": None}).rules == (6,)


def test_every_violation_is_told_at_once_with_row_column_and_remedy() -> None:
    told = violations(
        "\n".join(
            [
                "matrix,retenton,FRST,",
                "arpuu,need,brand,=> policy_group",
                '=> 12,"""rigidd""",GoTone,group 1',
                '> 1,rigid,"""a""",group 1,,left over',
            ]
        )
    )
    assert [place for place, _ in told] == [
        "row 1, column B",
        "row 1, column C",
        "row 1, column D",
        "row 2, column arpuu",
        "row 3, column need",
        "row 3, column brand",
        "row 4",
        "row 4, column need",
    ]
    expected = [
        'did you mean "retention"?',
        'did you mean "FIRST"?',
        "the name of the matrix is missing",
        'no field is called "arpuu": did you mean "arpu"?',
        'did you mean "rigid"?',
        'write "GoTone"',
        '"left over" stands in a column without header',
        'write "rigid"',
    ]
    assert all(part in description for part, (_, description) in zip(expected, told, strict=True))


def test_output_cells_are_checked_against_their_type_and_domain() -> None:
    head = "matrix,retention,FIRST,x\nbrand,=> policy_group,=> gift\n"
    assert violations(f"{head}-,group 7,12.345\n-,,1元\n-,group 1,[1..2]\n") == [
        ("row 3, column => policy_group", 'group 7: "group 7" is not one of group 1, group 6: did you mean "group 6"?'),
        ("row 3, column => gift", "12.345: the column holds at most 2 decimals, and 12.345 has 3"),
        ("row 4, column => policy_group", "an empty cell: expected a string"),
        ("row 4, column => gift", '"1元": write the number without a unit: "1" (at character 2)'),
        ("row 5, column => gift", "[1..2]: expected one constant value"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "description"),
    [
        ("", "row 1", "the first line must read matrix,<purpose>,<hit policy>,<name>"),
        ("arpu,=> zones\n-,a\n", "row 1", "the first line must read matrix"),
        ("matrix;priority;FIRST;x\narpu;=> zones\n-;a\n", "row 1", "the first line must read matrix"),
        ("matrix,priority,FIRST,x\narpu,=> zones\n", "row 2", "at least one rule"),
        (
            "matrix,priority,FIRST,x,y\narpu,=> zones\n-,a",
            "row 1, column E",
            'nothing may follow the name, but "y" does',
        ),
        ("matrix,priority,FIRST,x\n=> zones\na\n", "row 2", "no column is an input"),
        ("matrix,retention,FIRST,x\narpu,=> gift\n-,1\n", "row 2", 'the column "=> policy_group" is missing'),
        ("matrix,priority,FIRST,x\narpu,=> zones,=>zones\n-,a\n", "row 2, column => zones", "there twice"),
        ("matrix,priority,FIRST,x\narpu,=> zone\n-,a\n", "row 2, column => zone", 'did you mean "zones"?'),
        (
            "matrix,priority,FIRST,x\narpu,= zones\n-,a\n",
            "row 2, column = zones",
            "the header of an output begins with =>",
        ),
        ('matrix,priority,FIRST,x\narpu,=> zones\n"5"x,a\n', "row 3", "not a line of CSV"),
        ('matrix,priority,FIRST,x\narpu,=> zones\n"5,a\n', "row 3", "not a line of CSV"),
        ("PK\x03\x04\0\0", "row 1", "save the sheet as CSV"),
    ],
)
def test_broken_layout_is_refused_where_it_breaks(text: str, place: str, description: str) -> None:
    assert any(told == place and description in why for told, why in violations(text))
