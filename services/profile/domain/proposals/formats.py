"""Which ways of writing days and months fit what stands in a column."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

DATE_FORMATS: Final = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%d/%m/%Y", "%d.%m.%Y")
MONTH_FORMATS: Final = ("%Y%m", "%Y-%m", "%Y/%m", "%Y年%m月", "%m/%Y")


def fitting(cells: Sequence[str], formats: Sequence[str]) -> tuple[list[str], bool]:
    """Return those formats that cells are written in, and whether they explain every cell."""
    distinct = set(cells)
    used = [each for each in formats if any(_is_written(cell, each) for cell in distinct)]
    return used, all(any(_is_written(cell, each) for each in used) for cell in distinct)


def _is_written(cell: str, written_in: str) -> bool:
    try:
        day = datetime.strptime(cell, written_in)  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return False
    return day.strftime(written_in) == cell and 1900 <= day.year <= 2099
