"""Who leaves, who falls silent, and how much of their habit the customers use month by month."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import HISTORY_MONTHS, NEVER, Days
from services.sandbox.world.draws import Flags, Floats, Ints, calibrated
from services.sandbox.world.inclinations import Inclinations, leaving_in
from services.sandbox.world.people import EASYOWN, People

_LEAVING_PER_QUARTER = 0.045
_KEPT_OF_EARLIER_LEAVERS = 0.4
"""The operator clears old leavers from its tables; of the oldest quarter most are gone."""
_QUARTERS = ((3, _KEPT_OF_EARLIER_LEAVERS), (6, 1.0), (9, 1.0))
_SILENT = 0.025
_LONGEST_FALL = 5


@dataclass(frozen=True, slots=True)
class Life:
    """`activity` is lines x 9 months, as a multiple of the line's habit; the other columns are month indexes."""

    activity: Floats
    turning_away: Floats
    """Lines x 9 months: how far a line has turned away before it leaves or falls silent, from 0 to 1 in up to five
    months. A third just goes: theirs is 0 throughout."""
    joined: Ints
    left: Ints
    left_on: Days
    """NaT unless the line left before the extract."""

    @property
    def has_left(self) -> Flags:
        return self.left < HISTORY_MONTHS

    @property
    def present(self) -> Flags:
        """Lines x 9 months: whether the line existed for a part of the month at least."""
        months = np.arange(HISTORY_MONTHS)
        present: Flags = (months >= self.joined[:, None]) & (months <= self.left[:, None])
        return present

    @property
    def recent_fall(self) -> Floats:
        """How far the last month lies below the mean of the three before, 0 to 1: what anybody could see."""
        before = self.activity[:, -4:-1].mean(axis=1)
        fall = 1.0 - self.activity[:, -1] / np.where(before > 0, before, 1.0)
        return np.where(before > 0, np.clip(fall, 0.0, 1.0), 0.0)


def draw_life(people: People, inclinations: Inclinations) -> Life:
    """Draw leaving and silence by inclination, and activity that usually falls before either."""
    calendar, chance = people.block.calendar, people.block.chance("life")
    joined = calendar.index_of(people.activated)
    left = _draw_leaving(people, inclinations, joined, chance)
    silent = _draw_silence(people, joined, chance)
    left_on = np.where(
        left < HISTORY_MONTHS, calendar.day_in(left, chance.random(people.count)), np.datetime64("NaT", "D")
    )
    turning_away, steps = _turn_away(np.minimum(left, silent), chance)
    fall = chance.uniform(0.45, 0.85, (people.count, 1)) ** steps
    activity = _habit(people.count, chance) * fall * _dip(people.count, chance)
    months = np.arange(HISTORY_MONTHS)
    activity *= (months >= joined[:, None]) & (months <= left[:, None]) & (months < silent[:, None])
    activity = np.where(months == left[:, None], activity * chance.uniform(0.1, 0.9, (people.count, 1)), activity)
    return Life(activity=activity, turning_away=turning_away, joined=joined, left=left, left_on=left_on)


def _draw_leaving(people: People, inclinations: Inclinations, joined: Ints, chance: np.random.Generator) -> Ints:
    """Return the month index of leaving, up to two months past the cycle, so that the fall before it is in the extract."""
    left = np.full(people.count, NEVER)
    for starts, kept in _QUARTERS:
        leaning = leaving_in(starts, people=people, inclinations=inclinations)
        eligible = (left == NEVER) & (joined < starts - 1)
        leaves = chance.random(people.count) < kept * calibrated(leaning, mean=_LEAVING_PER_QUARTER, among=eligible)
        left = np.where(leaves, starts + chance.integers(0, 3, people.count), left)
    return left


def _draw_silence(people: People, joined: Ints, chance: np.random.Generator) -> Ints:
    """Return the month index from which a line uses nothing for good."""
    leaning = 1.2 * (people.brand == EASYOWN) - 0.4 * np.log(people.habit_yuan / 40.0)
    falls_silent = chance.random(people.count) < calibrated(leaning, mean=_SILENT, among=joined < 0)
    return np.where(falls_silent, chance.integers(0, HISTORY_MONTHS + 3, people.count), NEVER)


def _habit(count: int, chance: np.random.Generator) -> Floats:
    """Return month-to-month variation around 1, with a trend of the line's own and the spring festival's calls."""
    season = np.array([1.12, 0.98, 0.97, 1.0, 1.0, 0.98, 1.02, 1.03, 1.05])
    trend = np.exp(chance.normal(0.0, 0.015, (count, 1)) * np.arange(HISTORY_MONTHS))
    varied: Floats = season * trend * np.exp(chance.normal(0.0, 0.2, (count, HISTORY_MONTHS)))
    return varied


def _turn_away(ends: Ints, chance: np.random.Generator) -> tuple[Floats, Ints]:
    """Return how far each line has turned away, and how many months it has been falling; a third never does."""
    count = len(ends)
    length = np.where(chance.random(count) < 0.65, chance.integers(1, _LONGEST_FALL + 1, count), 0)[:, None]
    falling = np.clip(np.arange(HISTORY_MONTHS) - (ends[:, None] - length) + 1, 0, length)
    return falling / np.maximum(length, 1), falling


def _dip(count: int, chance: np.random.Generator) -> Floats:
    """Return the factor of falls that mean nothing: a journey, a broken handset, an exam."""
    dips = chance.random(count) < 0.14
    starts = chance.integers(0, HISTORY_MONTHS, count)[:, None]
    length = chance.integers(1, 4, count)[:, None]
    months = np.arange(HISTORY_MONTHS)
    inside = dips[:, None] & (months >= starts) & (months < starts + length)
    return np.where(inside, chance.uniform(0.35, 0.8, (count, 1)), 1.0)
