"""The persons behind the lines: where they live, how old they are, what they do."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.block import Block
from services.sandbox.world.draws import Flags, Ints, choice
from services.sandbox.world.places import COUNTIES, REGIONS_PER_COUNTY, SCHOOL_REGION

OCCUPATIONS = ("学生", "公司职员", "公务员", "工人", "农民", "个体经营", "退休", "其他")
STUDENT, EMPLOYEE, OFFICIAL, WORKER, FARMER, TRADER, RETIRED, OTHER = range(8)
_INCOME = np.array([0.5, 4.5, 5.0, 3.0, 1.8, 4.2, 2.2, 2.5])

_SECOND_CITY = 0.38
_LINES_ELSEWHERE = 0.08
"""How many also hold a line with another operator, as far as this one knows."""


@dataclass(frozen=True, slots=True)
class Owners:
    """Persons. Ages are completed years in the cycle; `sex` is 0 for men, 1 for women; `income` is 0 (lowest) to 9."""

    city: Ints
    county: Ints
    region: Ints
    sex: Ints
    age: Ints
    occupation: Ints
    income: Ints
    lines_elsewhere: Ints
    internet_access: Flags
    red_list: Flags


def draw_owners(count: int, block: Block) -> Owners:
    """Draw persons; students live at the school of their county."""
    chance = block.chance("owners")
    young = chance.random(count) < 0.35
    age = np.where(young, chance.normal(22, 4, count), chance.normal(42, 12, count))
    age = np.clip(np.floor(age), 16, 80).astype(np.int64)
    occupation = _draw_occupations(age, chance)
    return Owners(
        city=(chance.random(count) < _SECOND_CITY).astype(np.int64),
        county=chance.integers(0, len(COUNTIES[0]), count),
        region=np.where(occupation == STUDENT, SCHOOL_REGION, chance.integers(0, REGIONS_PER_COUNTY - 1, count)),
        sex=(chance.random(count) < 0.47).astype(np.int64),
        age=age,
        occupation=occupation,
        income=np.clip(np.round(_INCOME[occupation] + chance.normal(0, 1.3, count)), 0, 9).astype(np.int64),
        lines_elsewhere=(chance.random(count) < _LINES_ELSEWHERE).astype(np.int64),
        internet_access=chance.random(count) < np.where(age < 45, 0.62, 0.25),
        red_list=chance.random(count) < 0.005,
    )


def _draw_occupations(age: Ints, chance: np.random.Generator) -> Ints:
    by_age = np.array(
        [
            [0.62, 0.12, 0.01, 0.14, 0.03, 0.03, 0.00, 0.05],
            [0.10, 0.36, 0.05, 0.25, 0.05, 0.12, 0.00, 0.07],
            [0.00, 0.40, 0.09, 0.24, 0.06, 0.14, 0.00, 0.07],
            [0.00, 0.28, 0.10, 0.22, 0.14, 0.17, 0.02, 0.07],
            [0.00, 0.03, 0.02, 0.04, 0.14, 0.07, 0.66, 0.04],
        ]
    )
    return choice(chance, by_age[np.searchsorted([23, 28, 40, 58], age, side="right")])
