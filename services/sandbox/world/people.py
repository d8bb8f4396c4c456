"""Who lives in the province: owners, their lines, and everything about them that is plain to see."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import Calendar, Days
from services.sandbox.world.draws import Flags, Floats, Ints, choice, stream

CITIES = ("合肥", "芜湖")
COUNTIES = (
    ("蜀山区", "庐阳区", "包河区", "瑶海区", "肥西县", "肥东县"),
    ("镜湖区", "弋江区", "鸠江区", "繁昌区", "湾沚区", "无为市"),
)
BRANDS = ("GoTone", "M-Zone", "Easyown")
GOTONE, M_ZONE, EASYOWN = range(3)
GRIDS_PER_COUNTY = 12

_SECOND_LINES = 0.05
_MEDIAN_SPEND_YUAN = np.array([88.0, 46.0, 31.0])


@dataclass(frozen=True, slots=True)
class Owners:
    """Persons. Ages are completed years in the cycle; `sex` is 0 for men, 1 for women."""

    city: Ints
    county: Ints
    grid: Ints
    sex: Ints
    age: Ints
    internet_access: Flags
    red_list: Flags


@dataclass(frozen=True, slots=True)
class People:
    """Lines, one entry each; `owner` points into `owners`, whose columns `of_owner` spreads over the lines."""

    owners: Owners
    owner: Ints
    brand: Ints
    activated: Days
    credit_level: Ints
    handset_gprs: Flags
    handset_wap: Flags
    handset_mms: Flags
    habit_yuan: Floats
    contract_ends: Days
    consent: Ints
    """1 yes, 0 no, -1 never asked."""
    sex_known: Flags
    age_known: Flags

    @property
    def count(self) -> int:
        return len(self.owner)

    @property
    def age(self) -> Ints:
        return self.owners.age[self.owner]

    @property
    def is_man(self) -> Flags:
        man: Flags = self.owners.sex[self.owner] == 0
        return man

    @property
    def in_contract_class(self) -> Flags:
        """Whether a lock-in contract is on file, running or over."""
        return ~np.isnat(self.contract_ends)


def draw_people(count: int, *, seed: int, calendar: Calendar) -> People:
    """Draw `count` lines; about one owner in twenty holds two."""
    chance = stream(seed, "people")
    second = round(count * _SECOND_LINES / (1 + _SECOND_LINES))
    owners = _draw_owners(count - second, chance)
    lines_of = np.concatenate([np.arange(count - second), chance.permutation(count - second)[:second]])
    owner = chance.permutation(lines_of).astype(np.int64)
    return _draw_lines(owners, owner, calendar, chance)


def _draw_owners(count: int, chance: np.random.Generator) -> Owners:
    city = (chance.random(count) < 0.38).astype(np.int64)
    young = chance.random(count) < 0.35
    age = np.where(young, chance.normal(22, 4, count), chance.normal(42, 12, count))
    age = np.clip(np.floor(age), 16, 80).astype(np.int64)
    return Owners(
        city=city,
        county=chance.integers(0, len(COUNTIES[0]), count),
        grid=chance.integers(1, GRIDS_PER_COUNTY + 1, count),
        sex=(chance.random(count) < 0.47).astype(np.int64),
        age=age,
        internet_access=chance.random(count) < np.where(age < 45, 0.62, 0.25),
        red_list=chance.random(count) < 0.005,
    )


def _draw_lines(owners: Owners, owner: Ints, calendar: Calendar, chance: np.random.Generator) -> People:
    count = len(owner)
    age = owners.age[owner]
    brand = _draw_brands(age, chance)
    activated = _draw_activation(count, calendar, chance)
    years = (calendar.cycle.astype("datetime64[D]") - activated).astype(np.int64) / 365.0
    gprs = chance.random(count) < np.where(age < 45, 0.90, 0.62)
    wap = gprs & (chance.random(count) < 0.90)
    return People(
        owners=owners,
        owner=owner,
        brand=brand,
        activated=activated,
        credit_level=np.clip(
            np.round(2 + 0.25 * years + (brand == GOTONE) + chance.normal(0, 0.8, count)), 1, 5
        ).astype(np.int64),
        handset_gprs=gprs,
        handset_wap=wap,
        handset_mms=wap & (chance.random(count) < 0.93),
        habit_yuan=_MEDIAN_SPEND_YUAN[brand] * np.exp(chance.normal(0, 0.55, count)),
        contract_ends=_draw_contracts(brand, activated, calendar, chance),
        consent=np.array([1, 0, -1])[choice(chance, np.tile([0.85, 0.05, 0.10], (count, 1)))],
        sex_known=chance.random(count) >= 0.02,
        age_known=chance.random(count) >= 0.03,
    )


def _draw_brands(age: Ints, chance: np.random.Generator) -> Ints:
    young = age < 27
    weights = np.where(
        young[:, None],
        np.array([0.10, 0.52, 0.38]),
        np.array([0.27, 0.09, 0.64]),
    )
    return choice(chance, weights)


def _draw_activation(count: int, calendar: Calendar, chance: np.random.Generator) -> Days:
    days_ago = np.minimum(1 + np.floor(chance.gamma(1.8, 800.0, count)), 365 * 15).astype(np.int64)
    activated: Days = calendar.cycle.astype("datetime64[D]") - days_ago
    return activated


def _draw_contracts(brand: Ints, activated: Days, calendar: Calendar, chance: np.random.Generator) -> Days:
    """Return the last day of the lock-in contract: from eight months before the cycle to sixteen after it; else NaT."""
    count = len(brand)
    has_one = chance.random(count) < np.array([0.55, 0.38, 0.24])[brand]
    ends = calendar.day_in(chance.integers(1, 26, count), chance.random(count))
    signed_before_activation = ends - 365 < activated
    ends = np.where(signed_before_activation, activated + 365, ends)
    return np.where(has_one, ends, np.datetime64("NaT", "D"))
