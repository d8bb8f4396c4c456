"""How many calls the minutes of a month were, and what became of them; and the circle of people behind them."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calling import Calling
from services.sandbox.world.draws import Floats, Ints
from services.sandbox.world.enterprises import Enterprises
from services.sandbox.world.life import Life
from services.sandbox.world.people import People
from services.sandbox.world.traffic import Traffic, whole

_SHRINKING = 0.22
"""How much of its circle a line that turns away has lost in the end, beyond what falls with its calls."""
_MORE_RIVALS = 0.12


@dataclass(frozen=True, slots=True)
class Calls:
    """Lines x 9 months, in calls. Inbound and outbound calls are at peak hours or not; the others are attempts besides."""

    inbound: Ints
    outbound: Ints
    peak: Ints
    dropped: Ints
    blocked: Ints
    unanswered: Ints
    waiting: Ints
    conference: Ints


@dataclass(frozen=True, slots=True)
class Circle:
    """Lines x 9 months. Breadths are peers; depths are hundredths of a minute a peer. Kinds of peers may overlap."""

    breadth: Ints
    depth: Ints
    vpmn_breadth: Ints
    vpmn_depth: Ints
    enterprise_peers: Ints
    rival_peers: Ints
    business_peers: Ints


def draw_calls(people: People, traffic: Traffic) -> Calls:
    """Draw calls from minutes by how long the line's calls are."""
    chance, shape = people.block.chance("calls"), (people.count, 1)
    tenths_a_call = 10 * chance.uniform(1.1, 3.2, shape)
    inbound, outbound = (np.ceil(part / tenths_a_call).astype(np.int64) for part in (traffic.inbound, traffic.outbound))
    both = inbound + outbound

    def some(rate: float) -> Ints:
        return chance.poisson(rate * both)

    return Calls(
        inbound=inbound,
        outbound=outbound,
        peak=whole(both * chance.uniform(0.3, 0.75, shape)),
        dropped=np.minimum(some(0.007), both),
        blocked=some(0.004),
        unanswered=some(0.09),
        waiting=np.minimum(some(0.02), both),
        conference=np.minimum(some(0.002), both),
    )


def draw_circle(people: People, life: Life, calling: Calling, enterprises: Enterprises, traffic: Traffic) -> Circle:
    """Draw who is called: fewer before a line leaves, and of those more in rival networks."""
    chance, minutes = people.block.chance("circle"), traffic.minutes
    expected = calling.breadth[:, None] * np.sqrt(life.activity) * (1.0 - _SHRINKING * life.turning_away)
    breadth = np.where(minutes > 0, np.clip(chance.poisson(expected), 1, np.maximum(minutes, 1)), 0)
    rivals = np.clip(calling.rival_share[:, None] + _MORE_RIVALS * life.turning_away, 0.0, 0.9)
    member = enterprises.is_member[:, None]

    def some(share: Floats | float) -> Ints:
        return np.minimum(chance.poisson(breadth * share), breadth)

    inside = np.minimum(np.maximum(some(np.where(member, 0.35, 0.1)), 1), breadth)
    vpmn_breadth = np.where(traffic.vpmn > 0, inside, 0)
    return Circle(
        breadth=breadth,
        depth=_per_peer(minutes, breadth),
        vpmn_breadth=vpmn_breadth,
        vpmn_depth=_per_peer(traffic.vpmn, vpmn_breadth),
        enterprise_peers=np.maximum(np.where(member, vpmn_breadth, 0), some(np.where(member, 0.3, 0.05))),
        rival_peers=some(rivals),
        business_peers=some(np.where(member, 0.14, 0.05)),
    )


def _per_peer(tenths: Ints, peers: Ints) -> Ints:
    return whole(10 * tenths / np.maximum(peers, 1))
