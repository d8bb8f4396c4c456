"""Chance that is asked for by name: pure, even, and on target."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sandbox.world.draws import calibrated, choice, lots, stream

SEEDS = st.integers(0, 2**63)
KEYS = st.text(max_size=20)


@given(seed=SEEDS, key=KEYS, numbers=st.lists(st.integers(0, 2**40), min_size=1, max_size=20))
def test_a_lot_depends_on_seed_key_and_number_and_not_on_the_company_it_is_drawn_in(
    seed: int, key: str, numbers: list[int]
) -> None:
    together = lots(seed, key, np.array(numbers))
    alone = np.concatenate([lots(seed, key, np.array([number])) for number in numbers])
    assert np.array_equal(together, alone)
    assert ((together >= 0) & (together < 1)).all()


def test_lots_are_even_and_those_of_two_keys_have_nothing_to_do_with_each_other() -> None:
    numbers = np.arange(100_000)
    one, other = lots(1, "one", numbers), lots(1, "other", numbers)
    shares = np.histogram(one, bins=20, range=(0, 1))[0] / len(numbers)
    assert np.abs(shares - 0.05).max() < 0.004
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.015


@given(mean=st.floats(0.005, 0.95), seed=SEEDS)
def test_calibrated_probabilities_have_the_wanted_mean_keep_the_order_and_spare_all_others(
    mean: float, seed: int
) -> None:
    chance = stream(seed, "test")
    leaning, among = chance.normal(0, 1.5, 200), chance.random(200) < 0.7
    among[0] = True
    rates = calibrated(leaning, mean=mean, among=among)
    assert rates[among].mean() == pytest.approx(mean, abs=1e-6)
    assert not rates[~among].any()
    assert np.array_equal(np.argsort(rates[among], kind="stable"), np.argsort(leaning[among], kind="stable"))


def test_calibrating_among_nobody_gives_nobody_a_chance() -> None:
    assert not calibrated(np.ones(3), mean=0.5, among=np.zeros(3, dtype=np.bool_)).any()


def test_a_choice_follows_its_weights_and_never_takes_what_weighs_nothing() -> None:
    drawn = choice(stream(3, "test"), np.tile([1.0, 0.0, 3.0], (20_000, 1)))
    shares = np.bincount(drawn, minlength=3) / len(drawn)
    assert shares[1] == 0
    assert shares[0] == pytest.approx(0.25, abs=0.015)
