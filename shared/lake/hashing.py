"""One hash over all rows of a relation in key order: what "the same answer twice" is measured by."""

import hashlib
from collections.abc import Sequence
from typing import cast

import numpy as np
import pyarrow as pa

from shared.lake.engine import ColumnarEngine


def row_hash(engine: ColumnarEngine, relation: str, key: Sequence[str]) -> str:
    """Return the hex SHA-256 over column names, types and all rows of `relation`, ordered by the unique `key`.

    Independent of row order at rest, of row groups and of threads; two relations with one hash hold the same rows.
    """
    schema = engine.fetch(f"SELECT * FROM {relation} LIMIT 0").schema
    digest = hashlib.sha256(repr([(field.name, str(field.type)) for field in schema]).encode())
    row = " || ".join(_self_delimiting(name) for name in schema.names)
    keys = ", ".join(f'"{name}"' for name in key)
    with engine.stream(f"SELECT {row} AS row_text FROM {relation} ORDER BY {keys}") as batches:
        for batch in batches:
            digest.update(_text_bytes(cast("pa.StringArray", batch.column(0))))
    return digest.hexdigest()


def _self_delimiting(name: str) -> str:
    """Return SQL for a text of one value that no other value, or run of values, can spell."""
    text = f'CAST("{name}" AS VARCHAR)'
    return f"CASE WHEN \"{name}\" IS NULL THEN '-' ELSE length({text}) || ':' || {text} END"


def _text_bytes(texts: pa.StringArray) -> memoryview:
    """Return the UTF-8 of all texts of an array, one after the other, without a Python object per row."""
    _, offsets, content = texts.buffers()
    if offsets is None or content is None:
        return memoryview(b"")
    bounds = np.frombuffer(memoryview(offsets), dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(content)[bounds[0] : bounds[-1]]
