"""A cell that is not S-FEEL, or does not fit its column, is refused with what to write instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recommendation.engine.feel import CellError, FieldType, check, parse
from tests.unit.recommendation.feel.generated import FIELDS


def refusal(cell: str) -> str:
    with pytest.raises(CellError) as refused:
        parse(cell)
    assert refused.value.problem.text == cell
    assert 1 <= refused.value.problem.position <= len(cell) + 1
    return refused.value.problem.expected


@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        ("", 'write "-"'),
        ("  ", 'write "-"'),
        ("=> 12", 'write ">= 12"'),
        ("=< 12", 'write "<= 12"'),
        ("= 5", 'write "5" without the equals sign'),
        ("!= 5", 'write "not(5)"'),
        ('<> "a"', 'write not("a")'),
        ("? > 5", 'write "> 5" without the question mark'),
        ("5..10", 'write "[5..10]"'),
        ("5-10", 'write "[5..10]"'),
        ("5到10", 'write "[5..10]"'),
        ("1,5..10", 'write "[5..10]"'),
        ("[5,10]", 'write an interval with two dots: "[5..10]"'),
        ("(5..10", "two ends and two brackets"),
        (">10 and <20", 'write an interval such as "[10..20)"'),
        ('"a" or "b"', 'write alternatives with a comma: "a","b"'),
        ('"a", not("b")', "must enclose the whole cell"),
        ("not(not(5))", "must enclose the whole cell"),
        ("not 5", 'write "not(5)"'),
        ("not(-)", "- stands alone"),
        ("-, 5", "- stands alone"),
        ("- 5", 'write "-5" without the space'),
        ("abs(5)", "abs( … ) cannot be called"),
        ("Go Tone", 'write "Go Tone"'),
        ("M-Zone", 'write "M-Zone"'),
        ("'GoTone'", 'write "GoTone"'),
        ('"GoTone', "closing quote is missing"),
        ('"GoTone”', 'must be " and not ”'),
        ("30元", 'write the number without a unit: "30"'),
        ("10%", "without the percent sign"),
        ("1,000", "thousands comma"),
        ("2026-01-05", 'write date("2026-01-05")'),
        ("2026年1月5日", 'write date("2026-01-05")'),
        ("date(2026,1,5)", 'date takes one text in quotes, as in date("…")'),
        ('date("2026-02-30")', "no day of the calendar"),
        ('date("2026-1-5")', 'write a date as date("2026-01-31")'),
        ('time("25:00:00")', "no time of day"),
        ('date and time("2026-01-01T00:00:00@Mars/Base")', "no time zone"),
        ('duration("P1Y3D")', "days and months do not mix"),
        ('duration("P")', "write a duration"),
        ('duration("P999999999999D")', "too long"),
        (r'"\x"', "is no escape"),
        (r'"\uD83D"', "half a character"),
        (r'"\u0000"', "cannot hold"),
        ("> null", "null has no order"),
        ("[null..5]", "null has no order"),
        ("1e60", "more than 38 digits"),
        ("12 13", 'expected the end of the cell or ","'),
        ("5,", "expected a value such as 12"),
        ("not(5", 'expected ")"'),
    ],
)
def test_what_is_not_s_feel_is_answered_with_what_to_write(cell: str, advice: str) -> None:
    assert advice in refusal(cell)


@pytest.mark.parametrize(
    ("cell", "ascii_form", "character", "position"),
    [
        ("5，6", ",", "，", 2),
        ("not（5)", "(", "（", 4),
        ("not(5）", ")", "）", 6),
        ("≥ 12", ">=", "≥", 1),
        ("≤12", "<=", "≤", 1),
        ("“GoTone”", '"', "“", 1),
        ('"a"、"b"', ",", "、", 4),
        ("[1～5]", "..", "～", 3),
        ("【1..5]", "[", "【", 1),
        ("＞5", ">", "＞", 1),
        ("１２", "1", "１", 1),
        ("—", "-", "—", 1),
    ],
)
def test_full_width_character_is_answered_with_the_ascii_one(
    cell: str, ascii_form: str, character: str, position: int
) -> None:
    with pytest.raises(CellError) as refused:
        parse(cell)
    assert refused.value.problem.expected.startswith(f"write {ascii_form} instead of {character}")
    assert refused.value.problem.position == position


@pytest.mark.parametrize(
    ("field", "cell", "advice"),
    [
        ("need", '"rigidd"', 'is not one of rigid, sensitive, ordinary, none: did you mean "rigid"?'),
        ("need", 'not("Rigid")', 'did you mean "rigid"?'),
        ("need", '> "rigid"', "these values have no order"),
        ("need", "rigid", 'no field is called rigid: write "rigid"'),
        ("brand", "GoTone", 'no field is called GoTone: write "GoTone"'),
        ("brand", "last.brnd", 'no field is called last.brnd: write "last.brnd"; did you mean "last.brand"?'),
        ("brand", "12", 'expected a string, such as "text", not a number'),
        ("arpu", '"12"', "expected a number, such as 12, not a string"),
        ("arpu", "> 12.555", "at most 2 decimals, and 12.555 has 3"),
        ("tenure", "0.5", "a whole number, and 0.5 has 1"),
        ("arpu", "99999999999999999999999999999999999999", "too large"),
        ("arpu", "[5..1]", "no value lies in this interval"),
        ("arpu", "(3..3]", "no value lies in this interval"),
        ("arpu", "> tenur", 'no field is called tenur: did you mean "tenure"?'),
        ("arpu", "> joined", "the field joined is a date; this column is a number"),
        ("active", "TRUE", "write true in small letters"),
        ("active", "> true", "have no order"),
        ("joined", '> date and time("2026-01-01T00:00:00")', 'expected a date, such as date("2026-01-31")'),
        ("silence", '> duration("P1M")', "expected a days-time duration"),
    ],
)
def test_cell_that_does_not_fit_its_column_is_answered_with_what_fits(field: str, cell: str, advice: str) -> None:
    (problem,) = check(cell, parse(cell), FIELDS[field], FIELDS)
    assert advice in problem.expected


def test_decimals_are_counted_beyond_the_precision_of_python_s_context() -> None:
    cell = "0.1000000000000000055511151231257827"
    (problem,) = check(cell, parse(cell), FieldType.decimal(38, 30), FIELDS)
    assert "has 34" in problem.expected


def test_all_problems_of_a_cell_are_told_each_at_its_place() -> None:
    cell = '"rigid","b",3'
    problems = check(cell, parse(cell), FIELDS["need"], FIELDS)
    assert [problem.position for problem in problems] == [9, 13]
    assert str(problems[0]).startswith(f"'{cell}': \"b\" is not one of")


@pytest.mark.parametrize("cell", ["12", "12.5", "12.50", "-0.01", "(1..2]", "100.00", "1e3", "null", "not(null, 5)"])
def test_numbers_that_the_column_can_hold_pass(cell: str) -> None:
    assert check(cell, parse(cell), FIELDS["arpu"], FIELDS) == ()


@given(st.text(alphabet='-<>=!?.,()[]"\\ 0123456789eEantrufldPTYDM:@（，“≥中\n', max_size=20))
def test_any_text_is_either_understood_or_refused_with_advice(cell: str) -> None:
    advice = "understood"
    try:
        parse(cell)
    except CellError as refused:
        advice = refused.problem.expected
    assert advice
