"""Assembles the lists of the whole base in columns: the same as `assemble` gives for each customer.

SQL fires the matrices (`decided`), arrays arbitrate (`found`), and lists are made of what is left without a Python object per
customer. Batches come and go, so that memory does not grow with the base.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from services.recommendation.engine.assembly.decided import LISTED_SQL
from services.recommendation.engine.assembly.facts import (
    LEVELS,
    NONE,
    REASONS,
    Flags,
    Ints,
    OfferColumns,
    facts_of,
    integers,
)
from services.recommendation.engine.assembly.found import Verdicts, judge
from services.recommendation.engine.assembly.rules import Rules, zone_orders
from shared.lake.engine import ColumnarEngine
from shared.lake.side_by_side import side_by_side

_Column: TypeAlias = "pa.Array[pa.Scalar[pa.DataType]]"

_BATCH_ROWS = 16_384
_THREADS = 2
_SAME = ("customer_id", "owner_id", "msisdn", "city", "arm", "contactable")
"""Fields of a list that stand in `decided` as they are."""


def lists(engine: ColumnarEngine, rules: Rules, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the lists of everyone in `decided`, by customer id, as rows of the contract's `schema`."""
    offers = OfferColumns.of(rules)
    texts = _Texts.of(offers, rules)

    def made(batch: pa.RecordBatch) -> pa.RecordBatch:
        verdicts = judge(batch, facts_of(batch, offers, rules), offers, most_at_once=rules.most_at_once)
        return _rows(batch, verdicts, texts, schema)

    return side_by_side(made, engine.stream(LISTED_SQL, batch_rows=_BATCH_ROWS), threads=_THREADS)


@dataclass(frozen=True, slots=True, eq=False)
class _Texts:
    """What lists say, to be taken by number: of an offer by column, of a level, of a reason, of a row of the priority matrix."""

    offers: Mapping[str, _Column]
    levels: _Column
    reasons: _Column
    zone_orders: _Column

    @classmethod
    def of(cls, columns: OfferColumns, rules: Rules) -> "_Texts":
        offers, orders = columns.offers, zone_orders(rules.priority)
        return cls(
            offers={
                "zone": pa.array([offer.zone for offer in offers], pa.string()),
                "policy": pa.array([offer.code for offer in offers], pa.string()),
                "policy_group": pa.array([offer.group for offer in offers], pa.string()),
                "product": pa.array([offer.product for offer in offers], pa.string()),
                "rule": pa.array([offer.rule for offer in offers], pa.int32()),
                "matrix": pa.array([offer.matrix for offer in offers], pa.string()),
            },
            levels=pa.array(LEVELS, pa.string()),
            reasons=pa.array(REASONS, pa.string()),
            zone_orders=pa.array([orders.get(row) for row in range(max(orders) + 1)], pa.list_(pa.string())),
        )


def _rows(batch: pa.RecordBatch, verdicts: Verdicts, texts: _Texts, schema: pa.Schema) -> pa.RecordBatch:
    priority = integers(batch.column("_priority_rule"))
    columns: dict[str, _Column] = {name: batch.column(name) for name in _SAME}
    columns["zone_order"] = texts.zone_orders.take(priority)
    columns["priority_rule"] = pa.array(priority, pa.int32())
    open_ones = verdicts.reason == 0
    columns["recommendations"] = _recommendations(verdicts, open_ones, texts, batch.num_rows)
    columns["blocked"] = _blocked(verdicts, ~open_ones, texts, batch.num_rows)
    return pa.RecordBatch.from_arrays([columns[field.name].cast(field.type) for field in schema], schema=schema)


def _recommendations(verdicts: Verdicts, kept: Flags, texts: _Texts, customers: int) -> _Column:
    row, offer = verdicts.row[kept], verdicts.offer[kept]
    said = {name: column.take(offer) for name, column in texts.offers.items()}
    said["rank"] = pa.array(_ranks(row, said["zone"]), pa.int32())
    said["need_level"] = _taken(texts.levels, verdicts.level[kept])
    said["expected_value_fen"] = pa.array(verdicts.value[kept])
    return _nested(row, said, customers)


def _blocked(verdicts: Verdicts, kept: Flags, texts: _Texts, customers: int) -> _Column:
    offer = verdicts.offer[kept]
    said = {name: texts.offers[name].take(offer) for name in ("zone", "policy", "rule", "matrix")}
    said["reason"] = texts.reasons.take(verdicts.reason[kept])
    said["by"] = _taken(texts.offers["policy"], verdicts.by[kept])
    return _nested(verdicts.row[kept], said, customers)


def _ranks(row: Ints, zone: _Column) -> Ints:
    """Return places from 1 within customer and zone; those of one customer and zone stand together."""
    zones = integers(zone.dictionary_encode().indices)
    new = np.ones(len(row), dtype=np.bool_)
    new[1:] = (row[1:] != row[:-1]) | (zones[1:] != zones[:-1])
    places = np.arange(len(row))
    return places - np.maximum.accumulate(np.where(new, places, 0)) + 1


def _taken(texts: _Column, numbers: Ints) -> _Column:
    """Return texts by number, null for NONE."""
    return texts.take(pa.array(numbers, pa.int64(), mask=numbers == NONE))


def _nested(row: Ints, said: Mapping[str, _Column], customers: int) -> _Column:
    """Return a list of records per customer, of records that come customer by customer."""
    ends = np.cumsum(np.bincount(row, minlength=customers))
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    records = pa.StructArray.from_arrays(list(said.values()), names=list(said))
    return pa.ListArray.from_arrays(offsets, records)
