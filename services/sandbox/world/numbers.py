"""Who holds which number: one of one's own, or one that somebody had who left some months before."""

import numpy as np

from services.sandbox.world.draws import Ints
from services.sandbox.world.life import Life
from services.sandbox.world.people import People

_RESTS_MONTHS = 3
"""For how long a number rests before it is given out again."""
_FIRST_HEIRS = 5
_INHERITS = 0.1


def draw_numbers(people: People, life: Life) -> Ints:
    """Return the place whose number each line holds; some lines that joined late hold that of one that left early.

    Numbers stay inside their city.
    """
    chance, place = people.block.chance("recycled numbers"), people.block.places
    heirs = np.flatnonzero((life.joined >= _FIRST_HEIRS) & (chance.random(people.count) < _INHERITS))
    left = np.flatnonzero(life.left <= _FIRST_HEIRS - _RESTS_MONTHS + 1)
    for city in np.unique(people.city):
        there, gone = heirs[people.city[heirs] == city], left[people.city[left] == city]
        pairs = min(len(there), len(gone))
        place[there[:pairs]] = people.block.first + gone[:pairs]
    return place
