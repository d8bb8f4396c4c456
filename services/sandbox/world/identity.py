"""What customers, owners, enterprises and their numbers are called: pure functions of their place in the base."""

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
    """Return the operator's ids: the city's area code, then the place in the base."""
    return np.char.add(_AREA_CODES[people.city], padded(people.block.places + 1, 7))


def owner_ids(people: People) -> Names:
    """Return the ids of the persons behind the lines."""
    return np.char.add("P", padded(people.block.first + people.owner + 1, 8))


def msisdns(people: People, number_of: Ints) -> Names:
    """Return eleven digits per line; `number_of` tells whose, by places in the base. Those of all places are different."""
    block = people.block
    prefix = block.chance("numbers").choice(_PREFIXES, people.count)[number_of - block.first]
    start = int(stream(block.seed, "first number").integers(_SUBSCRIBERS))
    return np.char.add(prefix.astype(str), padded((number_of * _STRIDE + start) % _SUBSCRIBERS, 8))


def padded(numbers: Ints, width: int) -> Names:
    """Return numbers with zeros before them."""
    return np.char.zfill(numbers.astype(str), width)
