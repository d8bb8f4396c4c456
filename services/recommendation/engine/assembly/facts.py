"""What a batch of `decided` says of its customers, as arrays; what every offer of a run needs, as arrays beside them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from services.recommendation.domain import Ability, BlockReason, PolicyKind, Zone
from services.recommendation.engine.assembly.customer import NEED_NONE, NOT_HELD, POTENTIAL
from services.recommendation.engine.assembly.decided import Fired, fired_columns, tracked
from services.recommendation.engine.assembly.rules import Offer, Rules, brings_twice, excludes, offers_of, zone_orders
from services.recommendation.engine.assembly.single import by_value
from services.recommendation.engine.assembly.terms import Weighing

Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

STATES = (POTENTIAL, "inactive", "active", "cancelled", "voice_plan", "trial")
LEVELS = ("rigid", "sensitive", "ordinary", NEED_NONE)
REASONS = (None, *BlockReason)
"""By number; 0 is no reason."""
ZONES = tuple(Zone)
NONE = -1
"""The number of what is not there."""
_ABILITIES = (*(f"handset_{ability}" for ability in Ability), "internet_access")


def number_of(reason: BlockReason) -> int:
    return REASONS.index(reason)


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """The customers of one batch: one row each; products, cities and abilities by number."""

    abilities: Flags
    city: Ints
    state: Ints
    provisioned: Flags
    level: Ints
    probability: Ints
    zone_place: Ints

    @property
    def held(self) -> Flags:
        """Customer x product: whether they have it, used or not."""
        return ~np.isin(self.state, [STATES.index(state) for state in NOT_HELD])


@dataclass(frozen=True, slots=True)
class Source:
    """The offers of one fired column: those of row r are numbers `first[r]` to `first[r] + count[r] - 1`."""

    fired: Fired
    first: Ints
    count: Ints


@dataclass(frozen=True, slots=True)
class OfferColumns:
    """All offers of a run, by number. `excluding` and `repeating` are offer x offer: which may not stand together, and of which
    one brings again what the other, a combination, brings; `combined`, `presupposed` and `kindred` are offer x product."""

    offers: Sequence[Offer]
    sources: Sequence[Source]
    products: Sequence[str]
    cities: Sequence[str]
    zone: Ints
    step: Ints
    by_value: Flags
    place: Ints
    code: Ints
    worth_fen: Ints
    product: Ints
    barred: Ints
    needs: Flags
    in_city: Flags
    tries: Flags
    converts: Flags
    combined: Flags
    presupposed: Flags
    kindred: Flags
    excluding: Flags
    repeating: Flags
    weighing: Weighing

    @classmethod
    def of(cls, rules: Rules) -> "OfferColumns":
        """Return the offers of all rows that can fire."""
        sources, offers, ordered = _sources(rules)
        products = tracked(rules)
        cities = sorted({city for offer in offers if offer.policy for city in offer.policy.cities})
        codes = {code: place for place, code in enumerate(sorted({offer.code for offer in offers}))}
        policies = [offer.policy for offer in offers]
        return cls(
            offers=offers,
            sources=sources,
            products=products,
            cities=cities,
            zone=_ints(ZONES.index(offer.zone) for offer in offers),
            step=_ints(offer.step for offer in offers),
            by_value=_flags(ordered),
            place=_ints(offer.place for offer in offers),
            code=_ints(codes[offer.code] for offer in offers),
            worth_fen=_ints(offer.worth_fen for offer in offers),
            product=_ints(products.index(offer.product) if offer.product else NONE for offer in offers),
            barred=_ints(number_of(offer.barred) if offer.barred else 0 for offer in offers),
            needs=_table([[a in offer.needs for a in Ability] + [offer.needs_internet] for offer in offers], 4),
            in_city=_table([_in_cities(offer, cities) for offer in offers], len(cities) + 1),
            tries=_flags(policy is not None and policy.kind is PolicyKind.TRIAL for policy in policies),
            converts=_flags(policy is not None and policy.kind is PolicyKind.ORDER for policy in policies),
            combined=_table([_marks(p.combined_products if p else (), products) for p in policies], len(products)),
            presupposed=_table([_marks(p.prerequisites if p else (), products) for p in policies], len(products)),
            kindred=_table([_marks(offer.kindred, products) for offer in offers], len(products)),
            excluding=_excluding(offers),
            repeating=_repeating(offers) if rules.weighing.combinations_once else _excluding(()),
            weighing=rules.weighing,
        )


def _sources(rules: Rules) -> tuple[list[Source], list[Offer], list[bool]]:
    """Return where offers come from, the offers in that order, and of each whether it goes by value."""
    sources, offers, ordered = [], list[Offer](), list[bool]()
    for fired in fired_columns(rules):
        given = list(offers_of(rules, fired.matrix, fired.table, fired.product))
        rows = _ints(offer.rule for offer in given)
        count = np.bincount(rows, minlength=fired.table.rules[-1].id + 1)
        sources.append(Source(fired, len(offers) + np.cumsum(count) - count, count))
        offers += given
        ordered += [by_value(fired.table)] * len(given)
    return sources, offers, ordered


def facts_of(batch: pa.RecordBatch, columns: OfferColumns, rules: Rules) -> Facts:
    """Return what a batch of LISTED_SQL says."""
    numbers = range(len(columns.products))
    return Facts(
        abilities=_flags_beside(batch, _ABILITIES),
        city=_numbers(batch, "city", columns.cities),
        state=_ints_beside(batch, (_numbers(batch, f"_state_{at}", STATES) for at in numbers)),
        provisioned=_flags_beside(batch, [f"_provisioned_{at}" for at in numbers]),
        level=_ints_beside(batch, (_numbers(batch, f"_level_{at}", LEVELS) for at in numbers)),
        probability=_ints_beside(batch, (integers(batch.column(f"_probability_{at}")) for at in numbers)),
        zone_place=_zone_places(rules)[integers(batch.column("_priority_rule"))],
    )


def integers(column: "pa.Array[Any]") -> Ints:  # the stubs know no width-free whole numbers
    """Return a column of whole numbers, null as 0."""
    return np.asarray(column.fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _zone_places(rules: Rules) -> Ints:
    """Return row of the priority matrix x zone: the zone's place in the list."""
    places = np.zeros((rules.priority.rules[-1].id + 1, len(ZONES)), dtype=np.int64)
    for row, zones in zone_orders(rules.priority).items():
        places[row] = [zones.index(zone) for zone in ZONES]
    return places


def _numbers(batch: pa.RecordBatch, name: str, values: Sequence[str]) -> Ints:
    """Return the place of each text among `values`, NONE where it is not there."""
    found = pc.index_in(batch.column(name), value_set=pa.array(values, pa.string()))
    return np.asarray(found.fill_null(NONE).to_numpy(zero_copy_only=False), dtype=np.int64)


def _flags_beside(batch: pa.RecordBatch, names: Sequence[str]) -> Flags:
    """Return customer x flag; a flag is unset where it is not known."""
    beside = np.zeros((batch.num_rows, len(names)), dtype=np.bool_)
    for place, name in enumerate(names):
        beside[:, place] = batch.column(name).fill_null(False).to_numpy(zero_copy_only=False)
    return beside


def _ints_beside(batch: pa.RecordBatch, columns: Iterable[Ints]) -> Ints:
    """Return customer x column, also where there is no column."""
    each = list(columns)
    return np.stack(each, axis=1) if each else np.zeros((batch.num_rows, 0), dtype=np.int64)


def _in_cities(offer: Offer, cities: Sequence[str]) -> list[bool]:
    """Return for each city, and for every other one behind them, whether the offer is made there."""
    if offer.policy is None or not offer.policy.cities:
        return [True] * (len(cities) + 1)
    return [*(city in offer.policy.cities for city in cities), False]


def _excluding(offers: Sequence[Offer]) -> Flags:
    """Return offer x offer: whether they may not stand together. Asked only of those that exclude or are excluded."""
    beside = np.zeros((len(offers), len(offers)), dtype=np.bool_)
    named = {code for offer in offers if offer.policy for code in offer.policy.exclusions}
    touched = [
        number
        for number, offer in enumerate(offers)
        if offer.code in named or (offer.policy is not None and offer.policy.exclusions)
    ]
    for one in touched:
        beside[one, touched] = [excludes(offers[one], offers[other]) for other in touched]
    return beside


def _repeating(offers: Sequence[Offer]) -> Flags:
    """Return offer x offer: whether one brings a product again that the other, a combination, brings, or the other way round."""
    beside = np.zeros((len(offers), len(offers)), dtype=np.bool_)
    for one, offer in enumerate(offers):
        if offer.policy is not None and offer.policy.combined_products:
            beside[one] = [brings_twice(offer, other) for other in offers]
    return beside | beside.T


def _marks(named: Sequence[str], products: Sequence[str]) -> list[bool]:
    return [product in named for product in products]


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)


def _flags(values: Iterable[bool]) -> Flags:
    return np.fromiter(values, dtype=np.bool_)


def _table(rows: Sequence[Sequence[bool]], width: int) -> Flags:
    return np.array(rows, dtype=np.bool_).reshape(len(rows), width)
