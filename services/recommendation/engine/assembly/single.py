"""Assembles the list of one customer, and keeps what the explanation needs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from services.recommendation.domain import (
    Blocked,
    PolicyList,
    Purpose,
    Recommendation,
    Rejected,
    Zone,
    masked_id,
)
from services.recommendation.engine.assembly.arbitration import Find, Verdict, arbitrate, bar
from services.recommendation.engine.assembly.customer import (
    NO_ARM,
    NO_PRIORITY,
    NOT_SCORED,
    Customer,
    Meeting,
    pair_row,
)
from services.recommendation.engine.assembly.rules import CompiledRules, Offer
from services.recommendation.engine.assembly.terms import Terms, Weighing
from services.recommendation.engine.feel import Row
from services.recommendation.engine.matrix import DecisionTable, Firing, HitPolicy
from shared.errors import WrongState


@dataclass(frozen=True, slots=True)
class Assembly:
    """What became of one customer, each matrix met on the way, and the verdicts on all that was found, in the list's order."""

    outcome: PolicyList | Rejected
    meetings: tuple[Meeting, ...]
    verdicts: tuple[Verdict, ...] = ()


def assemble(customer: Customer, compiled: CompiledRules) -> Assembly:
    """Return the customer's list or reject. The base's columns give the same for everyone (`engine.assembly.base`).

    Raises WrongState (MATRIX_AMBIGUOUS) where rows of a UNIQUE or ANY matrix contradict each other.
    """
    arm, rules = customer.arm, compiled.rules
    if not customer.scored or arm is None:
        return Assembly(Rejected(customer.customer_id, NO_ARM if customer.scored else NOT_SCORED), ())
    customer = replace(customer, fields={**customer.fields, "day": rules.day})
    priority = _meet(rules.priority, customer, customer.fields, compiled.fire[Purpose.PRIORITY])
    if not priority.firing.rules:
        return Assembly(Rejected(customer.customer_id, NO_PRIORITY), (priority,))
    meetings = tuple(_meetings(customer, compiled))
    zones = compiled.zone_orders[priority.firing.rules[0]]
    finds = [find for meeting in meetings for find in _finds(customer, meeting, compiled)]
    finds.sort(key=lambda find: (zones.index(find.offer.zone), *find.order))
    at_once, once = rules.most_at_once, rules.weighing.combinations_once
    verdicts = tuple(arbitrate(finds, most_at_once=at_once, combinations_once=once))
    outcome = PolicyList(
        customer_id=customer.customer_id,
        owner_id=customer.owner_id,
        msisdn=customer.msisdn,
        city=str(customer.fields["city"]),
        arm=arm,
        contactable=_contactable(customer.fields, consent_default=rules.consent_default),
        zone_order=zones,
        priority_rule=priority.firing.rules[0],
        recommendations=tuple(_recommended(verdicts)),
        blocked=tuple(_blocked(verdicts)),
    )
    return Assembly(outcome, (priority, *meetings), verdicts)


def ambiguous(table: DecisionTable, customer_id: str, rules: Sequence[int]) -> WrongState:
    """Return the failure of a matrix of which several rows match one customer, and contradict each other."""
    rows = ", ".join(map(str, rules))
    differ = " and do not all give the same" if table.hit_policy is HitPolicy.ANY else ""
    return WrongState(
        f'matrix {table.purpose} "{table.name}" is {table.hit_policy}, but rows {rows} all match customer '
        f"{masked_id(customer_id)}{differ}: narrow the cells of these rows, or make the matrix FIRST",
        subject=f"matrix {table.purpose}",
        reason="ERROR_REASON_MATRIX_AMBIGUOUS",
    )


def _meetings(customer: Customer, compiled: CompiledRules) -> Iterator[Meeting]:
    rules = compiled.rules
    for matrix, table in rules.giving.items():
        if matrix is Purpose.NEW_SERVICE:
            for product in rules.products:
                row = pair_row(customer, rules.catalogue.products[product])
                yield _meet(table, customer, row, compiled.fire[matrix], product)
        else:
            yield _meet(table, customer, customer.fields, compiled.fire[matrix])


def _meet(
    table: DecisionTable, customer: Customer, row: Row, fire: Callable[[Row], Firing], product: str = ""
) -> Meeting:
    firing = fire(row)
    if firing.ambiguous:
        raise ambiguous(table, customer.customer_id, firing.rules)
    return Meeting(table, product, row, firing)


def _finds(customer: Customer, meeting: Meeting, compiled: CompiledRules) -> Iterator[Find]:
    """Yield what the fired rows give; a policy that several rows give counts for the first of them."""
    matrix, seen = Purpose(meeting.table.purpose), set()
    for place, rule in enumerate(meeting.firing.rules):
        for offer in compiled.offers.get((matrix, rule, meeting.product or None), ()):
            if offer.code not in seen:
                seen.add(offer.code)
                yield _find(customer, offer, place, compiled.rules.weighing, by_value=by_value(meeting.table))


def by_value(table: DecisionTable) -> bool:
    """Tell whether what the rows give goes by expected value: in voice usage only where the matrix collects, in no order."""
    return table.purpose == Purpose.NEW_SERVICE or table.hit_policy is HitPolicy.COLLECT


def _find(customer: Customer, offer: Offer, place: int, weighing: Weighing, *, by_value: bool) -> Find:
    need = customer.needs.get(offer.product) if offer.product else None
    terms = Terms(
        policy=offer.policy,
        weighing=weighing,
        worth_fen=offer.worth_fen,
        about_product=offer.product is not None,
        need=need.probability if need else None,
        has=tuple(product for product in offer.kindred if customer.has(product)),
    )
    return Find(
        offer=offer,
        need_level=need.level if need else None,
        terms=terms,
        order=(offer.step, -terms.value_fen if by_value else offer.place + place, offer.code),
        climbs=offer.product is not None and not customer.has(offer.product),
        reason=bar(customer, offer),
    )


def _contactable(fields: Row, *, consent_default: bool) -> bool:
    consent = fields["marketing_consent"]
    return not fields["red_list"] and (consent_default if consent is None else bool(consent))


def _recommended(verdicts: Iterable[Verdict]) -> Iterator[Recommendation]:
    ranks = dict.fromkeys(Zone, 0)
    for verdict in verdicts:
        find, offer = verdict.find, verdict.find.offer
        if verdict.reason is None:
            ranks[offer.zone] += 1
            yield Recommendation(
                zone=offer.zone,
                rank=ranks[offer.zone],
                policy=offer.code,
                policy_group=offer.group,
                product=offer.product,
                need_level=find.need_level,
                rule=offer.rule,
                expected_value_fen=find.terms.value_fen,
                matrix=offer.matrix,
            )


def _blocked(verdicts: Iterable[Verdict]) -> Iterator[Blocked]:
    for verdict in verdicts:
        offer = verdict.find.offer
        if verdict.reason is not None:
            yield Blocked(offer.zone, offer.code, offer.rule, verdict.reason, offer.matrix, verdict.by)
