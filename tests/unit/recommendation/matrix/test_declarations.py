"""What a matrix declares between its head and its headers is understood, in English and in Chinese, and refused where it is wrong."""

from decimal import Decimal

import pytest

from services.recommendation.engine.feel import FieldType, Kind, Value
from services.recommendation.engine.matrix import (
    DecisionTable,
    HitPolicy,
    Output,
    compile_closure,
    read_csv,
    results,
)
from services.recommendation.engine.matrix.csv_words import read_policy
from services.recommendation.engine.matrix.table import Aggregation, Parameter
from shared.errors import InvalidInput

FIELDS = {
    "city": FieldType.string().called("地市"),
    "brand": FieldType.string("GoTone", "M-Zone", "Easyown").called("品牌"),
    "product": FieldType.string().called("产品"),
    "tenure": FieldType.integer("months").called("在网月数"),
    "churn": FieldType.decimal(18, 2, "points").called("异动预警分"),
    "ends": FieldType(Kind.DATE).called("捆绑到期日"),
    "day": FieldType(Kind.DATE).called("运行日期"),
}
OUTPUTS = {
    "retention": (
        Output("policy", FieldType.string().called("推荐政策")),
        Output("gift", FieldType.decimal(9, 2).called("礼金"), required=False),
    )
}


def read(*lines: str) -> DecisionTable:
    return read_csv("\n".join(lines), fields=FIELDS, outputs=OUTPUTS, titles={"retention": "存量保有"})


def faults(*lines: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        read(*lines)
    return [(violation.field, violation.description) for violation in refused.value.violations]


ENGLISH = (
    "matrix,retention,FIRST,care",
    "parameter,threshold,32,合肥=16,芜湖=20.5",
    "computed,months_left,months until(ends)",
    "list,ties,ring_back_tone,mail_139",
    "values,policy,renew,care",
    "default,policy,none",
    "churn,months_left,product,=> policy,note",
    ">= threshold,-,ties,care,warned",
    "-,<= 3,not(ties),renew,ends soon",
)
CHINESE = (
    "矩阵,存量保有,首个,care",
    "参数,threshold,32,合肥＝16,芜湖=20.5",
    "计算,months_left,months until(捆绑到期日)",
    "清单,ties,ring_back_tone,mail_139",
    "取值,推荐政策,renew,care",
    "默认,推荐政策,none",
    "异动预警分,months_left,产品,→ 推荐政策,备注",
    ">= threshold,-,ties,care,warned",
    "-,<= 3,not(ties),renew,ends soon",
)


def test_a_sheet_in_chinese_is_the_same_table() -> None:
    english, chinese = (read(*lines[:5], *lines[6:]) for lines in (ENGLISH, CHINESE))
    assert [column.name for column in chinese.inputs] == ["churn", "months_left", "product"]
    assert (chinese.rules, chinese.outputs, chinese.lists) == (english.rules, english.outputs, english.lists)
    assert (chinese.parameters, chinese.purpose, chinese.hit_policy) == (
        english.parameters,
        "retention",
        HitPolicy.FIRST,
    )
    assert chinese.computed[0].expression == english.computed[0].expression


def test_lines_are_read_into_the_table() -> None:
    table = read(*ENGLISH[:4], "values,policy,renew,care,none", *ENGLISH[5:])
    (threshold,) = table.parameters
    assert (threshold.name, threshold.type.scale, threshold.value) == ("threshold", 1, 32)
    assert threshold.by_city == {"合肥": 16, "芜湖": Decimal("20.5")}
    assert (table.computed[0].name, table.computed[0].type.unit) == ("months_left", "months")
    assert table.lists == {"ties": ("ring_back_tone", "mail_139")}
    assert (table.outputs[0].values, table.outputs[0].default) == (("renew", "care", "none"), "none")
    assert table.rules[0].id == 8


def test_parameters_by_city_and_lists_decide() -> None:
    table = read(*ENGLISH[:4], *ENGLISH[6:])
    fire = compile_closure(table)
    row: dict[str, Value] = {"churn": 18, "product": "mail_139", "ends": None, "day": None}
    assert fire({**row, "city": "合肥"}).rules == (6,)
    assert fire({**row, "city": "安庆"}).rules == ()
    assert results(table, fire({**row, "city": "安庆"})) == ()


@pytest.mark.parametrize(
    ("written", "policy", "aggregation"),
    [
        ("first", HitPolicy.FIRST, None),
        ("F", HitPolicy.FIRST, None),
        ("Ｕ", HitPolicy.UNIQUE, None),
        ("rule  order", HitPolicy.RULE_ORDER, None),
        ("输出顺序", HitPolicy.OUTPUT_ORDER, None),
        ("C", HitPolicy.COLLECT, None),
        ("C+", HitPolicy.COLLECT, Aggregation.SUM),
        ("C ＞", HitPolicy.COLLECT, Aggregation.MAX),
        ("collect min", HitPolicy.COLLECT, Aggregation.MIN),
        ("收集 计数", HitPolicy.COLLECT, Aggregation.COUNT),
    ],
)
def test_hit_policies_have_names_letters_and_chinese_words(
    written: str, policy: HitPolicy, aggregation: Aggregation | None
) -> None:
    assert read_policy(written) == (policy, aggregation)


@pytest.mark.parametrize("written", ["FRST", "FIRST SUM", "", "C-", "X"])
def test_other_words_are_no_hit_policy(written: str) -> None:
    assert read_policy(written) is None


def test_a_column_headed_city_is_no_line_of_a_city() -> None:
    table = read("matrix,retention,FIRST,x", "city,=> policy", '"""合肥""",care')
    assert (table.city, [column.name for column in table.inputs]) == ("", ["city"])


HEAD = "matrix,retention,FIRST,x"
RULES = ("tenure,=> policy", "-,care")


@pytest.mark.parametrize(
    ("line", "place", "description"),
    [
        ("paramter,x,1", "column A", '"paramter" declares nothing: did you mean "parameter"?'),
        ("parameter,x", "column C", 'expected a value, such as 12, "text"'),
        ("parameter,2x,1", "column B", '"2x": a name is one word that begins with a letter'),
        ("parameter,在网月数,1", "column B", '"在网月数" is the field tenure already'),
        ("parameter,x,1,合肥", "column D", '"合肥": expected <city>=<value>, such as 合肥=16'),
        ("parameter,x,1,合肥=1,合肥=2", "column E", '"合肥=2": 合肥 has a value already'),
        ("parameter,x,1,合肥=abc", "column D", '"合肥=abc": expected a number, as the first value is, not a string'),
        ("computed,x,tenure / 12", "column C", "there is no division"),
        ("computed,x,tenur + 1", "column C", 'did you mean "tenure"?'),
        ("list,x", "column C", "the list x is empty"),
        ("list,x,a,b,a", "column E", '"a" is in this list already'),
        ("list,x,2026-01-31", "column C", 'write date("2026-01-31")'),
        ("values,polcy,a", "column B", '"polcy" is no output of this purpose: did you mean "policy"?'),
        ("values,gift,1,1", "column C", "each once, highest priority first"),
        ("default,gift,ten", "column C", "ten"),
        ("default,policy,a,b", "column D", "an output has one default, and these are 2"),
        ("city,", "column B", "expected city,<the one city whose override this is>"),
    ],
)
def test_a_wrong_line_is_refused_in_its_column(line: str, place: str, description: str) -> None:
    found = faults(HEAD, line, *RULES)
    assert any(where == f"row 2{f', {place}' if place else ''}" and description in why for where, why in found), found


def test_names_are_given_once() -> None:
    ((where, why),) = faults(HEAD, "parameter,x,1", "list,x,a", *RULES)
    assert (where, why) == ("row 3, column B", '"x" is the parameter of row 2 already: expected another name')


def test_a_default_stands_among_the_values_of_its_output() -> None:
    ((where, why),) = faults(HEAD, "values,policy,renew,care", "default,policy,carre", *RULES)
    assert (where, why) == ("row 3, column C", '"carre" is not one of its values: did you mean "care"?')


def test_a_column_headed_by_name_and_by_title_is_there_twice() -> None:
    assert faults(HEAD, "tenure,在网月数,=> policy", "-,-,care") == [
        ("row 2, column 在网月数", 'this column is there twice, as "tenure"')
    ]
    assert faults(HEAD, "tenure,=> policy,=> 推荐政策", "-,a,b") == [
        ("row 2, column => 推荐政策", 'this column is there twice, as "=> policy"')
    ]


@pytest.mark.parametrize(
    ("column", "cell", "description"),
    [
        (
            "product",
            "< ties",
            "ties is a list: it stands by itself, among alternatives or in not(ties), and has no order",
        ),
        ("product", "tie", 'no list, parameter or field is called tie: did you mean "ties"?'),
        ("tenure", "ties", "not a string"),
        ("brand", "ties", '"ring_back_tone" is not one of GoTone, M-Zone, Easyown'),
        ("brand", "threshold", "and they cannot be compared"),
        ("tenure", "> threshold", "the parameter threshold in 芜湖: the column holds a whole number, and 20.5 has 1"),
        ("tenure", "> 异动预警粉", 'did you mean "异动预警分"?'),
    ],
)
def test_a_wrong_use_of_a_name_is_refused_in_its_cell(column: str, cell: str, description: str) -> None:
    lines = [HEAD, *ENGLISH[1:4], f"{column},=> policy", f'"{cell}",care']
    found = faults(*lines)
    assert {where for where, _ in found} == {f"row 6, column {column}"}, found
    assert description in found[0][1]


def test_an_endpoint_may_name_a_field_by_its_title() -> None:
    named, titled = (read(HEAD, "churn,=> policy", f"> {word},care") for word in ("tenure", "在网月数"))
    assert named.rules[0].cells[0].tests == titled.rules[0].cells[0].tests


def test_only_an_override_replaces_rows_and_has_one_value_for_each_parameter() -> None:
    override = read(HEAD, "city,合肥", "parameter,threshold,16", "churn,=> policy,replaces", ">= threshold,care,5")
    assert (override.city, override.rules[0].replaces) == ("合肥", 5)
    assert override.parameters[0] == Parameter("threshold", FieldType.integer(), Decimal(16))
    ((where, why),) = faults(HEAD, "tenure,=> policy,替换", "-,care,5")
    assert (where, why.partition(":")[0]) == ("row 2, column 替换", "only the override of a city replaces rows")
    ((where, why),) = faults(HEAD, "city,合肥", "parameter,x,1,芜湖=2", *RULES)
    assert (where, why) == ("row 3, column D", '"芜湖=2": this is the matrix of 合肥, where the first value counts')
    ((where, why),) = faults(HEAD, "city,合肥", "tenure,=> policy,replaces", "-,care,five")
    assert (where, why) == ("row 4, column replaces", '"five": expected the number of a row of the province\'s matrix')


def test_an_override_may_hold_parameters_alone() -> None:
    table = read(HEAD, "city,合肥", "parameter,threshold,16", "tenure,=> policy")
    assert (table.rules, table.parameters[0].value) == ((), 16)
    assert "at least one rule" in faults(HEAD, "city,合肥", "tenure,=> policy")[0][1]


def test_lists_may_stand_below_the_rules() -> None:
    table = read(HEAD, "product,=> policy", "ties,care", "list,ties,mail_139")
    assert ([rule.id for rule in table.rules], table.lists) == ([3], {"ties": ("mail_139",)})
