"""Calendar months, and which of them a cycle looks at."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

HISTORY_MONTHS: Final = 9
"""How many months before the cycle the monthly extracts reach back."""

WINDOW_MONTHS: Final = 6
"""How many months a customer view looks at, its own month the last of them."""

LABEL_MONTHS: Final = 3
"""How long after a view its truth is read; a snapshot's history views are as of so many months earlier."""

_TEXT = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of the legal zone; as text "2026-11", which sorts like the months do."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "2026-11"; raises ValueError for anything else, and for years outside 2000 to 2099."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"expected a month like 2026-11, found '{text}'")
        return cls(int(match[1]), int(match[2]))

    def plus(self, months: int) -> "Month":
        """Return the month so many months later, earlier if negative."""
        years, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(years, number + 1)

    @property
    def first_day(self) -> date:
        return date(self.year, self.number, 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


def history_of(cycle: Month) -> tuple[Month, Month]:
    """Return the first and the last month that the extracts of a cycle hold."""
    return cycle.plus(-HISTORY_MONTHS), cycle.plus(-1)
