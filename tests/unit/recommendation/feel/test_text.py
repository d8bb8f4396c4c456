"""Values are written as a planner would write them in a cell."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.recommendation.engine.feel import Value, YearsMonths, constant_of, parse
from services.recommendation.engine.feel.text import feel_text

values: st.SearchStrategy[Value] = st.one_of(
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.decimals(-(10**9), 10**9, places=2),
    st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
    st.datetimes(),
    st.times(),
    st.timedeltas(timedelta(days=-40000), timedelta(days=40000)),
    st.integers(-90000, 90000).map(YearsMonths),
    st.sampled_from(['say "yes"', "back\\slash", "two\nlines", "全球通"]),
)


@given(values)
def test_what_is_written_reads_back_as_the_same_value(value: Value) -> None:
    literal = constant_of(parse(feel_text(value)))
    assert literal is not None
    assert literal.value == value


def test_null_and_the_digits_of_a_decimal_are_shown() -> None:
    assert [feel_text(None), feel_text(Decimal("86.50")), feel_text(True)] == ["null", "86.50", "true"]
