"""Work in threads comes out in order, a bounded number ahead, and fails where it failed."""

import threading
import time
from collections.abc import Iterator

import pytest

from shared.lake.side_by_side import side_by_side


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
