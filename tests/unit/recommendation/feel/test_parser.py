"""Every form of S-FEEL unary tests becomes the tree that the standard means."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from services.recommendation.engine.feel import Anything, Kind, Literal, Not, Or, UnaryTests, Value, YearsMonths, parse
from services.recommendation.engine.feel.syntax import Compare, Endpoint, Name, Operator, Range, Test

HALF_PAST_EIGHT = datetime.fromisoformat("2026-02-28T08:30:00")


def number(value: int | str) -> Literal:
    return Literal(Kind.NUMBER, Decimal(value))


def text(value: str) -> Literal:
    return Literal(Kind.STRING, value)


def equal(endpoint: Endpoint) -> Compare:
    return Compare(Operator.EQUAL, endpoint)


def between(low_closed: bool, high_closed: bool) -> Range:
    return Range(number(86), low_closed, number(100), high_closed)


@pytest.mark.parametrize(
    ("cell", "tree"),
    [
        ("-", Anything()),
        (" -\u3000", Anything()),
        ("12", Or((equal(number(12)),))),
        ("-12.50", Or((equal(number("-12.50")),))),
        (".5", Or((equal(number("0.5")),))),
        ("1.5e3", Or((equal(number(1500)),))),
        ("< -1", Or((Compare(Operator.LESS, number(-1)),))),
        (">=18", Or((Compare(Operator.GREATER_OR_EQUAL, number(18)),))),
        ("<18,>60", Or((Compare(Operator.LESS, number(18)), Compare(Operator.GREATER, number(60))))),
        ('"GoTone","M-Zone"', Or((equal(text("GoTone")), equal(text("M-Zone"))))),
        ('not("a", null)', Not((equal(text("a")), equal(Literal(Kind.NULL, None))))),
        ("not (<= 12)", Not((Compare(Operator.LESS_OR_EQUAL, number(12)),))),
        ("true", Or((equal(Literal(Kind.BOOLEAN, True)),))),
        ("> customer.limit", Or((Compare(Operator.GREATER, Name("customer.limit")),))),
        ("[平均话费..上限]", Or((Range(Name("平均话费"), True, Name("上限"), True),))),
        ("date", Or((equal(Name("date")),))),
        ("nothing", Or((equal(Name("nothing")),))),
        ("trueish", Or((equal(Name("trueish")),))),
    ],
)
def test_form_gives_its_tree(cell: str, tree: UnaryTests) -> None:
    assert parse(cell) == tree


@pytest.mark.parametrize(
    ("cell", "test"),
    [
        ("[86..100]", between(True, True)),
        ("(86..100]", between(False, True)),
        ("]86..100]", between(False, True)),
        ("[86..100)", between(True, False)),
        ("[86..100[", between(True, False)),
        ("(86..100)", between(False, False)),
        ("]86..100[", between(False, False)),
        ("] 86 .. 100 )", between(False, False)),
    ],
)
def test_every_bracket_form_says_which_ends_belong_to_the_interval(cell: str, test: Test) -> None:
    assert parse(cell) == Or((test,))


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ('date("2026-02-28")', Kind.DATE, date(2026, 2, 28)),
        ('date ( "2026-02-28" )', Kind.DATE, date(2026, 2, 28)),
        ('date and time("2026-02-28T08:30:00")', Kind.DATETIME, HALF_PAST_EIGHT),
        ('date  and time("2026-02-28T08:30:00.25")', Kind.DATETIME, HALF_PAST_EIGHT.replace(microsecond=250000)),
        ('date and time("2026-02-28T00:30:00Z")', Kind.DATETIME, HALF_PAST_EIGHT),
        ('date and time("2026-02-27T19:30:00-05:00")', Kind.DATETIME, HALF_PAST_EIGHT),
        ('date and time("2026-02-28T01:30:00@Europe/Paris")', Kind.DATETIME, HALF_PAST_EIGHT),
        ('date and time("2026-02-28")', Kind.DATETIME, HALF_PAST_EIGHT.replace(hour=0, minute=0)),
        ('time("08:30:00")', Kind.TIME, time(8, 30)),
        ('time("00:30:00Z")', Kind.TIME, time(8, 30)),
        ('duration("P3DT12H30M1.5S")', Kind.DAYS_DURATION, timedelta(days=3, hours=12, minutes=30, seconds=1.5)),
        ('duration("-PT36H")', Kind.DAYS_DURATION, timedelta(hours=-36)),
        ('duration("P1Y6M")', Kind.MONTHS_DURATION, YearsMonths(18)),
        ('duration("-P6M")', Kind.MONTHS_DURATION, YearsMonths(-6)),
        ('@"2026-02-28"', Kind.DATE, date(2026, 2, 28)),
        ('@"2026-02-28T08:30:00"', Kind.DATETIME, HALF_PAST_EIGHT),
        ('@"08:30:00"', Kind.TIME, time(8, 30)),
        ('@"P1D"', Kind.DAYS_DURATION, timedelta(days=1)),
        (r'"a\"b\\c\n\t\r\'\u5168\U01F600"', Kind.STRING, "a\"b\\c\n\t\r'全\U0001f600"),
        (r'"\uD83D\uDE00"', Kind.STRING, "\U0001f600"),
        ('"full，width （ok） inside quotes"', Kind.STRING, "full，width （ok） inside quotes"),
    ],
)
def test_literal_gives_its_value(cell: str, kind: Kind, value: Value) -> None:
    tests = parse(cell)
    assert tests == Or((equal(Literal(kind, value)),))


def test_numbers_are_exact_decimals() -> None:
    assert parse("0.1000000000000000055511151231257827") == Or((equal(number("0.1000000000000000055511151231257827")),))


def test_place_of_an_endpoint_is_kept_beside_its_meaning() -> None:
    tests = parse('not("a","b")')
    assert isinstance(tests, Not)
    assert [test.endpoint.at for test in tests.tests if isinstance(test, Compare)] == [4, 8]
