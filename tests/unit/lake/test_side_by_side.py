"""Work in threads comes out in order, a bounded number ahead, waits for what it needs, and fails where it failed."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.lake.side_by_side import as_needed, side_by_side


def test_results_come_in_the_order_of_what_was_given_whoever_ends_first() -> None:
    def work(number: int) -> int:
        time.sleep(0.01 * (number % 3 == 0))
        return number * number

    assert list(side_by_side(work, range(30), threads=3)) == [number * number for number in range(30)]


def test_two_are_worked_on_at_once() -> None:
    both = threading.Barrier(2)
    assert len(list(side_by_side(lambda _: both.wait(10), range(2), threads=2))) == 2


def test_only_a_few_are_taken_before_their_results_are_asked_for() -> None:
    taken: list[int] = []

    def given() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = side_by_side(lambda number: number, given(), threads=2)
    assert next(results) == 0
    assert len(taken) == 3
    results.close()
    assert len(taken) == 3


def test_a_failure_comes_behind_the_results_before_it() -> None:
    results = side_by_side(lambda number: 10 // number, [5, 2, 0, 1], threads=2)
    assert [next(results), next(results)] == [2, 5]
    with pytest.raises(ZeroDivisionError):
        next(results)


@st.composite
def needing(draw: st.DrawFn) -> dict[str, set[str]]:
    """Names, each with some of those named before it."""
    names = [str(number) for number in range(draw(st.integers(1, 8)))]
    return {name: draw(st.sets(st.sampled_from(names[:place]))) if place else set() for place, name in enumerate(names)}


@settings(deadline=None)
@given(needs=needing(), threads=st.integers(1, 3))
def test_each_name_is_done_once_and_behind_those_that_it_needs(needs: dict[str, set[str]], threads: int) -> None:
    done: list[str] = []
    as_needed(needs, done.append, threads=threads)
    assert sorted(done) == sorted(needs)
    assert all(done.index(other) < done.index(name) for name in needs for other in needs[name])


def test_what_needs_nothing_of_each_other_is_done_at_once() -> None:
    both = threading.Barrier(2)
    met: list[str] = []

    def meet(name: str) -> None:
        both.wait(10)
        met.append(name)

    as_needed({"a": (), "b": ()}, meet, threads=2)
    assert sorted(met) == ["a", "b"]


def test_after_a_failure_nothing_else_is_begun() -> None:
    begun: list[str] = []

    def work(name: str) -> None:
        begun.append(name)
        raise ValueError(name)

    with pytest.raises(ValueError, match="a"):
        as_needed({"a": (), "b": ("a",), "c": ()}, work, threads=1)
    assert "b" not in begun
