"""Monthly traffic: a line's activity as minutes, divided by direction, by distance and by where the line was."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import HISTORY_MONTHS
from services.sandbox.world.calling import Calling
from services.sandbox.world.draws import Floats, Ints
from services.sandbox.world.life import Life
from services.sandbox.world.people import EASYOWN, People

_ALLOWANCE_MINUTES = np.array([50, 120, 250, 500])
_MOST_ROAMING = 0.6


@dataclass(frozen=True, slots=True)
class Traffic:
    """Lines x 9 months, in tenths of a minute.

    All minutes are inbound or outbound; and all are local, long distance or roaming, the latter two in three parts each.
    Minutes in the VPMN are some of the local and in-province ones, those in roaming some of the roaming ones.
    """

    inbound: Ints
    outbound: Ints
    local: Ints
    in_province: Ints
    inter_province: Ints
    international: Ints
    roaming_in_province: Ints
    roaming_inter_province: Ints
    roaming_international: Ints
    vpmn: Ints
    vpmn_roaming: Ints
    overage: Ints

    @property
    def minutes(self) -> Ints:
        return self.inbound + self.outbound

    @property
    def long_distance(self) -> Ints:
        return self.in_province + self.inter_province + self.international

    @property
    def roaming(self) -> Ints:
        return self.roaming_in_province + self.roaming_inter_province + self.roaming_international


def draw_traffic(people: People, life: Life, calling: Calling) -> Traffic:
    """Draw minutes from what the line spends on calls; in some months a part of them is made elsewhere."""
    chance = people.block.chance("traffic")
    spent = people.habit_yuan * calling.voice_share / calling.price_yuan
    minutes = whole(10.0 * spent[:, None] * life.activity)
    outbound = whole(minutes * calling.outbound_share[:, None])
    roaming = whole(minutes * _draw_roaming(calling, chance))
    at_home = minutes - roaming
    varied = calling.long_distance_share[:, None] * np.exp(chance.normal(0, 0.2, minutes.shape))
    long_distance = whole(np.minimum(varied, 0.9) * at_home)
    outside = whole(long_distance * calling.far_share[:, None])
    abroad = whole(outside * calling.abroad_share[:, None])
    in_province = long_distance - outside
    beyond = whole(roaming * calling.far_share[:, None])
    far_abroad = whole(beyond * calling.abroad_share[:, None])
    in_vpmn = calling.vpmn_share[:, None]
    return Traffic(
        inbound=minutes - outbound,
        outbound=outbound,
        local=at_home - long_distance,
        in_province=in_province,
        inter_province=outside - abroad,
        international=abroad,
        roaming_in_province=roaming - beyond,
        roaming_inter_province=beyond - far_abroad,
        roaming_international=far_abroad,
        vpmn=np.floor((at_home - outside) * in_vpmn).astype(np.int64),
        vpmn_roaming=np.floor(roaming * in_vpmn * 0.3).astype(np.int64),
        overage=np.where(people.brand[:, None] == EASYOWN, 0, np.maximum(outbound - _allowance(people), 0)),
    )


def whole(amount: Floats) -> Ints:
    """Round to whole units."""
    return np.rint(amount).astype(np.int64)


def _draw_roaming(calling: Calling, chance: np.random.Generator) -> Floats:
    """Return the share of each month's minutes that is made elsewhere."""
    shape = (len(calling.travels), HISTORY_MONTHS)
    return np.where(
        chance.random(shape) < calling.travels[:, None], chance.uniform(0.03, _MOST_ROAMING, (shape[0], 1)), 0.0
    )


def _allowance(people: People) -> Ints:
    """Return what the plan includes, in tenths of a minute; prepaid plans include nothing and have no overage."""
    tenths: Ints = 10 * _ALLOWANCE_MINUTES[people.plan_step][:, None]
    return tenths
