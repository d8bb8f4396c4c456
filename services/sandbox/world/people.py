"""Who lives in the province: owners, their lines, and everything about them that is plain to see."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.block import Block
from services.sandbox.world.calendar import Days
from services.sandbox.world.draws import Flags, Floats, Ints, choice
from services.sandbox.world.handsets import GPRS, MMS, WAP, Handsets, draw_handsets
from services.sandbox.world.owners import Owners, draw_owners

BRANDS = ("GoTone", "M-Zone", "Easyown")
GOTONE, M_ZONE, EASYOWN = range(3)

_SECOND_LINES, _THIRD_LINES = 0.05, 0.006
_MEDIAN_SPEND_YUAN = np.array([88.0, 46.0, 31.0])
_PLAN_STEPS_YUAN = np.array([30.0, 60.0, 110.0])
_CHANGED_NUMBER = 0.03


@dataclass(frozen=True, slots=True)
class People:
    """Lines, one entry each; `owner` points into `owners`."""

    block: Block
    owners: Owners
    owner: Ints
    brand: Ints
    activated: Days
    number_since: Days
    """Later than the activation for those who changed their number."""
    credit_level: Ints
    handsets: Handsets
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
    def city(self) -> Ints:
        return self.owners.city[self.owner]

    @property
    def is_man(self) -> Flags:
        man: Flags = self.owners.sex[self.owner] == 0
        return man

    @property
    def handset_gprs(self) -> Flags:
        return self.handsets.can(GPRS)

    @property
    def handset_wap(self) -> Flags:
        return self.handsets.can(WAP)

    @property
    def handset_mms(self) -> Flags:
        return self.handsets.can(MMS)

    @property
    def plan_step(self) -> Ints:
        """0 to 3: which of the brand's four plans, by what the line uses to spend."""
        return np.searchsorted(_PLAN_STEPS_YUAN, self.habit_yuan).astype(np.int64)

    @property
    def in_contract_class(self) -> Flags:
        """Whether a lock-in contract is on file, running or over."""
        return ~np.isnat(self.contract_ends)


def draw_people(block: Block) -> People:
    """Draw the block's lines; about one owner in twenty holds two, a few hold three."""
    chance = block.chance("people")
    third = round(block.count * _THIRD_LINES / (1 + _SECOND_LINES + _THIRD_LINES))
    second = round(block.count * _SECOND_LINES / (1 + _SECOND_LINES + _THIRD_LINES))
    persons = block.count - second - third
    with_more = chance.permutation(persons)[:second]
    lines_of = np.concatenate([np.arange(persons), with_more, with_more[:third]])
    return _draw_lines(draw_owners(persons, block), chance.permutation(lines_of), block, chance)


def _draw_lines(owners: Owners, owner: Ints, block: Block, chance: np.random.Generator) -> People:
    count, age = len(owner), owners.age[owner]
    brand = _draw_brands(age, chance)
    activated = _draw_activation(count, block, chance)
    years = (block.calendar.cycle.astype("datetime64[D]") - activated).astype(np.int64) / 365.0
    habit_yuan = _MEDIAN_SPEND_YUAN[brand] * np.exp(chance.normal(0, 0.55, count))
    credit = np.round(2 + 0.25 * years + (brand == GOTONE) + chance.normal(0, 0.8, count))
    return People(
        block=block,
        owners=owners,
        owner=owner,
        brand=brand,
        activated=activated,
        number_since=_draw_number_since(activated, block, chance),
        credit_level=np.clip(credit, 1, 5).astype(np.int64),
        handsets=draw_handsets(age, habit_yuan, block=block),
        habit_yuan=habit_yuan,
        contract_ends=_draw_contracts(brand, activated, block, chance),
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


def _draw_activation(count: int, block: Block, chance: np.random.Generator) -> Days:
    days_ago = np.minimum(1 + np.floor(chance.gamma(1.8, 800.0, count)), 365 * 15).astype(np.int64)
    activated: Days = block.calendar.cycle.astype("datetime64[D]") - days_ago
    return activated


def _draw_number_since(activated: Days, block: Block, chance: np.random.Generator) -> Days:
    """Return since when each line has its number: some changed it within the last four hundred days."""
    count = len(activated)
    changed = chance.random(count) < _CHANGED_NUMBER
    since = block.calendar.cycle.astype("datetime64[D]") - chance.integers(1, 400, count)
    return np.where(changed, np.maximum(activated, since), activated)


def _draw_contracts(brand: Ints, activated: Days, block: Block, chance: np.random.Generator) -> Days:
    """Return the last day of the lock-in contract: from eight months before the cycle to sixteen after it; else NaT."""
    count = len(brand)
    has_one = chance.random(count) < np.array([0.55, 0.38, 0.24])[brand]
    ends = block.calendar.day_in(chance.integers(1, 26, count), chance.random(count))
    signed_before_activation = ends - 365 < activated
    ends = np.where(signed_before_activation, activated + 365, ends)
    return np.where(has_one, ends, np.datetime64("NaT", "D"))
