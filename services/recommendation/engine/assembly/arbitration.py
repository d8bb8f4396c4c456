"""What becomes of the policies found for one customer: what stands in the way of each, their order, and which may stand together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.recommendation.domain import BlockReason, PolicyKind, Zone
from services.recommendation.engine.assembly.customer import Customer
from services.recommendation.engine.assembly.rules import Offer, brings_twice, excludes
from services.recommendation.engine.assembly.terms import Terms
from services.recommendation.engine.feel import Row


@dataclass(frozen=True, slots=True)
class Find:
    """A policy found for the customer; `order` sorts inside the zone, `climbs` if it sells a product that the customer lacks.

    `reason` is what bars it whatever else is found.
    """

    offer: Offer
    need_level: str | None
    terms: Terms
    order: tuple[int, int, str]
    climbs: bool
    reason: BlockReason | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A find that is recommended (no reason), or blocked; `by` is the policy that excludes it or brings its product."""

    find: Find
    reason: BlockReason | None
    by: str | None = None


def arbitrate(finds: Sequence[Find], *, most_at_once: int, combinations_once: bool) -> Iterator[Verdict]:
    """Yield a verdict for each find, these being in the order of the list, best first.

    What stands already excludes what comes after it, and, with `combinations_once`, what would bring a product again, one of
    the two being a combination. New services: a product that the customer lacks must wait while an easier one is offered, and
    no more than `most_at_once` policies are offered.
    """
    standing: list[Find] = []
    climbed = None
    for find in finds:
        verdict = _beside(find, standing, combinations_once) or _in_turn(find, standing, climbed, most_at_once)
        if verdict.reason is None:
            standing.append(find)
            if climbed is None and find.climbs:
                climbed = find.offer.step
        yield verdict


def _beside(find: Find, standing: Sequence[Find], combinations_once: bool) -> Verdict | None:
    """Return what bars a find by itself, or beside one that stands already; None where nothing does."""
    if find.reason is not None:
        return Verdict(find, find.reason)
    apart = [
        (BlockReason.EXCLUDED_BY, excludes),
        *([(BlockReason.COMBINED_BY, brings_twice)] if combinations_once else []),
    ]
    for reason, not_together in apart:
        by = next((other.offer.code for other in standing if not_together(other.offer, find.offer)), None)
        if by is not None:
            return Verdict(find, reason, by)
    return None


def _in_turn(find: Find, standing: Sequence[Find], climbed: int | None, most_at_once: int) -> Verdict:
    """Return what becomes of a find that nothing else bars: new services come few at a time, easy before hard."""
    if find.offer.zone is Zone.NEW_SERVICE:
        if find.climbs and climbed is not None and find.offer.step > climbed:
            return Verdict(find, BlockReason.LADDER)
        if sum(other.offer.zone is Zone.NEW_SERVICE for other in standing) >= most_at_once:
            return Verdict(find, BlockReason.ENOUGH)
    return Verdict(find, None)


def bar(customer: Customer, offer: Offer) -> BlockReason | None:
    """Return what bars an offer to the customer whatever else is found, the first reason that holds."""
    return (
        offer.barred
        or _place_bar(customer.fields, offer)
        or _product_bar(customer, offer)
        or _joined_bar(customer, offer)
    )


def _place_bar(fields: Row, offer: Offer) -> BlockReason | None:
    """Return what the city, the handset and the lack of internet access bar; what is not known bars, too."""
    if offer.policy is not None and offer.policy.cities and fields["city"] not in offer.policy.cities:
        return BlockReason.NOT_IN_CITY
    for ability in offer.needs:
        if fields[f"handset_{ability}"] is not True:
            return BlockReason(f"handset_{ability}")
    if offer.needs_internet and fields["internet_access"] is not True:
        return BlockReason.NO_INTERNET
    return None


def _product_bar(customer: Customer, offer: Offer) -> BlockReason | None:
    """Return what the customer's own standing with the product bars."""
    if offer.product is None or offer.policy is None:
        return None
    state, kind = customer.state(offer.product), offer.policy.kind
    bars = {
        BlockReason.ALREADY_ACTIVE: state == "active",
        BlockReason.IN_VOICE_PLAN: state == "voice_plan",
        BlockReason.IN_TRIAL: state == "trial" and kind is not PolicyKind.ORDER,
        BlockReason.NOT_PROVISIONED: state == "inactive" and not customer.holdings[offer.product].provisioned,
        BlockReason.HAD_BEFORE: state in {"inactive", "cancelled"} and kind is PolicyKind.TRIAL,
        BlockReason.NEED_NONE: customer.needs_not(offer.product),
    }
    return next((reason for reason, holds in bars.items() if holds), None)


def _joined_bar(customer: Customer, offer: Offer) -> BlockReason | None:
    """Return what the products bar that come with the policy, or that it presupposes."""
    if offer.policy is None:
        return None
    if any(customer.has(product) for product in offer.policy.combined_products):
        return BlockReason.COMBINED_HELD
    if any(customer.needs_not(product) for product in offer.policy.combined_products):
        return BlockReason.COMBINED_UNNEEDED
    if not all(customer.has(product) for product in offer.policy.prerequisites):
        return BlockReason.PREREQUISITE
    return None
