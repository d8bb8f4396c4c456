"""Who subscribed to which product, how and until when, and how much of it they used."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import HISTORY_MONTHS, NEVER, Days
from services.sandbox.world.catalogue import PRODUCTS, Subject
from services.sandbox.world.draws import Flags, Floats, Ints, calibrated, choice, logistic, pick
from services.sandbox.world.inclinations import Inclinations, can_run
from services.sandbox.world.life import Life
from services.sandbox.world.people import People

HOW_ORDERED = ("self", "voice_plan", "trial")
SELF, VOICE_PLAN, TRIAL = range(3)
CHANNELS = ("desk", "call", "sms", "web", "hotline")
DESK, CALL, SMS, WEB, HOTLINE = range(5)
CANCEL_REASONS = ("price", "content", "unused", "handset")

_HELD_BEFORE = {
    Subject.MOBILE_NEWSPAPER: 0.06,
    Subject.RING_BACK_TONE: 0.24,
    Subject.MOBILE_INTERNET: 0.30,
    Subject.MAIL_139: 0.10,
}
_ORDERED_PER_MONTH = {
    Subject.MOBILE_NEWSPAPER: 0.035,
    Subject.RING_BACK_TONE: 0.018,
    Subject.MOBILE_INTERNET: 0.02,
    Subject.MAIL_139: 0.022,
}
_CANCELLED_PER_MONTH = 0.025
_UNPROVISIONED = 0.04
_NEVER_USED = np.array([0.10, 0.45, 0.15])
"""By how it was ordered: what comes with a voice plan is often never looked at."""
_VOLUME_PER_DAY = {
    Subject.MOBILE_NEWSPAPER: 1.6,
    Subject.RING_BACK_TONE: 4.0,
    Subject.MOBILE_INTERNET: 1.8,
    Subject.MAIL_139: 2.5,
}
"""Issues read, tones played, megabytes, letters: for somebody of middling taste."""
_TRIAL_DAYS = 30


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """One product's subscriptions: at most one per line; `line` points into the people."""

    product: Subject
    line: Ints
    how_ordered: Ints
    channel: Ints
    """Of the order."""
    provisioned: Flags
    ordered_on: Days
    trial_ends_on: Days
    """NaT unless it is a free trial."""
    cancelled_on: Days
    """NaT while it runs."""
    cancel_reason: Ints
    """-1 while it runs."""
    active_days: Ints
    """Subscriptions x 9 months."""
    volume: Floats
    """Subscriptions x 9 months; issues, plays or megabytes."""

    def holders(self, count: int) -> Flags:
        """Return whether each of `count` lines has the product now."""
        holds = np.zeros(count, dtype=np.bool_)
        holds[self.line[np.isnat(self.cancelled_on)]] = True
        return holds


def draw_subscriptions(people: People, life: Life, inclinations: Inclinations) -> dict[Subject, Subscriptions]:
    """Draw all products' subscriptions."""
    return {product: _draw_product(product, people, life, inclinations.product[product]) for product in PRODUCTS}


def _draw_product(product: Subject, people: People, life: Life, leaning: Floats) -> Subscriptions:
    calendar, chance = people.block.calendar, people.block.chance(f"subscriptions of {product}")
    ordered = _draw_order_months(product, people, life, leaning, chance)
    line = np.flatnonzero(ordered != NEVER)
    taste = leaning[line] - leaning.mean()
    ordered_on = np.maximum(calendar.day_in(ordered[line], chance.random(len(line))), people.activated[line])
    cancelled = _draw_cancel_months(ordered[line], taste, chance)
    cancelled_on = np.maximum(calendar.day_in(cancelled, chance.random(len(line))), ordered_on + 1)
    cancelled_on = np.where(cancelled < HISTORY_MONTHS, cancelled_on, np.datetime64("NaT", "D"))
    provisioned = chance.random(len(line)) >= _UNPROVISIONED
    used = _used_months(ordered[line], cancelled) & life.present[line] & provisioned[:, None]
    how_ordered = pick(chance, (0.72, 0.16, 0.12), len(line))
    uses = chance.random(len(line)) >= _NEVER_USED[how_ordered]
    days = np.where(used & uses[:, None], _draw_active_days(taste, life.activity[line], chance), 0)
    per_day = _VOLUME_PER_DAY[product] * np.exp(0.3 * taste + chance.normal(0, 0.4, len(line)))
    return Subscriptions(
        product=product,
        line=line,
        how_ordered=how_ordered,
        channel=np.where(how_ordered == VOICE_PLAN, DESK, _draw_channels(people.age[line], chance)),
        provisioned=provisioned,
        ordered_on=ordered_on,
        trial_ends_on=np.where(how_ordered == TRIAL, ordered_on + _TRIAL_DAYS, np.datetime64("NaT", "D")),
        cancelled_on=cancelled_on,
        cancel_reason=np.where(cancelled < HISTORY_MONTHS, chance.integers(0, len(CANCEL_REASONS), len(line)), -1),
        active_days=days,
        volume=days * per_day[:, None],
    )


def _draw_order_months(
    product: Subject, people: People, life: Life, leaning: Floats, chance: np.random.Generator
) -> Ints:
    """Return the month index of each line's order: up to two years before the history, in it, or NEVER."""
    able = can_run(product, people)
    before = able & (life.joined < 0)
    held = chance.random(people.count) < calibrated(leaning, mean=_HELD_BEFORE[product], among=before)
    ordered = np.where(held, np.maximum(life.joined, -chance.integers(1, 25, people.count)), NEVER)
    for month in range(HISTORY_MONTHS):
        free = able & (ordered == NEVER) & (life.joined <= month) & (life.left > month)
        takes = chance.random(people.count) < calibrated(leaning, mean=_ORDERED_PER_MONTH[product], among=free)
        ordered = np.where(takes, month, ordered)
    return ordered


def _draw_cancel_months(ordered: Ints, taste: Floats, chance: np.random.Generator) -> Ints:
    """Return the month index of each cancellation, NEVER while it runs; who likes it cancels less."""
    cancelled = np.full(len(ordered), NEVER)
    for month in range(HISTORY_MONTHS):
        running = (cancelled == NEVER) & (ordered < month)
        gives_up = chance.random(len(ordered)) < _CANCELLED_PER_MONTH * np.exp(-0.4 * taste)
        cancelled = np.where(running & gives_up, month, cancelled)
    return cancelled


def _used_months(ordered: Ints, cancelled: Ints) -> Flags:
    months = np.arange(HISTORY_MONTHS)
    used: Flags = (months >= ordered[:, None]) & (months <= cancelled[:, None])
    return used


def _draw_channels(age: Ints, chance: np.random.Generator) -> Ints:
    """Return where the order came in: the young by themselves, the others rather with somebody's help."""
    return choice(chance, np.where((age < 35)[:, None], [0.22, 0.13, 0.34, 0.26, 0.05], [0.42, 0.24, 0.20, 0.06, 0.08]))


def _draw_active_days(taste: Floats, activity: Floats, chance: np.random.Generator) -> Ints:
    """Return days of use per month: by taste and by how much the line lives."""
    rate = logistic(0.5 * taste - 0.4 + chance.normal(0, 0.5, len(taste)))
    return chance.binomial(30, rate[:, None] * np.clip(activity, 0.0, 1.0)).astype(np.int64)
