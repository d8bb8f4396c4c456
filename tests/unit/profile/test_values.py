"""Months and mobile numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.months import Month, history_of
from services.profile.domain.msisdn import canonical_msisdn

months = st.builds(Month, st.integers(2000, 2099), st.integers(1, 12))


@given(months, st.integers(-300, 300))
def test_months_count_like_numbers_and_sort_like_their_texts(month: Month, distance: int) -> None:
    later = month.plus(distance)
    assert later.plus(-distance) == month
    assert (later > month) == (distance > 0)
    assert (later.first_day > month.first_day) == (distance > 0)


@given(months)
def test_a_month_is_read_back_from_its_text(month: Month) -> None:
    assert Month.parse(str(month)) == month


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "202611", "2026-1", "1999-12", "2026-11\n", "２０２６-11", ""])
def test_other_texts_are_no_months(text: str) -> None:
    with pytest.raises(ValueError, match="expected a month like 2026-11"):
        Month.parse(text)


def test_a_cycle_looks_at_the_nine_months_before_it() -> None:
    assert history_of(Month(2026, 11)) == (Month(2026, 2), Month(2026, 10))
    assert history_of(Month(2026, 1)) == (Month(2025, 4), Month(2025, 12))


@pytest.mark.parametrize("written", ["13900000001", "8613900000001", "+8613900000001", " 13900000001 "])
def test_a_number_is_one_however_it_is_written(written: str) -> None:
    assert canonical_msisdn(written) == "13900000001"


@pytest.mark.parametrize(
    "written", ["", "1390000000", "12900000001", "008613900000001", "139 0000 0001", "１３９00000001"]
)
def test_other_texts_are_no_numbers_and_are_not_repeated(written: str) -> None:
    with pytest.raises(ValueError, match="expected a mobile number") as caught:
        canonical_msisdn(written)
    assert not written or written not in str(caught.value)
