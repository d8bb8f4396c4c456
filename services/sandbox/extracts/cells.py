"""Columns of numbers as columns of the text that an operator's extract shows."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.sandbox.world.calendar import Days
from services.sandbox.world.draws import Flags, Ints

TextColumn = pa.StringArray


def text(names: NDArray[np.str_], known: Flags | None = None) -> TextColumn:
    """Return texts as they are, empty where not known."""
    return pa.array(names, type=pa.string(), mask=None if known is None else ~known)


def plain(numbers: Ints, *, known: Flags | None = None) -> TextColumn:
    """Return each number as it is, empty where not known."""
    return text(numbers.astype(str), known)


def fixed_point(units: Ints, *, places: int) -> TextColumn:
    """Return integers of the smallest unit as decimals: with 2 places, fen as yuan. None may be negative."""
    scale = 10**places
    whole, rest = (units // scale).astype(str), np.char.zfill((units % scale).astype(str), places)
    return text(np.char.add(np.char.add(whole, "."), rest))


def dates(days: Days) -> TextColumn:
    """Return days like 2026-09-14, empty for NaT."""
    return text(days.astype(str), ~np.isnat(days))


def months(months: NDArray[np.datetime64]) -> TextColumn:
    """Return months like 202609."""
    return text(np.char.replace(months.astype(str), "-", ""))


def labels(codes: Ints, names: Sequence[str]) -> TextColumn:
    """Return the name of each code, empty for negative ones."""
    return text(np.array(names)[codes], codes >= 0)


def yes_no(flags: Flags) -> TextColumn:
    """Return 是 or 否."""
    return labels(flags.astype(np.int64), ("否", "是"))
