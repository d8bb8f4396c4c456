"""Lists as the desk reads them, many customers to a stored row: the pages of lists, and the pages that find a number's holder.

An index entry and a row header per customer would cost PostgreSQL more than the lists themselves (ADR 0011).
"""

from collections.abc import Iterator, Sequence
from typing import NewType, cast

import numpy as np
import pyarrow as pa

from services.recommendation.engine.assembly.rules import Rules
from shared.lake.copy_format import HEADER, TRAILER, copy_rows, places_of
from shared.lake.engine import ColumnarEngine

Chunk = NewType("Chunk", tuple[int, bytes])
"""How many customers, and their pages as COPY takes them, in the order of the table's columns."""

PAGE_BYTES = 7_000
"""Of keys and entries in a page: with headers it fits PostgreSQL's block of 8 kB, unless its last list is a long one."""

_BATCH_ROWS = 16_384
_LENGTH_BYTES = 4

ORIGINS = "origins"
"""The one row of `origins_of`, as `lists_sql` reads it."""


def lists_sql(composed: Sequence[str]) -> str:
    """Return the query of all lists; of `composed` matrices rows are told as they stand in the province's or a city's sheet."""
    row = "'r': r.rule"
    if composed:
        row = f"'r': COALESCE({_of_origin('row', composed)}, r.rule), 'o': COALESCE({_of_origin('city', composed)}, '')"
    return f"""
    SELECT l.customer_id AS key, CAST(json_array(
        l.msisdn, l.city, l.arm,
        CASE WHEN v.red_list THEN 'red_list' WHEN NOT l.contactable THEN 'no_consent' ELSE '' END,
        list_transform(l.recommendations, lambda r:
            {{'z': r.zone, 'p': r.policy, 'n': COALESCE(r.need_level, ''), 'm': r.matrix, {row}, 'd': COALESCE(r.product, '')}})
    ) AS VARCHAR) AS entry
    FROM lists AS l JOIN views AS v ON v.customer_id = l.customer_id{f" CROSS JOIN {ORIGINS} AS o" if composed else ""}
    ORDER BY key
    """


def _of_origin(field: str, composed: Sequence[str]) -> str:
    """Return a field of where a row stands: a place in a list of its matrix, as a map would be searched for every row."""
    found = " ".join(f"WHEN '{matrix}' THEN o.{matrix}[r.rule]['{field}']" for matrix in composed)
    return f"CASE r.matrix {found} END"


def origins_of(rules: Rules) -> pa.Table | None:
    """Return where the rows of matrices with overrides stand: for each such matrix `row` and `city` in the order of the rules' ids.

    None where no matrix has any: then rows of lists are those of the province's sheets.
    """
    found: dict[str, list[list[dict[str, object]]]] = {}
    for matrix, table in rules.giving.items():
        origins = [rule.origin for rule in table.rules if rule.origin is not None]  # numbered from 1: see compose()
        if any(origin.city for origin in origins):
            found[matrix.value] = [[{"row": origin.row, "city": origin.city} for origin in origins]]
    return pa.table(found) if found else None


NUMBERS_SQL = "SELECT msisdn AS key, min(customer_id) AS entry FROM lists GROUP BY msisdn ORDER BY key"


def chunks(engine: ColumnarEngine, sql: str) -> Iterator[Chunk]:
    """Yield pages of the query's rows, which are texts `key`, unique and sorted, and `entry`; the first and last chunk have none."""
    yield Chunk((0, HEADER))
    for batch in engine.stream(sql, batch_rows=_BATCH_ROWS):
        if batch.num_rows:
            yield Chunk((batch.num_rows, copy_rows(paged(batch))))
    yield Chunk((0, TRAILER))


def paged(batch: pa.RecordBatch, *, page_bytes: int = PAGE_BYTES) -> pa.RecordBatch:
    """Return one row per page: the first key, all keys, all entries. A page ends when it has `page_bytes`, or with the batch."""
    keys, entries = (cast("pa.StringArray", column) for column in batch.columns)
    lengths = np.diff(places_of(keys)) + np.diff(places_of(entries)) + 2 * _LENGTH_BYTES
    page = (np.cumsum(lengths) - lengths) // page_bytes
    starts = np.flatnonzero(np.diff(page, prepend=-1))
    bounds = pa.array(np.append(starts, batch.num_rows), pa.int32())
    lists = [pa.ListArray.from_arrays(bounds, column) for column in (keys, entries)]
    return pa.RecordBatch.from_arrays([keys.take(bounds[:-1]), *lists], names=["first_key", "keys", "entries"])
