"""Monthly bills: what a line's activity comes to in fen, what the operator gives away of it, and what is paid."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import HISTORY_MONTHS
from services.sandbox.world.calling import Calling
from services.sandbox.world.catalogue import Subject
from services.sandbox.world.draws import Ints
from services.sandbox.world.life import Life
from services.sandbox.world.people import People
from services.sandbox.world.products import Subscriptions
from services.sandbox.world.traffic import Traffic, whole

_YUAN_PER_MEGABYTE = 0.25
_FIXED_SHARE = np.array([0.25, 0.2, 0.0])
"""Of a GoTone, an M-Zone and an Easyown line's habit: the plan's charge; prepaid plans have none."""
_MONTHLY_FEE_FEN = {
    Subject.MOBILE_NEWSPAPER: 300,
    Subject.RING_BACK_TONE: 500,
    Subject.MOBILE_INTERNET: 500,
    Subject.MAIL_139: 100,
}
_OWES, _OWES_MORE = 0.03, 0.1
"""The chance of arrears in a month, and how much more it is when a line has turned away."""


@dataclass(frozen=True, slots=True)
class Bills:
    """Lines x 9 months, in fen; `balance` is one figure per line, at the extract. Arrears are those at the month's end:
    payments are the bill and the arrears before, less the arrears after."""

    fixed: Ints
    voice: Ints
    data: Ints
    sms: Ints
    discounts: Ints
    gifts: Ints
    handset_subsidy: Ints
    settlement: Ints
    commission: Ints
    arrears: Ints
    balance: Ints

    @property
    def total(self) -> Ints:
        return self.fixed + self.voice + self.data + self.sms

    @property
    def payments(self) -> Ints:
        before = np.hstack([np.zeros((len(self.arrears), 1), dtype=np.int64), self.arrears[:, :-1]])
        return self.total + before - self.arrears


def draw_bills(
    people: People, life: Life, calling: Calling, traffic: Traffic, subscriptions: dict[Subject, Subscriptions]
) -> Bills:
    """Draw bills from traffic and use; a month without any use is not charged."""
    chance, shape = people.block.chance("bills"), (people.count, 1)
    fixed_share = _FIXED_SHARE[people.brand]
    fixed = 100 * whole(people.habit_yuan * fixed_share)[:, None] * (life.activity > 0)
    price = calling.price_yuan * (1.0 - fixed_share)
    voice = whole(traffic.minutes * 10 * price[:, None] * chance.uniform(0.95, 1.05, shape))
    sms = whole(people.habit_yuan[:, None] * 100 * chance.uniform(0.02, 0.15, shape) * life.activity)
    data = _data_revenue(people, life, subscriptions)
    total = fixed + voice + data + sms

    def share(low: float, high: float) -> Ints:
        return whole(total * chance.uniform(low, high, shape))

    in_contract = people.in_contract_class[:, None]
    subsidised = in_contract & (chance.random(shape) < 0.4)
    owes = (chance.random(total.shape) < _OWES + _OWES_MORE * life.turning_away) & (total > 0)
    return Bills(
        fixed=fixed,
        voice=voice,
        data=data,
        sms=sms,
        discounts=share(0.0, 0.06),
        gifts=np.where(in_contract, share(0.01, 0.09), 0),
        handset_subsidy=np.where(subsidised, share(0.05, 0.15), 0),
        settlement=share(0.02, 0.07),
        commission=share(0.005, 0.03),
        arrears=np.where(owes, share(0.2, 1.0), 0),
        balance=whole(people.habit_yuan * 100 * chance.gamma(1.5, 0.8, people.count)),
    )


def _data_revenue(people: People, life: Life, subscriptions: dict[Subject, Subscriptions]) -> Ints:
    """Return monthly fees of the products in use, and the megabytes beyond them."""
    fen = np.zeros((people.count, HISTORY_MONTHS), dtype=np.int64)
    for product, held in subscriptions.items():
        used = held.active_days > 0
        fen[held.line] += used * _MONTHLY_FEE_FEN[product]
        if product is Subject.MOBILE_INTERNET:
            fen[held.line] += whole(held.volume * 100 * _YUAN_PER_MEGABYTE)
    return np.where(life.present, fen, 0)
