"""Finds the policies of a batch of customers and arbitrates between them, all customers at once: `arbitration` in columns.

A find is a place in flat arrays. Customers have few finds each, so that their order is a short row of find numbers per customer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.recommendation.domain import Ability, BlockReason, Zone
from services.recommendation.engine.assembly.customer import NEED_NONE
from services.recommendation.engine.assembly.facts import (
    LEVELS,
    NONE,
    STATES,
    ZONES,
    Facts,
    Flags,
    Ints,
    OfferColumns,
    Source,
    integers,
    number_of,
)
from services.recommendation.engine.assembly.terms import PROBABILITY_SCALE

_ABILITY_REASONS = (*(BlockReason(f"handset_{ability}") for ability in Ability), BlockReason.NO_INTERNET)
_VALUE_BITS, _CODE_BITS, _STEP_BITS = 39, 18, 3
"""Of a sort key, with two bits for the zone's place: 62 in all. A value has at most 3 x 10^11 fen (`assembly.terms`)."""
_LARGEST = (1 << _VALUE_BITS) - 1
_LAST = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Finds:
    """What was found, in no order that counts: customer and offer by number, `place` among the rows that fired together."""

    row: Ints
    offer: Ints
    place: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Finds with the customer's standing towards their product; -1 or unset where they are about none.

    `reason` and `by` are as in `Verdicts`; arbitration fills in what only the other finds decide.
    """

    finds: Finds
    level: Ints
    value: Ints
    climbs: Flags
    reason: Ints
    by: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """Finds in the order of the lists, customer by customer: `reason` by number, 0 where recommended; `by` is an offer or -1."""

    row: Ints
    offer: Ints
    level: Ints
    value: Ints
    reason: Ints
    by: Ints


def judge(batch: pa.RecordBatch, facts: Facts, offers: OfferColumns, *, most_at_once: int) -> Verdicts:
    """Return a verdict on every policy that the batch's fired rows give."""
    standing = _standing(_finds(batch, offers), facts, offers)
    ordered = _ordered(standing, facts, offers)
    _arbitrate(ordered, standing, offers, most_at_once)
    flat = ordered[ordered != NONE]
    return Verdicts(
        row=standing.finds.row[flat],
        offer=standing.finds.offer[flat],
        level=standing.level[flat],
        value=standing.value[flat],
        reason=standing.reason[flat],
        by=standing.by[flat],
    )


def _finds(batch: pa.RecordBatch, offers: OfferColumns) -> Finds:
    found = [_found(batch, source, offers) for source in offers.sources]
    if not found:
        return Finds(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    return Finds(
        np.concatenate([each.row for each in found]),
        np.concatenate([each.offer for each in found]),
        np.concatenate([each.place for each in found]),
    )


def _found(batch: pa.RecordBatch, source: Source, offers: OfferColumns) -> Finds:
    """Return what the rows in one column give; of a policy that several of them give the first one counts."""
    column = batch.column(source.fired.column)
    if not pa.types.is_list(column.type):
        fired = integers(column)
        return _given(np.arange(batch.num_rows), fired, np.zeros(batch.num_rows, dtype=np.int64), source)
    customers, fired = integers(pc.list_parent_indices(column)), integers(pc.list_flatten(column))
    found = _given(customers, fired, _place_in_row(customers, batch.num_rows), source)
    _, first = np.unique(found.row * len(offers.offers) + offers.code[found.offer], return_index=True)
    kept = np.sort(first)
    return Finds(found.row[kept], found.offer[kept], found.place[kept])


def _given(customers: Ints, fired: Ints, place: Ints, source: Source) -> Finds:
    """Return all offers of each fired row."""
    count = source.count[fired]
    which = np.repeat(np.arange(len(fired)), count)
    within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return Finds(customers[which], source.first[fired][which] + within, place[which])


def _place_in_row(row: Ints, rows: int) -> Ints:
    """Return for rows that come together, whatever their order, the place of each entry in its row."""
    count = np.bincount(row, minlength=rows)
    return np.arange(len(row)) - (np.cumsum(count) - count)[row]


def _standing(finds: Finds, facts: Facts, offers: OfferColumns) -> Standing:
    row, offer = finds.row, finds.offer
    product = offers.product[offer]
    about = product != NONE
    level = np.full(len(row), NONE, dtype=np.int64)
    level[about] = facts.level[row[about], product[about]]
    value = _values(finds, facts, offers)
    climbs = np.zeros(len(row), dtype=np.bool_)
    climbs[about] = ~facts.held[row[about], product[about]]
    return Standing(finds, level, value, climbs, _bars(finds, facts, offers), np.full(len(row), NONE, dtype=np.int64))


def _values(finds: Finds, facts: Facts, offers: OfferColumns) -> Ints:
    """Return what each find is expected to be worth, in fen (`terms.Terms.value_fen`)."""
    row, offer = finds.row, finds.offer
    product, percent = offers.product[offer], np.full(len(row), 100, dtype=np.int64)
    probability = np.full(len(row), PROBABILITY_SCALE, dtype=np.int64)
    if offers.weighing.probability:
        about = product != NONE
        probability[about] = facts.probability[row[about], product[about]]
    if offers.kindred.any():
        percent[_touches(finds, offers.kindred, facts.held)] += offers.weighing.affinity_percent
    scale = PROBABILITY_SCALE * 100
    return (probability * offers.worth_fen[offer] * percent + scale // 2) // scale


def _bars(finds: Finds, facts: Facts, offers: OfferColumns) -> Ints:
    """Return the number of the first reason that bars each find whatever else is found (`arbitration.bar`)."""
    reason = offers.barred[finds.offer]
    for why, holds in _obstacles(finds, facts, offers):
        reason[(reason == 0) & holds] = number_of(why)
    return reason


def _obstacles(finds: Finds, facts: Facts, offers: OfferColumns) -> Iterator[tuple[BlockReason, Flags]]:
    row, offer = finds.row, finds.offer
    if offers.cities:
        yield BlockReason.NOT_IN_CITY, ~offers.in_city[offer, facts.city[row]]
    for ability, why in enumerate(_ABILITY_REASONS):
        yield why, offers.needs[offer, ability] & ~facts.abilities[row, ability]
    yield from _product_obstacles(finds, facts, offers)
    if offers.combined.any():
        unneeded = facts.level == LEVELS.index(NEED_NONE)
        yield BlockReason.COMBINED_HELD, _touches(finds, offers.combined, facts.held)
        yield BlockReason.COMBINED_UNNEEDED, _touches(finds, offers.combined, unneeded)
    if offers.presupposed.any():
        yield BlockReason.PREREQUISITE, _touches(finds, offers.presupposed, ~facts.held)


def _product_obstacles(finds: Finds, facts: Facts, offers: OfferColumns) -> Iterator[tuple[BlockReason, Flags]]:
    product = offers.product[finds.offer]
    about = product != NONE
    state, provisioned = np.full(len(product), NONE, dtype=np.int64), np.ones(len(product), dtype=np.bool_)
    level = np.full(len(product), NONE, dtype=np.int64)
    places = finds.row[about], product[about]
    state[about], provisioned[about], level[about] = facts.state[places], facts.provisioned[places], facts.level[places]
    inactive, cancelled = state == STATES.index("inactive"), state == STATES.index("cancelled")
    yield BlockReason.ALREADY_ACTIVE, state == STATES.index("active")
    yield BlockReason.IN_VOICE_PLAN, state == STATES.index("voice_plan")
    yield BlockReason.IN_TRIAL, (state == STATES.index("trial")) & ~offers.converts[finds.offer]
    yield BlockReason.NOT_PROVISIONED, inactive & ~provisioned
    yield BlockReason.HAD_BEFORE, (inactive | cancelled) & offers.tries[finds.offer]
    yield BlockReason.NEED_NONE, level == LEVELS.index(NEED_NONE)


def _touches(finds: Finds, named: Flags, standing: Flags) -> Flags:
    """Tell of each find whether one of the products named by its offer stands so with the customer."""
    touched = np.zeros(len(finds.row), dtype=np.bool_)
    asked = np.flatnonzero(np.logical_or.reduce(named, axis=1)[finds.offer])
    touched[asked] = np.logical_or.reduce(named[finds.offer[asked]] & standing[finds.row[asked]], axis=1)
    return touched


def _ordered(standing: Standing, facts: Facts, offers: OfferColumns) -> Ints:
    """Return customer x place in the list: the number of the find there, NONE behind the last."""
    finds = standing.finds
    customers = len(facts.city)
    together = np.argsort(finds.row, kind="stable")
    place = _place_in_row(finds.row[together], customers)
    width = int(place.max(initial=-1)) + 1
    keys = np.full((customers, width), _LAST, dtype=np.int64)
    numbers = np.full((customers, width), NONE, dtype=np.int64)
    keys[finds.row[together], place] = _keys(standing, facts, offers)[together]
    numbers[finds.row[together], place] = together
    return np.take_along_axis(numbers, np.argsort(keys, axis=1, kind="stable"), axis=1)


def _keys(standing: Standing, facts: Facts, offers: OfferColumns) -> Ints:
    """Return what finds are sorted by: place of the zone, step, value or place, then the policy's code."""
    row, offer = standing.finds.row, standing.finds.offer
    within = np.where(offers.by_value[offer], _LARGEST - standing.value, offers.place[offer] + standing.finds.place)
    key = facts.zone_place[row, offers.zone[offer]]
    for part, bits in ((offers.step[offer], _STEP_BITS), (within, _VALUE_BITS), (offers.code[offer], _CODE_BITS)):
        key = (key << bits) | part
    return key


def _arbitrate(ordered: Ints, standing: Standing, offers: OfferColumns, most_at_once: int) -> None:
    """Walk all lists at once, best first, and note in `reason` and `by` what the earlier finds block (`arbitration.arbitrate`)."""
    new_service = ZONES.index(Zone.NEW_SERVICE)
    climbed = np.full(len(ordered), NONE, dtype=np.int64)
    offered = np.zeros(len(ordered), dtype=np.int64)
    apart = [
        (why, not_together, np.logical_or.reduce(not_together, axis=1))
        for why, not_together in (
            (BlockReason.EXCLUDED_BY, offers.excluding),
            (BlockReason.COMBINED_BY, offers.repeating),
        )
        if not_together.any()
    ]
    for place in range(ordered.shape[1]):
        customers = np.flatnonzero(ordered[:, place] != NONE)
        customers = customers[standing.reason[ordered[customers, place]] == 0]
        find = ordered[customers, place]
        for why, not_together, touchy in apart:
            _exclude(ordered, place, customers[touchy[standing.finds.offer[find]]], standing, not_together, why=why)
        sold = (offers.zone[standing.finds.offer[find]] == new_service) & (standing.reason[find] == 0)
        customers, find = customers[sold], find[sold]
        step, climbs = offers.step[standing.finds.offer[find]], standing.climbs[find]
        late = climbs & (climbed[customers] != NONE) & (step > climbed[customers])
        full = ~late & (offered[customers] >= most_at_once)
        standing.reason[find[late]] = number_of(BlockReason.LADDER)
        standing.reason[find[full]] = number_of(BlockReason.ENOUGH)
        taken = ~late & ~full
        offered[customers[taken]] += 1
        first = taken & climbs & (climbed[customers] == NONE)
        climbed[customers[first]] = step[first]


def _exclude(
    ordered: Ints, place: int, customers: Ints, standing: Standing, not_together: Flags, *, why: BlockReason
) -> None:
    """Block the finds at one place of the lists that may not stand beside an earlier one; the earliest is named."""
    for earlier in range(place):
        find, other = ordered[customers, place], ordered[customers, earlier]
        barred = (standing.reason[find] == 0) & (standing.reason[other] == 0)
        barred &= not_together[standing.finds.offer[other], standing.finds.offer[find]]
        standing.by[find[barred]] = standing.finds.offer[other[barred]]
        standing.reason[find[barred]] = number_of(why)
