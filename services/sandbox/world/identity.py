"""What customers, owners and their numbers are called: pure functions of their place in the base."""

import numpy as np
from numpy.typing import NDArray

from services.sandbox.world.draws import Ints, stream
from services.sandbox.world.people import People

Names = NDArray[np.str_]

_AREA_CODES = np.array(["551", "553"])
_PREFIXES = np.array([134, 135, 136, 137, 138, 139, 150, 151, 152, 157, 158, 159, 182, 183, 187, 188])
_SUBSCRIBERS = 10**8
_STRIDE = 61_803_399
"""Has no factor in common with 10^8, so that consecutive places get all different numbers, far apart."""


def customer_ids(people: People) -> Names:
    """Return the operator's ids: the city's area code, then the place in the base; they sort by city, then place."""
    return np.char.add(_AREA_CODES[people.owners.city[people.owner]], _padded(np.arange(1, people.count + 1), 7))


def owner_ids(people: People) -> Names:
    """Return the ids of the persons behind the lines."""
    return np.char.add("P", _padded(people.owner + 1, 8))


def msisdns(people: People, *, seed: int) -> Names:
    """Return eleven digits per line, all different."""
    chance = stream(seed, "numbers")
    prefix = chance.choice(_PREFIXES, people.count).astype(str)
    subscriber = (np.arange(people.count) * _STRIDE + int(chance.integers(_SUBSCRIBERS))) % _SUBSCRIBERS
    return np.char.add(prefix, _padded(subscriber, 8))


def _padded(numbers: Ints, width: int) -> Names:
    return np.char.zfill(numbers.astype(str), width)
