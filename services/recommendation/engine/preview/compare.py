"""Compares a batch of customers: what each gets by either side, what becomes other, and the counts of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import permutations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.recommendation.engine.assembly.customer import NO_ARM, NO_PRIORITY, NOT_SCORED
from services.recommendation.engine.assembly.decided import PRIORITY_RULE, REJECT, Side, tracked
from services.recommendation.engine.assembly.facts import NONE, ZONES, Flags, Ints, OfferColumns, integers
from services.recommendation.engine.assembly.rules import zone_orders
from services.recommendation.engine.preview.answers import Answers, Difference, People, answers_of, difference
from services.recommendation.engine.preview.lists import Lists, SideColumns, lists_of
from services.recommendation.engine.preview.rows import RowCounter
from services.recommendation.engine.preview.sides import batch_of
from services.recommendation.engine.preview.tally import Sizes, Tally, tally
from services.recommendation.engine.preview.touched import Touching

ORDERS = tuple(permutations(ZONES))
"""The zone orders, by number."""
NO_LIST = (None, NOT_SCORED, NO_ARM, NO_PRIORITY)
"""Why a customer gets no list, by number; 0 with a list."""
_BY_SIDE = ("zones", "reject", *(field.name for field in fields(Answers)))
_TEXT: pa.DataType = pa.string()
_NUMBER: pa.DataType = pa.int32()
_FLAG: pa.DataType = pa.bool_()
_NUMBERS: pa.DataType = pa.list_(_NUMBER)
COMPARED = pa.schema(
    {
        **dict.fromkeys(("customer_id", "owner_id", "city"), _TEXT),
        **{f"{name}_{when}": _NUMBER for when in ("before", "after") for name in _BY_SIDE},
        **dict.fromkeys(("changed", "reordered"), _FLAG),
        **dict.fromkeys(("added", "removed"), _NUMBERS),
    }
)
"""A compared customer: number of the zone order, answers, all NONE where there is nothing; what came and went by number."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What adds up over batches; `fired` are the counts of `RowCounter`, gains and losses are by product."""

    before: Tally
    after: Tally
    fired_before: Sequence[Ints]
    fired_after: Sequence[Ints]
    gained: Ints
    lost: Ints

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.before + other.before,
            self.after + other.after,
            [one + more for one, more in zip(self.fired_before, other.fired_before, strict=True)],
            [one + more for one, more in zip(self.fired_after, other.fired_after, strict=True)],
            self.gained + other.gained,
            self.lost + other.lost,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All that is known before the first batch comes; cities, policies and products have their places as numbers."""

    before: SideColumns
    after: SideColumns
    touching: Touching
    counters: tuple[RowCounter, RowCounter]
    cities: Sequence[str]
    codes: Sequence[str]
    products: Sequence[str]

    @classmethod
    def of(cls, before: Side, after: Side, cities: Sequence[str]) -> "Comparison":
        offers = OfferColumns.of(before.rules), OfferColumns.of(after.rules)
        codes = sorted({offer.code for side in offers for offer in side.offers})
        return cls(
            before=SideColumns.of(before, offers[0], codes),
            after=SideColumns.of(after, offers[1], codes),
            touching=Touching.of(before, after),
            counters=(RowCounter.of(before.rules), RowCounter.of(after.rules)),
            cities=cities,
            codes=codes,
            products=tracked(before.rules),
        )

    @property
    def sizes(self) -> Sizes:
        return Sizes(len(self.cities), len(self.codes), len(self.products))

    @property
    def nothing(self) -> Counts:
        """The counts before the first batch."""
        none, products = Tally.nothing(self.sizes), np.zeros(len(self.products), dtype=np.int64)
        fired = [counter.nothing() for counter in self.counters]
        return Counts(none, none, fired[0], fired[1], products, products)

    def compare(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Counts]:
        """Return a row of COMPARED for each customer of a batch of `decided`, and the batch's counts.

        Only those whom the drafts may touch are arbitrated twice.
        """
        first, second = (batch_of(batch, columns.side) for columns in (self.before, self.after))
        listed = _listed(first), _listed(second)
        touched = self.touching.touched(batch) & (listed[0] | listed[1])
        people = People.of(batch, self.cities)
        published = lists_of(first, listed[0], self.before)
        old, new = published.of_customers(touched), lists_of(second, listed[1] & touched, self.after)
        before = self._tally(published, people)
        counts = Counts(
            before=before,
            after=before - self._tally(old, people) + self._tally(new, people),
            fired_before=self.counters[0].count(first, listed[0]),
            fired_after=self.counters[1].count(second, listed[1]),
            gained=self._products_beyond(new, old, batch.num_rows),
            lost=self._products_beyond(old, new, batch.num_rows),
        )
        answers = answers_of(published, people)
        later = answers.unless(touched, answers_of(new, people))
        said = (
            {**_standing(first, self.before.side), **answers.columns},
            {**_standing(second, self.after.side), **later.columns},
        )
        return _rows(batch, said, difference(old, new, batch.num_rows)), counts

    def _tally(self, lists: Lists, people: People) -> Tally:
        return tally(lists, city=people.city, audience=people.audience, sizes=self.sizes)

    def _products_beyond(self, lists: Lists, others: Lists, customers: int) -> Ints:
        """Return by product the customers to whom these lists offer it, and the others do not."""
        offered = [np.zeros((customers, len(self.products)), dtype=np.bool_) for _ in range(2)]
        for each, flags in zip((lists, others), offered, strict=True):
            about = each.kept & (each.product != NONE)
            flags[each.row[about], each.product[about]] = True
        beyond: Ints = np.count_nonzero(offered[0] & ~offered[1], axis=0)
        return beyond


def _listed(batch: pa.RecordBatch) -> Flags:
    return np.asarray(batch.column(REJECT).is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _standing(batch: pa.RecordBatch, side: Side) -> dict[str, Ints]:
    """Return by customer the number of the zone order, NONE without a list, and why there is none."""
    orders = zone_orders(side.rules.priority)
    numbers = np.full(max(orders, default=0) + 1, NONE, dtype=np.int64)
    for row, zones in orders.items():
        numbers[row] = ORDERS.index(zones)
    reject = pc.index_in(batch.column(REJECT), value_set=pa.array(NO_LIST, pa.string()))
    rejected = integers(reject)
    zones_given = numbers[integers(batch.column(PRIORITY_RULE))]
    return {"zones": np.where(rejected == 0, zones_given, NONE), "reject": rejected}


def _rows(
    batch: pa.RecordBatch, said: tuple[Mapping[str, Ints], Mapping[str, Ints]], found: Difference
) -> pa.RecordBatch:
    came_or_went = np.asarray(found.added.value_lengths()) + np.asarray(found.removed.value_lengths()) > 0
    columns = {name: batch.column(name) for name in ("customer_id", "owner_id", "city")}
    for when, numbers in zip(("before", "after"), said, strict=True):
        columns |= {f"{name}_{when}": pa.array(values, pa.int32()) for name, values in numbers.items()}
    columns["changed"] = pa.array(found.differs | (said[0]["zones"] != said[1]["zones"]))
    columns["reordered"] = pa.array(found.differs & ~came_or_went)
    columns |= {"added": found.added, "removed": found.removed}
    return pa.RecordBatch.from_arrays([columns[field.name] for field in COMPARED], schema=COMPARED)
