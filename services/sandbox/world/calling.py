"""Calling habits that stay: how much goes out, how far it goes, where family and business sit, and who is in a VPMN."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.draws import Flags, Floats, Ints, pick
from services.sandbox.world.enterprises import Enterprises
from services.sandbox.world.people import People
from services.sandbox.world.places import COUNTERPART_WEIGHTS

_FROM_OUTSIDE = 0.24
_MEMBER_IN_VPMN, _FAMILY_IN_VPMN = 0.68, 0.07
_TRAVELS = 0.3
_MEDIAN_PRICE_YUAN = 0.19


@dataclass(frozen=True, slots=True)
class Calling:
    """Shares are of all minutes of a month at home; one entry per line."""

    voice_share: Floats
    """Of what is spent, how much is for calls."""
    price_yuan: Floats
    """Of a minute."""
    outbound_share: Floats
    long_distance_share: Floats
    far_share: Floats
    """Of the long distance, how much leaves the province."""
    abroad_share: Floats
    """Of what leaves the province, how much leaves the country."""
    counterpart: Ints
    """The other province that a line has to do with: a place in `COUNTERPARTS`; -1 for those with ties inside only."""
    travels: Floats
    """The share of months spent partly elsewhere."""
    breadth: Floats
    """Distinct peers in an ordinary month."""
    rival_share: Floats
    in_vpmn: Flags
    vpmn_share: Floats


def draw_calling(people: People, enterprises: Enterprises) -> Calling:
    """Draw habits: people from outside call outside; enterprise members call colleagues in the VPMN and travel more."""
    chance, count = people.block.chance("calling"), people.count
    member = enterprises.is_member
    outside = chance.random(count) < _FROM_OUTSIDE
    counterpart = np.where(outside, pick(chance, COUNTERPART_WEIGHTS, count), -1)
    in_vpmn = chance.random(count) < np.where(member, _MEMBER_IN_VPMN, _FAMILY_IN_VPMN)
    long_distance = np.where(outside, chance.beta(2.2, 5.0, count), chance.beta(1.1, 11.0, count))
    price = _MEDIAN_PRICE_YUAN * np.exp(chance.normal(0, 0.22, count)) * (1.0 + 0.7 * long_distance)
    return Calling(
        voice_share=chance.uniform(0.55, 0.9, count),
        price_yuan=np.clip(price, 0.06, 0.6),
        outbound_share=np.clip(chance.normal(0.5, 0.11, count), 0.15, 0.85),
        long_distance_share=long_distance,
        far_share=np.where(outside, chance.beta(6.0, 2.0, count), 0.0),
        abroad_share=np.where(chance.random(count) < 0.06, chance.uniform(0.02, 0.4, count), 0.0),
        counterpart=counterpart,
        travels=np.where(chance.random(count) < _TRAVELS + 0.15 * member, chance.uniform(0.15, 0.6, count), 0.0),
        breadth=np.clip(14.0 * (people.habit_yuan / 40.0) ** 0.6 * np.exp(chance.normal(0, 0.35, count)), 2.0, 400.0),
        rival_share=chance.beta(2.5, 9.0, count),
        in_vpmn=in_vpmn,
        vpmn_share=np.where(
            in_vpmn, np.where(member, chance.beta(3.0, 7.0, count), chance.beta(2.0, 12.0, count)), 0.0
        ),
    )
