"""What each customer is inclined to, before any of it shows: hidden leanings behind their history and their answers."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.catalogue import Subject
from services.sandbox.world.draws import Flags, Floats, Ints
from services.sandbox.world.enterprises import Enterprises
from services.sandbox.world.owners import EMPLOYEE, OFFICIAL, TRADER
from services.sandbox.world.people import EASYOWN, People


@dataclass(frozen=True, slots=True)
class Inclinations:
    """Log odds up to a constant: part plain facts, part the customer's own nature, which no extract shows."""

    leaving: Floats
    """Without the contract, whose weight moves with the calendar: see `leaving_in`."""
    product: dict[Subject, Floats]


def draw_inclinations(people: People, enterprises: Enterprises) -> Inclinations:
    """Draw what the plain facts leave open."""
    chance = people.block.chance("inclinations")

    def nature(spread: float) -> Floats:
        return chance.normal(0.0, spread, people.count)

    member = enterprises.is_member
    internet = _internet(people) + nature(0.6)
    eager = 0.45 * (internet - internet.mean())
    return Inclinations(
        leaving=_leaving(people) - 0.5 * member + nature(0.75),
        product={
            Subject.MOBILE_INTERNET: internet,
            Subject.MOBILE_NEWSPAPER: _newspaper(people) + 0.5 * member + eager + nature(0.55),
            Subject.RING_BACK_TONE: _ring_back_tone(people) + nature(0.6),
            Subject.MAIL_139: _mail(people) + 0.6 * member + eager + nature(0.6),
        },
    )


def leaving_in(quarter_starts: int, *, people: People, inclinations: Inclinations) -> Floats:
    """Return the leaning to leave within the quarter that starts with that month index: a running contract holds,
    one that ends in the quarter or ended in the three months before sets free."""
    months_left = people.block.calendar.index_of(people.contract_ends) - quarter_starts
    ending = people.in_contract_class & (months_left >= -3) & (months_left < 3)
    held = people.in_contract_class & (months_left >= 3)
    leaning: Floats = inclinations.leaving + 0.9 * ending - 1.1 * held
    return leaning


def can_run(subject: Subject, people: People) -> Flags:
    """Return whether each handset can run a product: newspapers come by MMS, mobile internet needs GPRS."""
    match subject:
        case Subject.MOBILE_NEWSPAPER:
            return people.handset_mms
        case Subject.MOBILE_INTERNET:
            return people.handset_gprs
        case Subject.RING_BACK_TONE | Subject.MAIL_139 | Subject.VOICE_PACK | Subject.VPMN | Subject.RETENTION:
            return np.ones(people.count, dtype=np.bool_)


def _leaving(people: People) -> Floats:
    years = (people.activated.max() - people.activated).astype(np.int64) / 365.0
    leaning: Floats = (
        0.7 * (people.brand == EASYOWN)
        - 0.35 * np.minimum(years, 5.0)
        - 0.5 * np.log(people.habit_yuan / 40.0)
        + 0.3 * (people.age < 25)
        - 0.15 * people.credit_level
    )
    return leaning


def _internet(people: People) -> Floats:
    leaning: Floats = (
        _falling_with_age(people.age, middle=38, width=7)
        + np.array([0.5, 0.8, 0.0])[people.brand]
        + 0.2 * people.is_man
        + 0.4 * np.log(people.habit_yuan / 40.0)
    )
    return leaning


def _newspaper(people: People) -> Floats:
    """Under forty, men more than women, GoTone before M-Zone before Easyown (DOMAIN.md §1)."""
    leaning: Floats = (
        1.2 * (people.age < 40)
        + 0.6 * people.is_man
        + np.array([1.3, 0.55, 0.0])[people.brand]
        + 0.2 * people.owners.internet_access[people.owner]
    )
    return leaning


def _ring_back_tone(people: People) -> Floats:
    leaning: Floats = (
        _falling_with_age(people.age, middle=32, width=6)
        + np.array([0.5, 1.0, 0.0])[people.brand]
        - 0.4 * people.is_man
    )
    return leaning


def _mail(people: People) -> Floats:
    """People at desks, and who has internet at home."""
    job = people.owners.occupation[people.owner]
    leaning: Floats = (
        0.9 * np.isin(job, (EMPLOYEE, OFFICIAL))
        + 0.4 * (job == TRADER)
        + 0.7 * people.owners.internet_access[people.owner]
        + 0.5 * (people.brand != EASYOWN)
        - 0.03 * np.abs(people.age - 32)
    )
    return leaning


def _falling_with_age(age: Ints, *, middle: float, width: float) -> Floats:
    falling: Floats = 1.6 / (1.0 + np.exp((age - middle) / width))
    return falling
