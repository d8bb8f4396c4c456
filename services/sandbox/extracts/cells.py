"""Columns of numbers as the typed columns of an extract; money is whole fen here and yuan there."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.sandbox.world.calendar import Days
from services.sandbox.world.draws import Flags, Ints

Column: TypeAlias = "pa.Array[pa.Scalar[pa.DataType]]"
Columns: TypeAlias = "dict[str, Column]"


def words(codes: Ints, names: Sequence[str]) -> Column:
    """Return the name of each code, nothing for negative ones; as a dictionary, since there are few."""
    indices = pa.array(codes.astype(np.int32), pa.int32(), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def text(names: NDArray[np.str_]) -> Column:
    """Return texts as they are."""
    return pa.array(names, pa.string())


def plain(numbers: Ints, *, known: Flags | None = None) -> Column:
    """Return whole numbers, nothing where not known."""
    return pa.array(numbers, pa.int64(), mask=None if known is None else ~known)


def fixed_point(units: Ints, *, places: int, known: Flags | None = None) -> Column:
    """Return integers of the smallest unit as decimals: with 2 places, fen as yuan."""
    halves = np.zeros((len(units), 2), dtype=np.int64)
    halves[:, 0] = units
    halves[:, 1] = units >> np.int64(63)
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little").data)
    return pa.Array.from_buffers(pa.decimal128(12, places), len(units), [valid, pa.py_buffer(halves.data)])


def dates(days: Days) -> Column:
    """Return calendar days, nothing for NaT."""
    return pa.array(days.astype("datetime64[D]"), pa.date32())


def months(index: Ints, months_: NDArray[np.datetime64]) -> Column:
    """Return months like 202609 of indexes into the history."""
    return words(index, [str(month).replace("-", "") for month in months_])


def flags(true: Flags, *, known: Flags | None = None) -> Column:
    """Return yes and no, nothing where not known."""
    return pa.array(true, pa.bool_(), mask=None if known is None else ~known)


def places(rows: Ints) -> pa.Int64Array:
    """Return places of rows, to take them by."""
    return pa.array(rows, pa.int64())
