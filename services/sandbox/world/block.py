"""A province is made block by block: customers of one block know each other, and no block needs another one."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import Calendar
from services.sandbox.world.draws import Ints, stream
from shared.errors import InvalidInput

BLOCK_LINES = 50_000
"""Owners' lines, enterprises and circles stay inside a block, so blocks can be made in any order, and at once."""
FEWEST, MOST = 100, 5_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """The lines at `first` and the `count - 1` after it, counted from 0 in the whole base."""

    seed: int
    number: int
    first: int
    count: int
    calendar: Calendar

    def chance(self, topic: str) -> np.random.Generator:
        """Return the block's own generator for one topic."""
        return stream(self.seed, f"{topic} of block {self.number}")

    @property
    def places(self) -> Ints:
        """Each line's place in the whole base."""
        return np.arange(self.first, self.first + self.count)


def blocks_of(customers: int, *, seed: int, cycle: str, lines: int = BLOCK_LINES) -> tuple[Block, ...]:
    """Divide the base into blocks of so many lines; the last one takes the rest. Raises InvalidInput."""
    if not FEWEST <= customers <= MOST:
        raise InvalidInput.of("customers", f"{customers} is outside {FEWEST} to {MOST}")
    calendar = Calendar.of(cycle)
    return tuple(
        Block(seed, number, first, min(lines, customers - first), calendar)
        for number, first in enumerate(range(0, customers, lines))
    )
