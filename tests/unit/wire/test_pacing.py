"""Sending keeps to a rate, and trying again becomes patient."""

import random

from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.channels.pacing import Backoff, TokenBucket


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@given(st.floats(1, 200), st.lists(st.floats(0, 0.5), min_size=1, max_size=50))
def test_no_more_pass_than_the_rate_and_one_tenth_of_a_second(rate: float, steps: list[float]) -> None:
    watch = Stopwatch()
    bucket = TokenBucket(rate, monotonic=watch)
    passed = 0
    for step in steps:
        watch.seconds += step
        while bucket.try_take() == 0:
            passed += 1
    assert passed <= max(1.0, rate / 10) + watch.seconds * rate + 1e-6


def test_a_pause_lets_nothing_pass_until_it_is_over() -> None:
    watch = Stopwatch()
    bucket = TokenBucket(100.0, monotonic=watch)
    bucket.pause(2.0)
    watch.seconds = 1.99
    assert bucket.try_take() > 0
    watch.seconds = 2.01
    assert bucket.try_take() == 0


@given(st.integers(), st.integers(1, 60))
def test_waits_grow_to_the_longest_and_are_never_the_same_for_all(seed: int, failures: int) -> None:
    backoff = Backoff(first=0.5, longest=30.0, rng=random.Random(seed))
    waits = [backoff.next_wait() for _ in range(failures)]
    for nth, wait in enumerate(waits):
        bound = min(30.0, 0.5 * 2**nth)
        assert bound / 2 <= wait <= bound
    backoff.succeeded()
    assert backoff.next_wait() <= 0.5


@given(st.floats(1, 50), st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 8)), min_size=1, max_size=50))
def test_several_at_once_are_owed_and_keep_to_the_rate(rate: float, steps: list[tuple[float, int]]) -> None:
    watch = Stopwatch()
    bucket = TokenBucket(rate, monotonic=watch)
    passed = 0
    for step, count in steps:
        watch.seconds += step
        if bucket.try_take(count) == 0:
            passed += count
    assert passed <= max(1.0, rate / 10) + 8 + watch.seconds * rate + 1e-6


def test_more_than_the_bucket_holds_may_pass_when_it_is_full() -> None:
    watch = Stopwatch()
    bucket = TokenBucket(1.0, monotonic=watch)
    assert bucket.try_take(3) == 0
    assert bucket.try_take(3) == 3.0
    watch.seconds = 3.0
    assert bucket.try_take(3) == 0
