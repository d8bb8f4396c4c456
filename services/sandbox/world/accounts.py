"""Monthly traffic and bills: what a line's activity comes to in minutes and in fen."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import HISTORY_MONTHS
from services.sandbox.world.catalogue import Subject
from services.sandbox.world.draws import Floats, Ints, stream
from services.sandbox.world.life import Life
from services.sandbox.world.people import People
from services.sandbox.world.products import Subscriptions

_YUAN_PER_MINUTE = 0.19
_YUAN_PER_MEGABYTE = 0.25
_MONTHLY_FEE_FEN = {Subject.MOBILE_NEWSPAPER: 300, Subject.RING_BACK_TONE: 500, Subject.MOBILE_INTERNET: 500}


@dataclass(frozen=True, slots=True)
class Traffic:
    """Lines x 9 months, in tenths of a minute."""

    minutes: Ints
    outbound: Ints
    long_distance: Ints
    roaming: Ints


@dataclass(frozen=True, slots=True)
class Bills:
    """Lines x 9 months, in fen. `total` is voice + data + sms; `balance` is one figure per line, at the extract."""

    voice: Ints
    data: Ints
    sms: Ints
    discounts: Ints
    handset_subsidy: Ints
    settlement: Ints
    commission: Ints
    arrears: Ints
    balance: Ints

    @property
    def total(self) -> Ints:
        return self.voice + self.data + self.sms


def draw_traffic(people: People, life: Life, *, seed: int) -> Traffic:
    """Draw minutes; somebody abroad or away from home shows as long distance and roaming."""
    chance = stream(seed, "traffic")
    voice_share = chance.uniform(0.55, 0.95, (people.count, 1))
    minutes = people.habit_yuan[:, None] * voice_share / _YUAN_PER_MINUTE * life.activity
    outbound = minutes * chance.uniform(0.35, 0.65, (people.count, 1))
    away = np.where(
        chance.random((people.count, HISTORY_MONTHS)) < 0.12, chance.uniform(0.05, 0.5, (people.count, 1)), 0
    )
    return Traffic(
        minutes=_whole(minutes * 10),
        outbound=_whole(outbound * 10),
        long_distance=_whole(outbound * 10 * chance.beta(1.2, 7.0, (people.count, 1))),
        roaming=_whole(minutes * 10 * away),
    )


def draw_bills(
    people: People, life: Life, traffic: Traffic, subscriptions: dict[Subject, Subscriptions], *, seed: int
) -> Bills:
    """Draw bills from traffic and use, and what the operator gives away of them."""
    chance = stream(seed, "bills")
    shape = (people.count, 1)
    voice = _whole(traffic.minutes * 10 * _YUAN_PER_MINUTE * chance.uniform(0.85, 1.15, shape))
    sms = _whole(people.habit_yuan[:, None] * 100 * chance.uniform(0.02, 0.15, shape) * life.activity)
    data = _data_revenue(people, life, subscriptions)
    total = voice + data + sms

    def share(low: float, high: float) -> Ints:
        return _whole(total * chance.uniform(low, high, shape))

    in_contract = people.in_contract_class[:, None]
    subsidised = in_contract & (chance.random(shape) < 0.4)
    owes = (chance.random((people.count, HISTORY_MONTHS)) < 0.03) & (total > 0)
    return Bills(
        voice=voice,
        data=data,
        sms=sms,
        discounts=share(0.0, 0.06) + np.where(in_contract, share(0.01, 0.09), 0),
        handset_subsidy=np.where(subsidised, share(0.05, 0.15), 0),
        settlement=share(0.02, 0.07),
        commission=share(0.005, 0.03),
        arrears=np.where(owes, share(0.2, 1.0), 0),
        balance=_whole(people.habit_yuan * 100 * chance.gamma(1.5, 0.8, people.count)),
    )


def _data_revenue(people: People, life: Life, subscriptions: dict[Subject, Subscriptions]) -> Ints:
    """Return monthly fees of the products in use, and the megabytes beyond them."""
    fen = np.zeros((people.count, HISTORY_MONTHS), dtype=np.int64)
    for product, held in subscriptions.items():
        used = held.active_days > 0
        fen[held.line] += used * _MONTHLY_FEE_FEN[product]
        if product is Subject.MOBILE_INTERNET:
            fen[held.line] += _whole(held.volume * 100 * _YUAN_PER_MEGABYTE)
    return np.where(life.present, fen, 0)


def _whole(amount: Floats) -> Ints:
    return np.round(amount).astype(np.int64)
