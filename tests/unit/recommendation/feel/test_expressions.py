"""Computed inputs: what their expressions give, in both back ends, and how a wrong one is refused."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recommendation.engine.feel import CellError, FieldType, Kind, Row, Value
from services.recommendation.engine.feel.expression_parser import read_expression
from services.recommendation.engine.feel.expression_sql import computed_sql
from services.recommendation.engine.feel.expressions import complete_months, to_function
from tests.unit.recommendation.feel.generated import FIELDS, select

TITLED = {**FIELDS, "arpu": FIELDS["arpu"].called("月均话费")}
ROW: Row = {
    "arpu": Decimal("99.99"),
    "平均话费": Decimal("0.001"),
    "tenure": 25,
    "age": None,
    "joined": date(2027, 2, 28),
    "date": date(2026, 10, 31),
    "day": date(2026, 11, 30),
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("arpu * 12", "1199.88"),
        ("arpu*12 - tenure*2", "1149.88"),
        ("arpu + 2 * tenure", "149.99"),
        ("(arpu + 2) * tenure", "2549.75"),
        ("tenure - 1 - 1", "23"),
        ("-tenure + -.5", "-25.5"),
        ("arpu * 平均话费", "0.09999"),
        ("min(arpu, tenure, 30)", "25"),
        ("max(arpu, tenure)", "99.99"),
        ("月均话费", "99.99"),
        ("months until(joined)", "3"),
        ("months  until ( date )", "-1"),
        ("days until(joined)", "90"),
        ("days until(date) + 1", "-29"),
        ("age + 1", None),
        ("age * 0", None),
        ("min(age, tenure)", None),
        ("max(tenure, 2 * age)", None),
    ],
)
def test_both_back_ends_compute_exactly_and_null_gives_null(
    connection: duckdb.DuckDBPyConnection, text: str, value: str | None
) -> None:
    expression, result = read_expression(text, TITLED)
    expected = None if value is None else Decimal(value)
    assert to_function(expression)(ROW) == expected
    computed = computed_sql(expression, {})
    assert computed.absent is not None
    sql, absent = computed.value.sql("duckdb"), computed.absent.sql("duckdb")
    ((found, kind, is_absent),) = select(connection, f"{sql}, typeof({sql}), {absent}", [ROW])
    assert (found, is_absent) == (expected, expected is None)
    assert kind == f"DECIMAL({result.precision},{result.scale})"


def test_nothing_is_rounded_where_python_would_round_at_28_digits(connection: duckdb.DuckDBPyConnection) -> None:
    row: Row = {"tenure": 2**63 - 1, "age": -(2**63)}
    expression, result = read_expression("tenure * age", FIELDS)
    assert (result.precision, result.scale) == (38, 0)
    expected = (2**63 - 1) * -(2**63)
    assert to_function(expression)(row) == expected
    assert select(connection, computed_sql(expression, {}).value.sql("duckdb"), [row]) == [(Decimal(expected),)]


@pytest.mark.parametrize("text", ["arpu * 平均话费", "平均话费 * 平均话费 - 1", "big + big", "0 - big - big"])
def test_results_may_need_more_digits_than_the_engine_gives_by_itself(
    connection: duckdb.DuckDBPyConnection, text: str
) -> None:
    fields = {**FIELDS, "big": FieldType.decimal(18, 0)}
    row: Row = {"arpu": Decimal("9999999.99"), "平均话费": Decimal("-999999999.999"), "tenure": 10**18 - 1}
    expression, _ = read_expression(text, fields)
    sql = computed_sql(expression, {}).value.sql("duckdb").replace('"big"', 'CAST("tenure" AS DECIMAL(18, 0))')
    assert select(connection, sql, [row]) == [(to_function(expression)({**row, "big": 10**18 - 1}),)]


@pytest.mark.parametrize(
    ("text", "unit"),
    [("months until(joined)", "months"), ("days until(joined) + 7", "days"), ("arpu - 5", "yuan"), ("arpu * 2", "")],
)
def test_a_sum_keeps_the_unit_of_its_fields(text: str, unit: str) -> None:
    assert read_expression(text, FIELDS)[1].unit == unit


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("arpu/2", 5, "there is no division, for it is not exact: multiply the other side of the comparison instead"),
        ("arpuu * 2", 1, 'no field is called arpuu: did you mean "arpu"?'),
        ("月均花费", 1, 'no field is called 月均花费: did you mean "月均话费"?'),
        ("brand * 2", 1, "expected a number, and the field brand is a string"),
        ("joined", 1, "expected a number, and the field joined is a date: write months until(joined) or days until(joined)"),
        ("2 + months until(arpu)", 18, "expected a date, and the field arpu is a number"),
        ("12 * 5", 1, "this is the same for every customer: name at least one field, or write a parameter"),
        ("arpu × 2", 6, "expected numbers and names of fields joined by + - *"),
        ("arpu − 2", 6, "write - instead of − (switch the input method to half width)"),
        ("arpu * 010", 8, "010 begins with 0: a thousands comma? Write the number without it, as in 1000"),
        ("10% * arpu", 3, "write the number in the unit of the field, without the percent sign"),
        ("month until(joined)", 7, 'month until( … ) cannot be called here: only min, max, months until, days until can: did you mean "months until"?'),
        ("tenure * age * arpu", 1, "a result may need 47 digits, and 38 is the most: multiply fewer fields, or numbers with fewer decimals"),
        ("(arpu + 1", 10, "the expression ends too soon: expected numbers"),
        ("", 1, "an empty expression: expected numbers"),
    ],
)  # fmt: skip
def test_a_wrong_expression_is_refused_with_its_place_and_what_to_write(
    text: str, position: int, expected: str
) -> None:
    with pytest.raises(CellError) as refused:
        read_expression(text, TITLED)
    assert refused.value.problem.position == position
    assert refused.value.problem.expected.startswith(expected)


def test_complete_months_are_those_of_the_columnar_engine(connection: duckdb.DuckDBPyConnection) -> None:
    """Every pair of days of more than a year, a leap day among them."""
    first = date(2023, 12, 20)
    found = connection.execute(
        "SELECT a.d, b.d, datesub('month', a.d, b.d) FROM days AS a, days AS b".replace(
            "days", "(SELECT unnest(range($first, $first + INTERVAL 440 DAY, INTERVAL 1 DAY))::DATE AS d)"
        ),
        {"first": first},
    ).fetchall()
    assert len(found) == 440**2
    assert [pair for *pair, months in found if complete_months(*pair) != months] == []


@given(start=st.dates(), end=st.dates())
def test_complete_months_count_from_the_first_day_of_the_calendar_to_its_last(start: date, end: date) -> None:
    months = complete_months(start, end)
    assert complete_months(end, start) == -months
    if start <= end < date.max - timedelta(days=31):
        assert complete_months(start, end + timedelta(days=31)) in {months + 1, months + 2}


def test_parameters_and_earlier_computed_inputs_may_be_named() -> None:
    fields = {**FIELDS, "factor": FieldType.decimal(4, 2), "until": FieldType(Kind.NUMBER, 7)}
    expression, _ = read_expression("factor * arpu - until", fields)
    row: dict[str, Value] = {"factor": Decimal("0.5"), "arpu": 100, "until": 3}
    assert to_function(expression)(row) == Decimal(47)
