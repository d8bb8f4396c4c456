"""Arrow batches as rows of PostgreSQL's binary COPY format, in columns: no Python object per field.

The server reads it in about half the time that CSV takes it, since it need not look for quotes.
Source: PostgreSQL's manual, COPY, "Binary Format"; array_send in its arrayfuncs.c.
"""

from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
"""What stands before the first row and behind the last."""

_Integers: TypeAlias = npt.NDArray[np.int32]
_Strings: TypeAlias = pa.StringArray | pa.BinaryArray
_NULL = -1
_TEXT_OID = 25
_ARRAY_HEADER_BYTES = 20


def copy_rows(batch: pa.RecordBatch) -> bytes:
    """Return the batch's rows: columns of texts, and of lists of texts that become text[]; a list is never null.

    Raises TypeError for a column of another type.
    """
    parts = [_parts(field, batch.column(place)) for place, field in enumerate(batch.schema)]
    count = pa.scalar(batch.num_columns.to_bytes(2, "big"), pa.binary())
    rows = _joined([count, *(part for column in parts for part in column)])
    places, content = places_of(rows), rows.buffers()[2]
    return content[int(places[0]) : int(places[-1])].to_pybytes() if content is not None else b""


def places_of(strings: _Strings) -> _Integers:
    """Return where each value begins in the array's content, and where the last one ends."""
    bounds = strings.buffers()[1]
    if bounds is None or not len(strings):
        return np.zeros(1, np.int32)
    return np.frombuffer(bounds.to_pybytes(), np.int32)[strings.offset : strings.offset + len(strings) + 1]


def _parts(field: "pa.Field[pa.DataType]", column: "pa.Array[pa.Scalar[pa.DataType]]") -> list[pa.BinaryArray]:
    if pa.types.is_string(field.type):
        return _texts(cast("pa.StringArray", column))
    if isinstance(field.type, pa.ListType) and pa.types.is_string(field.type.value_type):
        return _arrays(cast("pa.ListArray[pa.StringScalar]", column))
    raise TypeError(f"column {field.name} is {field.type}, neither text nor a list of texts")


def _texts(column: pa.StringArray) -> list[pa.BinaryArray]:
    """Return each text's length, -1 for null, and its bytes."""
    lengths = np.where(np.asarray(column.is_null()), _NULL, np.diff(places_of(column)))
    return [_integers(lengths), cast("pa.BinaryArray", column.fill_null("").cast(pa.binary()))]


def _arrays(column: "pa.ListArray[pa.StringScalar]") -> list[pa.BinaryArray]:
    """Return each array's length in bytes, its header, and its elements, which lie behind one another already."""
    elements = _joined(_texts(cast("pa.StringArray", column.values)))
    bounds = np.asarray(column.offsets)
    places = places_of(elements)[bounds]
    header = np.zeros((len(column), 5), np.int32)  # dimensions, has nulls, type, elements, first index
    header[:, 0] = header[:, 4] = 1
    header[:, 2] = _TEXT_OID
    header[:, 3] = np.diff(bounds)
    return [
        _integers(np.diff(places) + _ARRAY_HEADER_BYTES),
        _integers(header),
        _binaries(places, elements.buffers()[2]),
    ]


def _joined(parts: Sequence["pa.BinaryArray | pa.BinaryScalar"]) -> pa.BinaryArray:
    separator = pa.scalar(b"", pa.binary())
    return cast("pa.BinaryArray", pc.call_function("binary_join_element_wise", [*parts, separator]))


def _integers(numbers: _Integers) -> pa.BinaryArray:
    """Return each number, or each row of numbers, as four bytes a number."""
    stored = numbers.astype(">i4")
    width = stored.itemsize * (stored.shape[1] if stored.ndim > 1 else 1)
    return _binaries(np.arange(len(stored) + 1, dtype=np.int32) * width, pa.py_buffer(stored.tobytes()))


def _binaries(places: _Integers, content: pa.Buffer | None) -> pa.BinaryArray:
    buffers = [None, pa.py_buffer(places.astype(np.int32).tobytes()), content]
    return cast("pa.BinaryArray", pa.Array.from_buffers(pa.binary(), len(places) - 1, buffers))
