"""What customers told the operator: complaints and consultations, answers to earlier offers, and surveys."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import HISTORY_MONTHS, Days
from services.sandbox.world.catalogue import PRODUCTS, Subject
from services.sandbox.world.draws import Flags, Ints, pick
from services.sandbox.world.life import Life
from services.sandbox.world.people import People
from services.sandbox.world.products import CALL, SMS, VOICE_PLAN, Subscriptions

TOPICS = ("network", "billing", "service", "price", "fashion", "provisioning")
PRICE, FASHION, PROVISIONING = 3, 4, 5
_GENERAL_TOPICS = (0.45, 0.30, 0.25)
COMPLAINT, CONSULTATION = range(2)

ANSWERS = ("accepted", "rejected", "none")
ACCEPTED, REJECTED, NO_ANSWER = range(3)
REASONS = ("price", "not_interested", "handset", "busy")
OPINIONS = ("price", "fashion", "unaware")

_CASES_A_MONTH, _MORE_CASES = 0.010, 0.035
_ASKED_A_MONTH = 0.045
_REJECTS = {SMS: 0.25, CALL: 0.7}
_SATISFACTION, _OPINION = 0.04, 0.10


@dataclass(frozen=True, slots=True)
class Cases:
    """One entry per case; `product` is a place in `PRODUCTS`, -1 where it is about none."""

    line: Ints
    reported_on: Days
    kind: Ints
    topic: Ints
    product: Ints


@dataclass(frozen=True, slots=True)
class Contacts:
    """One entry per earlier offer; `channel` as in products; `reason` is -1 unless it was rejected on the phone."""

    line: Ints
    contacted_on: Days
    channel: Ints
    product: Ints
    answer: Ints
    reason: Ints


@dataclass(frozen=True, slots=True)
class Surveys:
    """One entry per answer: of satisfaction with a score (`product` -1), or why a product is not used (`score` -1)."""

    line: Ints
    answered_on: Days
    product: Ints
    opinion: Ints
    score: Ints


def draw_cases(people: People, life: Life, subscriptions: dict[Subject, Subscriptions]) -> Cases:
    """Draw cases: more from lines that turn away, and from holders of what does not work or is not worth its price."""
    calendar, chance = people.block.calendar, people.block.chance("cases")
    rate = (_CASES_A_MONTH + _MORE_CASES * life.turning_away) * life.present
    month, line = np.nonzero((chance.random(rate.shape) < rate).T)
    complains = chance.random(len(line)) < 0.35 + 0.4 * life.turning_away[line, month]
    cases = [
        Cases(
            line=line,
            reported_on=_within_life(calendar.day_in(month, chance.random(len(line))), line, people, life),
            kind=np.where(complains, COMPLAINT, CONSULTATION),
            topic=pick(chance, _GENERAL_TOPICS, len(line)),
            product=np.full(len(line), -1),
        ),
        *(_product_cases(product, subscriptions[held], people, life, chance) for product, held in enumerate(PRODUCTS)),
    ]
    return Cases(*(np.concatenate([getattr(part, name) for part in cases]) for name in Cases.__slots__))


def _product_cases(product: int, held: Subscriptions, people: People, life: Life, chance: np.random.Generator) -> Cases:
    """A fault is reported when it was ordered; dear or dull content at the last of it."""
    faulty = ~held.provisioned & (chance.random(len(held.line)) < 0.3)
    dull = held.provisioned & _little_used(held) & (chance.random(len(held.line)) < 0.06)
    row = np.flatnonzero((faulty | dull) & (people.block.calendar.index_of(held.ordered_on) >= 0))
    opinion = np.where(chance.random(len(row)) < 0.6, PRICE, FASHION)
    after = held.ordered_on[row] + chance.integers(1, 60, len(row))
    return Cases(
        line=held.line[row],
        reported_on=_within_life(after, held.line[row], people, life),
        kind=np.full(len(row), COMPLAINT),
        topic=np.where(faulty[row], PROVISIONING, opinion),
        product=np.full(len(row), product),
    )


def draw_contacts(people: People, life: Life, subscriptions: dict[Subject, Subscriptions]) -> Contacts:
    """Draw earlier offers: those that were accepted are the orders that came by SMS and call; the others are at random."""
    parts = [
        part
        for product, held in enumerate(PRODUCTS)
        for part in (
            _accepted(product, subscriptions[held], people),
            _not_accepted(product, subscriptions[held], people, life),
        )
    ]
    return Contacts(*(np.concatenate([getattr(part, name) for part in parts]) for name in Contacts.__slots__))


def _accepted(product: int, held: Subscriptions, people: People) -> Contacts:
    by_offer = np.isin(held.channel, (SMS, CALL)) & (held.how_ordered != VOICE_PLAN)
    row = np.flatnonzero(by_offer & (people.block.calendar.index_of(held.ordered_on) >= 0))
    return Contacts(
        line=held.line[row],
        contacted_on=held.ordered_on[row],
        channel=held.channel[row],
        product=np.full(len(row), product),
        answer=np.full(len(row), ACCEPTED),
        reason=np.full(len(row), -1),
    )


def _not_accepted(product: int, held: Subscriptions, people: People, life: Life) -> Contacts:
    """Offers to people who did not have it at the time, on days before those of an order."""
    calendar, chance = people.block.calendar, people.block.chance(f"contacts about {PRODUCTS[product]}")
    ordered = np.full(people.count, HISTORY_MONTHS)
    ordered[held.line] = calendar.index_of(held.ordered_on)
    shape = (people.count, HISTORY_MONTHS)
    months = np.arange(HISTORY_MONTHS)
    free = life.present & (months < ordered[:, None]) & (months > life.joined[:, None]) & (months < life.left[:, None])
    month, line = np.nonzero((free & (chance.random(shape) < _ASKED_A_MONTH / len(PRODUCTS))).T)
    channel = np.where(chance.random(len(line)) < 0.6, SMS, CALL)
    rejects = chance.random(len(line)) < np.where(channel == CALL, _REJECTS[CALL], _REJECTS[SMS])
    return Contacts(
        line=line,
        contacted_on=calendar.day_in(month, chance.random(len(line))),
        channel=channel,
        product=np.full(len(line), product),
        answer=np.where(rejects, REJECTED, NO_ANSWER),
        reason=np.where(rejects & (channel == CALL), pick(chance, (0.3, 0.4, 0.1, 0.2), len(line)), -1),
    )


def draw_surveys(people: People, life: Life, subscriptions: dict[Subject, Subscriptions]) -> Surveys:
    """Draw answers of the last three months; who has left was not asked."""
    calendar, chance = people.block.calendar, people.block.chance("surveys")
    asked = np.flatnonzero(~life.has_left & (life.joined < 0) & (chance.random(people.count) < _SATISFACTION))
    score = 7.6 - 3.0 * life.turning_away[asked, -1] + chance.normal(0, 1.6, len(asked))
    parts = [
        (asked, np.full(len(asked), -1), np.full(len(asked), -1), np.clip(np.round(score), 0, 10).astype(np.int64))
    ]
    for product, held in enumerate(subscriptions.values()):
        unused = (held.active_days[:, -1] == 0) & np.isnat(held.cancelled_on) & ~life.has_left[held.line]
        row = np.flatnonzero(unused & (life.joined[held.line] < 0) & (chance.random(len(unused)) < _OPINION))
        opinion = pick(chance, (0.45, 0.2, 0.35), len(row))
        parts.append((held.line[row], np.full(len(row), product), opinion, np.full(len(row), -1)))
    line, product_asked, opinions, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    month = chance.integers(HISTORY_MONTHS - 3, HISTORY_MONTHS, len(line))
    return Surveys(line, calendar.day_in(month, chance.random(len(line))), product_asked, opinions, scores)


def _little_used(held: Subscriptions) -> Flags:
    little: Flags = (held.active_days > 0).sum(axis=1) <= 1
    return little


def _within_life(day: Days, line: Ints, people: People, life: Life) -> Days:
    """Move days to where the line existed, and before the cycle."""
    last = people.block.calendar.cycle.astype("datetime64[D]") - 1
    left_on = np.where(np.isnat(life.left_on[line]), last, life.left_on[line])
    within: Days = np.minimum(np.maximum(day, people.activated[line]), np.minimum(left_on, last))
    return within
