"""Counts over lists of many batches: whole numbers in fixed arrays, so that they add up exactly and memory stays small."""

from dataclasses import dataclass, fields

import numpy as np

from services.recommendation.domain import Zone
from services.recommendation.engine.assembly.facts import LEVELS, NONE, REASONS, ZONES, Flags, Ints
from services.recommendation.engine.preview.lists import Lists

MEASURES = ("offers", "accepted", "cost_fen", "return_fen", "dilution_fen")
"""What is summed of offers, in the order of `domain.previews.Money`."""
NO_LEVEL = len(LEVELS)
"""The place of offers about no product among need levels."""
_LOW_BITS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Sizes:
    """How many there are."""

    cities: int
    policies: int
    products: int


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Finds by reason; customers by policy and by product recommended; money by city, zone, need level and measure."""

    reasons: Ints
    policies: Ints
    products: Ints
    money: Ints

    @classmethod
    def nothing(cls, sizes: Sizes) -> "Tally":
        return cls(
            np.zeros(len(REASONS), dtype=np.int64),
            np.zeros(sizes.policies, dtype=np.int64),
            np.zeros(sizes.products, dtype=np.int64),
            np.zeros((sizes.cities, len(ZONES), NO_LEVEL + 1, len(MEASURES)), dtype=np.int64),
        )

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __sub__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, field.name) - getattr(other, field.name) for field in fields(self)))


def tally(lists: Lists, *, city: Ints, audience: Flags, sizes: Sizes) -> Tally:
    """Return the counts of lists; money only of the main offers to the `audience`, which is marked by customer as `city` is."""
    main = lists.of(lists.main)
    selling = main.zone == ZONES.index(Zone.NEW_SERVICE)
    return Tally(
        np.bincount(lists.reason, minlength=len(REASONS)),
        np.bincount(lists.policy[lists.kept], minlength=sizes.policies),
        np.bincount(main.product[selling], minlength=sizes.products),
        _money(main.of(audience[main.row]), city, sizes),
    )


def _money(main: Lists, city: Ints, sizes: Sizes) -> Ints:
    level = np.where(main.level == NONE, NO_LEVEL, main.level)
    place = (city[main.row] * len(ZONES) + main.zone) * (NO_LEVEL + 1) + level
    count = sizes.cities * len(ZONES) * (NO_LEVEL + 1)
    values = main.accepted, main.cost_fen, main.return_fen, main.dilution_fen
    sums = np.stack([np.bincount(place, minlength=count), *(_summed(place, each, count) for each in values)], axis=1)
    return sums.reshape(sizes.cities, len(ZONES), NO_LEVEL + 1, len(MEASURES))


def _summed(place: Ints, values: Ints, count: int) -> Ints:
    """Return exact sums by place. NumPy sums weights as floats, which are exact for parts this small (2^24 x a batch)."""
    high, low = values >> _LOW_BITS, values & ((1 << _LOW_BITS) - 1)
    parts = (np.bincount(place, weights=part, minlength=count).astype(np.int64) for part in (high, low))
    upper, lower = parts
    return (upper << _LOW_BITS) + lower
