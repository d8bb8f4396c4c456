"""Enterprises, which lines belong to them, and whose voice counts there."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import Days
from services.sandbox.world.draws import Flags, Floats, Ints, calibrated
from services.sandbox.world.owners import EMPLOYEE, OFFICIAL, RETIRED, STUDENT, TRADER, WORKER
from services.sandbox.world.people import GOTONE, People
from services.sandbox.world.places import CITIES

INDUSTRIES = ("制造业", "批发零售", "教育", "政府机关", "医疗卫生", "金融", "建筑", "交通运输", "信息技术")

_LINES_PER_ENTERPRISE = 150
_MEMBERS = 0.22
_KEY_PERSONS = 0.06


@dataclass(frozen=True, slots=True)
class Enterprises:
    """Enterprises of the block, and for each line its enterprise: a place in the columns before, or -1."""

    city: Ints
    industry: Ints
    employees: Ints
    credit_level: Ints
    signed_on: Days
    contract_ends: Days
    """NaT where it never ends."""
    manager: Ints
    of_line: Ints
    key_person: Flags

    @property
    def count(self) -> int:
        return len(self.city)

    @property
    def is_member(self) -> Flags:
        member: Flags = self.of_line >= 0
        return member


def draw_enterprises(people: People) -> Enterprises:
    """Draw enterprises by the dozen and let working people belong to one of their own city."""
    block = people.block
    chance = block.chance("enterprises")
    count = max(2 * len(CITIES), block.count // _LINES_PER_ENTERPRISE)
    city = np.arange(count) % len(CITIES)
    of_line = _draw_members(people, city, chance)
    members = np.bincount(of_line[of_line >= 0], minlength=count)
    today = block.calendar.cycle.astype("datetime64[D]")
    signed_on = today - chance.integers(60, 3000, count)
    return Enterprises(
        city=city,
        industry=chance.integers(0, len(INDUSTRIES), count),
        employees=np.ceil(np.maximum(members, 3) * chance.uniform(1.0, 2.5, count)).astype(np.int64),
        credit_level=np.clip(np.round(chance.normal(5.5, 1.6, count)), 1, 9).astype(np.int64),
        signed_on=signed_on,
        contract_ends=np.where(
            chance.random(count) < 0.85, today + chance.integers(-60, 900, count), np.datetime64("NaT", "D")
        ),
        manager=chance.integers(1, 1 + max(2, count // 12), count),
        of_line=of_line,
        key_person=(of_line >= 0) & _is_key(people.habit_yuan, chance),
    )


def _draw_members(people: People, city_of: Ints, chance: np.random.Generator) -> Ints:
    """Return each line's enterprise or -1. Sizes are skewed: a few are large, most are small."""
    occupation = people.owners.occupation[people.owner]
    leaning = np.zeros(people.count)
    for job, weight in (
        (EMPLOYEE, 1.6),
        (OFFICIAL, 2.2),
        (WORKER, 0.9),
        (TRADER, 0.3),
        (STUDENT, -3.0),
        (RETIRED, -3.0),
    ):
        leaning += weight * (occupation == job)
    leaning += 0.6 * (people.brand == GOTONE)
    everybody = np.ones(people.count, dtype=np.bool_)
    belongs = chance.random(people.count) < calibrated(leaning, mean=_MEMBERS, among=everybody)
    size = chance.pareto(1.3, len(city_of)) + 0.5
    of_line = np.full(people.count, -1)
    for city in range(len(CITIES)):
        here, lines = np.flatnonzero(city_of == city), np.flatnonzero(belongs & (people.city == city))
        of_line[lines] = chance.choice(here, len(lines), p=size[here] / size[here].sum())
    return of_line


def _is_key(habit_yuan: Floats, chance: np.random.Generator) -> Flags:
    """Key persons are few, and call more than others."""
    return chance.random(len(habit_yuan)) < np.clip(_KEY_PERSONS * habit_yuan / 60.0, 0.0, 0.5)
