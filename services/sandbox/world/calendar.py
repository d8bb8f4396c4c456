"""The marketing month of the world and the nine months of history before it."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.sandbox.world.draws import Ints
from shared.errors import InvalidInput

Days = NDArray[np.datetime64]
"""Calendar days, `datetime64[D]`; NaT where there is none."""

HISTORY_MONTHS = 9
NEVER = 99
"""A month index that no history reaches."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Counts months from the first of the history: 0 to 8 are known, 9 is the cycle itself."""

    cycle: np.datetime64

    @classmethod
    def of(cls, cycle: str) -> "Calendar":
        """Read a cycle like "2026-11". Raises InvalidInput."""
        if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", cycle):
            raise InvalidInput.of("cycle", f"{cycle!r} is no month; expected one like 2026-11")
        return cls(np.datetime64(cycle, "M"))

    @property
    def months(self) -> NDArray[np.datetime64]:
        """The nine months of history, `datetime64[M]`, oldest first."""
        return self.cycle - np.arange(HISTORY_MONTHS, 0, -1)

    @property
    def year(self) -> int:
        """The year of the cycle."""
        return int(str(self.cycle)[:4])

    def day_in(self, month_index: Ints, fraction: NDArray[np.float64]) -> Days:
        """Return the day at `fraction` [0, 1) of each month, counted in indexes of this calendar."""
        month = self.cycle - HISTORY_MONTHS + month_index
        first = month.astype("datetime64[D]")
        length = (month + 1).astype("datetime64[D]") - first
        day: Days = first + np.floor(fraction * length.astype(np.int64)).astype(np.int64)
        return day

    def index_of(self, days: Days) -> Ints:
        """Return the month index of each day; days before the history have negative ones."""
        index: Ints = (days.astype("datetime64[M]") - self.cycle).astype(np.int64) + HISTORY_MONTHS
        return index
