"""Intervals of shares and of their differences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.domain import Interval, difference, wilson


@st.composite
def shares(draw: st.DrawFn) -> Interval:
    base = draw(st.integers(0, 10_000))
    return wilson(draw(st.integers(0, base)), base)


@given(shares())
def test_an_interval_holds_its_estimate_and_stays_a_share(share: Interval) -> None:
    assert 0 <= share.low <= share.estimate + 1e-12
    assert share.estimate - 1e-12 <= share.high <= 1


@given(st.integers(1, 1000), st.integers(2, 50))
def test_more_customers_make_a_narrower_interval(base: int, factor: int) -> None:
    few, many = wilson(base // 2, base), wilson(base // 2 * factor, base * factor)
    assert many.high - many.low < few.high - few.low + 1e-12


def test_wilson_agrees_with_a_published_example() -> None:
    # Newcombe 1998, table I: 81 of 263, method 3: 0.2553 to 0.3662
    share = wilson(81, 263)
    assert [share.low, share.high] == pytest.approx([0.2553, 0.3662], abs=1e-4)


def test_difference_agrees_with_a_published_example() -> None:
    # Newcombe 1998b, table II: 56/70 - 48/80, method 10: 0.0524 to 0.3339
    lift = difference(wilson(56, 70), wilson(48, 80))
    assert lift.estimate == pytest.approx(0.2)
    assert [lift.low, lift.high] == pytest.approx([0.0524, 0.3339], abs=1e-4)


@given(shares(), shares())
def test_differences_are_antisymmetric(one: Interval, other: Interval) -> None:
    there, back = difference(one, other), difference(other, one)
    assert there.estimate == pytest.approx(-back.estimate)
    assert there.low == pytest.approx(-back.high)


def test_nothing_is_known_of_an_empty_arm() -> None:
    assert wilson(0, 0) == Interval(0.0, 0.0, 1.0)
