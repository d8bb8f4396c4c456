"""What lists say to each customer of a batch in short: main policy, first product, channels; and in what two lists of one differ."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.recommendation.domain import Ability, Zone
from services.recommendation.domain.previews import Channel
from services.recommendation.engine.assembly.facts import NONE, ZONES, Flags, Ints
from services.recommendation.engine.preview.lists import CHANNELS, Lists
from services.recommendation.engine.preview.touched import differing_rows, in_rows

AUDIENCE = "_audience"
"""The column of those who are contacted unasked: in the targeted arm, and contactable."""


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """The customers of a batch: city by number, who is contacted unasked, whose handset opens pages."""

    city: Ints
    audience: Flags
    opens_pages: Flags

    @classmethod
    def of(cls, batch: pa.RecordBatch, cities: Sequence[str]) -> "People":
        """Read a batch of `decided` with its AUDIENCE; all its cities are in `cities`."""
        city = pc.index_in(batch.column("city"), value_set=pa.array(cities, pa.string()))
        return cls(
            city=np.asarray(city.to_numpy(zero_copy_only=False), dtype=np.int64),
            audience=_flags(batch.column(AUDIENCE)),
            opens_pages=_flags(batch.column(f"handset_{Ability.WAP}").fill_null(False)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """By customer: main policy and first product by number, NONE for none; `reach` has a bit for each channel."""

    main: Ints
    product: Ints
    reach: Ints

    @property
    def columns(self) -> dict[str, Ints]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def unless(self, customers: Flags, others: "Answers") -> "Answers":
        """Return these answers, but of some customers the others'."""
        pairs = ((getattr(self, field.name), getattr(others, field.name)) for field in fields(self))
        return Answers(*(np.where(customers, other, mine) for mine, other in pairs))


def answers_of(lists: Lists, people: People) -> Answers:
    """Return what the lists of a batch say to its customers."""
    customers = len(people.city)
    main, product = (np.full(customers, NONE, dtype=np.int64) for _ in range(2))
    leads = lists.of(lists.leads)
    retaining, selling = (leads.zone == ZONES.index(zone) for zone in (Zone.RETENTION, Zone.NEW_SERVICE))
    main[leads.row[retaining]] = leads.policy[retaining]
    product[leads.row[selling]] = leads.product[selling]
    return Answers(main, product, _reach(leads.of(people.audience[leads.row]), people))


def _reach(leads: Lists, people: People) -> Ints:
    """Return the channels that could bring one of the offers to its customer."""
    reach = np.zeros(len(people.city), dtype=np.int64)
    for bit, channel in enumerate(CHANNELS):
        row = leads.row[leads.side.channels[leads.offer, bit]]
        if channel is Channel.WAP_PUSH:
            row = row[people.opens_pages[row]]
        reach[row] |= 1 << bit
    return reach


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """By customer: whether the policies or their order differ, and which policies, by number, came and went."""

    differs: Flags
    added: "pa.ListArray[Any]"
    removed: "pa.ListArray[Any]"


def difference(before: Lists, after: Lists, customers: int) -> Difference:
    """Return in what the recommendations of two sets of lists differ."""
    wide = len(before.side.codes)
    kept = [(lists.row[lists.kept], lists.policy[lists.kept]) for lists in (before, after)]
    one, other = (_sorted_once(row * wide + policy) for row, policy in kept)
    return Difference(
        differing_rows(*(in_rows(row, policy, customers) for row, policy in kept)),
        added=_per_customer(np.setdiff1d(other, one, assume_unique=True), wide, customers),
        removed=_per_customer(np.setdiff1d(one, other, assume_unique=True), wide, customers),
    )


def _sorted_once(keys: Ints) -> Ints:
    """Return what `np.unique` does, whose hashing takes ten times as long."""
    ordered = np.sort(keys)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=-1))]


def _per_customer(key: Ints, wide: int, customers: int) -> "pa.ListArray[Any]":
    """Return a list of policies for each customer, of sorted keys of customer and policy."""
    ends = np.cumsum(np.bincount(key // wide, minlength=customers))
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(key % wide, pa.int32()))


def _flags(column: "pa.Array[Any]") -> Flags:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.bool_)
