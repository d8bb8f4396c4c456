"""Assembles the list of one customer, and keeps what the explanation needs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.recommendation.domain import (
    Arm,
    Blocked,
    BlockReason,
    PolicyList,
    Recommendation,
    Rejected,
    Zone,
    masked_id,
)
from services.recommendation.engine.assembly.rules import CompiledRules, Offer
from services.recommendation.engine.feel import Row
from services.recommendation.engine.matrix import DecisionTable, Firing
from shared.errors import WrongState

NOT_SCORED = "the scoring run has no scores of the customer"
NO_ARM = "the control group has no arm of the customer"
NO_PRIORITY = "no row of matrix priority matches"
POTENTIAL = "potential"
PROBABILITY_SCALE = 10_000
"""A need probability has four digits after the point."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Where the customer stands with one product; no holding means potential."""

    state: str
    provisioned: bool


@dataclass(frozen=True, slots=True)
class Need:
    """How much the customer needs one product; the probability has four digits after the point."""

    level: str
    probability: Decimal


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer's view, scores and arm. `fields` are what matrices may test, those of the scores null if not `scored`."""

    customer_id: str
    owner_id: str
    msisdn: str
    scored: bool
    arm: Arm | None
    fields: Row
    holdings: Mapping[str, Holding]
    needs: Mapping[str, Need]


@dataclass(frozen=True, slots=True)
class Meeting:
    """How one matrix met the customer: the row it saw and what fired; `product` where the grain has one."""

    table: DecisionTable
    product: str
    row: Row
    firing: Firing


@dataclass(frozen=True, slots=True)
class Assembly:
    """What became of one customer, and each matrix met on the way."""

    outcome: PolicyList | Rejected
    meetings: tuple[Meeting, ...]


@dataclass(frozen=True, slots=True)
class _Find:
    """A policy found for the customer; `order` sorts inside the zone."""

    offer: Offer
    zone: Zone
    need_level: str | None
    expected_value_fen: int
    order: tuple[int, str]
    reason: BlockReason | None


def assemble(customer: Customer, compiled: CompiledRules) -> Assembly:
    """Return the customer's list or reject. The base's SQL gives the same for everyone (`engine.assembly.base`).

    Raises WrongState (MATRIX_AMBIGUOUS) where two rows of a UNIQUE matrix match.
    """
    missing = NOT_SCORED if not customer.scored else NO_ARM
    if not customer.scored or customer.arm is None:
        return Assembly(Rejected(customer.customer_id, missing), ())
    rules = compiled.rules
    priority = _meet(rules.priority, customer, customer.fields, compiled.fire_priority(customer.fields))
    if not priority.firing.rules:
        return Assembly(Rejected(customer.customer_id, NO_PRIORITY), (priority,))
    retention = _meet(rules.retention, customer, customer.fields, compiled.fire_retention(customer.fields))
    pairs = tuple(_meet_pair(customer, product, compiled) for product in rules.products)
    finds = {
        Zone.RETENTION: list(_retention_finds(customer, retention.firing, compiled)),
        Zone.NEW_SERVICE: [find for pair in pairs for find in _new_service_finds(customer, pair, compiled)],
    }
    zones = compiled.zone_orders[priority.firing.rules[0]]
    outcome = PolicyList(
        customer_id=customer.customer_id,
        owner_id=customer.owner_id,
        msisdn=customer.msisdn,
        city=str(customer.fields["city"]),
        arm=customer.arm,
        contactable=_contactable(customer.fields, consent_default=rules.consent_default),
        zone_order=zones,
        priority_rule=priority.firing.rules[0],
        recommendations=tuple(found for zone in zones for found in _ranked(finds[zone])),
        blocked=tuple(
            Blocked(zone, find.offer.policy, find.offer.rule, find.reason)
            for zone in zones
            for find in finds[zone]
            if find.reason is not None
        ),
    )
    return Assembly(outcome, (priority, retention, *pairs))


def expected_value(probability: Decimal | None, margin_fen: int) -> int:
    """Return probability x margin in fen, half up; an unknown need is worth nothing yet."""
    if probability is None:
        return 0
    return (int(probability * PROBABILITY_SCALE) * margin_fen + PROBABILITY_SCALE // 2) // PROBABILITY_SCALE


def ambiguous(table: DecisionTable, customer_id: str, rules: Sequence[int]) -> WrongState:
    """Return the failure of a UNIQUE matrix of which several rows match one customer."""
    rows = ", ".join(map(str, rules))
    return WrongState(
        f'matrix {table.purpose} "{table.name}" is UNIQUE, but rows {rows} all match customer {masked_id(customer_id)}: '
        "narrow the cells of these rows, or make the matrix FIRST",
        subject=f"matrix {table.purpose}",
        reason="ERROR_REASON_MATRIX_AMBIGUOUS",
    )


def _meet(table: DecisionTable, customer: Customer, row: Row, firing: Firing, product: str = "") -> Meeting:
    if firing.ambiguous:
        raise ambiguous(table, customer.customer_id, firing.rules)
    return Meeting(table, product, row, firing)


def _meet_pair(customer: Customer, product: str, compiled: CompiledRules) -> Meeting:
    need, holding = customer.needs.get(product), customer.holdings.get(product)
    row = {
        **customer.fields,
        "product": product,
        "product_state": holding.state if holding else POTENTIAL,
        "need_level": need.level if need else None,
        "need_probability": need.probability if need else None,
    }
    return _meet(compiled.rules.new_service, customer, row, compiled.fire_new_service(row), product)


def _retention_finds(customer: Customer, firing: Firing, compiled: CompiledRules) -> Iterator[_Find]:
    for rule in firing.rules:
        for offer in compiled.retention.get(rule, ()):
            reason = offer.barred or _handset(customer.fields, offer)
            yield _Find(offer, Zone.RETENTION, None, offer.margin_fen, (offer.place, offer.policy), reason)


def _new_service_finds(customer: Customer, pair: Meeting, compiled: CompiledRules) -> Iterator[_Find]:
    """Yield what the fired rows give for one product; a policy that several rows give counts for the first of them."""
    need, holding = customer.needs.get(pair.product), customer.holdings.get(pair.product)
    seen = set()
    for rule in pair.firing.rules:
        offer = compiled.new_service.get((rule, pair.product))
        if offer is None or offer.policy in seen:
            continue
        seen.add(offer.policy)
        value = expected_value(need.probability if need else None, offer.margin_fen)
        reason = offer.barred or _handset(customer.fields, offer) or _product_bar(holding, need)
        yield _Find(offer, Zone.NEW_SERVICE, need.level if need else None, value, (-value, offer.policy), reason)


def _handset(fields: Row, offer: Offer) -> BlockReason | None:
    """Return the first need that the handset is not known to meet."""
    for ability in offer.needs:
        if fields[f"handset_{ability}"] is not True:
            return BlockReason(f"handset_{ability}")
    return None


def _product_bar(holding: Holding | None, need: Need | None) -> BlockReason | None:
    if holding is not None:
        match holding.state:
            case "active":
                return BlockReason.ALREADY_ACTIVE
            case "trial":
                return BlockReason.IN_TRIAL
            case "inactive" if not holding.provisioned:
                return BlockReason.NOT_PROVISIONED
    return BlockReason.NEED_NONE if need is not None and need.level == "none" else None


def _contactable(fields: Row, *, consent_default: bool) -> bool:
    consent = fields["marketing_consent"]
    return not fields["red_list"] and (consent_default if consent is None else bool(consent))


def _ranked(finds: Sequence[_Find]) -> Iterator[Recommendation]:
    open_finds = sorted((find for find in finds if find.reason is None), key=lambda find: find.order)
    for rank, find in enumerate(open_finds, start=1):
        offer = find.offer
        yield Recommendation(
            zone=find.zone,
            rank=rank,
            policy=offer.policy,
            policy_group=offer.policy_group,
            product=offer.product,
            need_level=find.need_level,
            rule=offer.rule,
            expected_value_fen=find.expected_value_fen,
        )
