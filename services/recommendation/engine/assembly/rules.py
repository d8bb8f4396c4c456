"""The rules of one assembly, with all that does not depend on the customer worked out once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.recommendation.domain import (
    Ability,
    BlockReason,
    Catalogue,
    Policy,
    PolicyKind,
    Product,
    Purpose,
    Tier,
    Zone,
)
from services.recommendation.engine.assembly.terms import UNCHOSEN, Weighing, worth_fen
from services.recommendation.engine.feel import Row, Value, to_predicate
from services.recommendation.engine.feel.syntax import Name, endpoints
from services.recommendation.engine.matrix import Cell, DecisionTable, Firing, compile_closure

ZONE_OF = {
    Purpose.RETENTION: Zone.RETENTION,
    Purpose.NEW_SERVICE: Zone.NEW_SERVICE,
    Purpose.VOICE_USAGE: Zone.VOICE_USAGE,
    Purpose.VPMN: Zone.VOICE_USAGE,
}
"""Where stands what a matrix gives."""
_TIERS = list(Tier)


@dataclass(frozen=True, slots=True)
class Rules:
    """What lists are assembled by: matrices, a catalogue, the day on which policies must be valid, what holds for customers
    who were never asked for their consent to marketing, how many new services are offered at once, and what makes their value."""

    priority: DecisionTable
    retention: DecisionTable
    new_service: DecisionTable
    voice_usage: DecisionTable | None
    vpmn: DecisionTable | None
    catalogue: Catalogue
    day: date
    consent_default: bool
    most_at_once: int
    weighing: Weighing = UNCHOSEN

    @property
    def giving(self) -> Mapping[Purpose, DecisionTable]:
        """The matrices that give policies, in the order in which a customer meets them."""
        tables = {
            Purpose.RETENTION: self.retention,
            Purpose.NEW_SERVICE: self.new_service,
            Purpose.VOICE_USAGE: self.voice_usage,
            Purpose.VPMN: self.vpmn,
        }
        return {purpose: table for purpose, table in tables.items() if table is not None}

    @property
    def products(self) -> tuple[str, ...]:
        """The products that the catalogue's policies are about, in order."""
        return tuple(sorted({policy.product for policy in self.catalogue.policies.values() if policy.product}))


@dataclass(frozen=True, slots=True)
class Offer:
    """A policy that row `rule` of a matrix gives; `barred` where it is blocked for every customer.

    `code` is what the row says, `policy` what the catalogue has under it. `place` orders the offers of one row, `step` comes
    before the value inside the zone: the product's tier, or packs (0) before plans of closed user groups (1). `worth_fen` is what
    its value is made of beside the customer's need, `kindred` are the products whose holders look at this one, too.
    """

    matrix: Purpose
    rule: int
    place: int
    code: str
    policy: Policy | None
    group: str | None
    product: str | None
    step: int
    needs: tuple[Ability, ...]
    needs_internet: bool
    barred: BlockReason | None
    worth_fen: int
    kindred: tuple[str, ...]

    @property
    def zone(self) -> Zone:
        return ZONE_OF[self.matrix]


def offers_of(rules: Rules, matrix: Purpose, table: DecisionTable, product: str | None = None) -> Iterator[Offer]:
    """Yield what each row gives, in order; of the new-service matrix what it gives about `product`."""
    for rule, outputs in row_outputs(table):
        if matrix is Purpose.RETENTION:
            yield from _group_offers(rules, rule, outputs)
        elif (code := outputs.get("policy")) is not None:
            yield _offer(rules.catalogue, rules.day, matrix, rule, code, product=product, weighing=rules.weighing)


def own_offer(policy: Policy, catalogue: Catalogue, day: date, weighing: Weighing, *, rule: int) -> Offer:
    """Return a policy as the catalogue itself has it, given by a row that says nothing else of it."""
    voice = Purpose.VPMN if policy.kind is PolicyKind.VPMN_PLAN else Purpose.VOICE_USAGE
    matrix = {Zone.RETENTION: Purpose.RETENTION, Zone.NEW_SERVICE: Purpose.NEW_SERVICE, Zone.VOICE_USAGE: voice}[
        policy.zone
    ]
    group, product = policy.policy_group or None, policy.product or None
    return _offer(catalogue, day, matrix, rule, policy.policy, group=group, product=product, weighing=weighing)


def _group_offers(rules: Rules, rule: int, outputs: Mapping[str, str | None]) -> Iterator[Offer]:
    """Yield the main policy, then the others of its group: what is worth more first, then by code."""
    group, main = outputs.get("policy_group"), outputs.get("main_policy")
    if group is None or main is None:
        return
    others = [
        policy
        for policy in rules.catalogue.policies.values()
        if policy.zone is Zone.RETENTION and policy.policy_group == group and policy.policy != main
    ]
    ordered = sorted(others, key=lambda policy: (-worth_fen(policy, rules.weighing), policy.policy))
    day, weighing = rules.day, rules.weighing
    for place, code in enumerate([main, *(policy.policy for policy in ordered)]):
        yield _offer(rules.catalogue, day, Purpose.RETENTION, rule, code, place=place, group=group, weighing=weighing)


def _offer(
    catalogue: Catalogue,
    day: date,
    matrix: Purpose,
    rule: int,
    code: str,
    *,
    weighing: Weighing,
    place: int = 0,
    group: str | None = None,
    product: str | None = None,
) -> Offer:
    policy = catalogue.policies.get(code)
    described = [catalogue.products[name] for name in policy.products] if policy else []
    return Offer(
        matrix=matrix,
        rule=rule,
        place=place,
        code=code,
        policy=policy,
        group=group,
        product=product,
        step=_step(matrix, catalogue.products.get(product or "")),
        needs=_needs(policy, described) if policy else (),
        needs_internet=any(each.needs_internet for each in described),
        barred=barred(policy, matrix, group, product, day),
        worth_fen=worth_fen(policy, weighing) if policy else 0,
        kindred=_kindred(catalogue, product) if product and weighing.affinity_percent else (),
    )


def _kindred(catalogue: Catalogue, product: str) -> tuple[str, ...]:
    """Return the products whose holders take this one, too, as the catalogue associates them."""
    return tuple(sorted(code for code, other in catalogue.products.items() if product in other.associated_products))


def _step(matrix: Purpose, product: Product | None) -> int:
    return _TIERS.index(product.tier) if product else int(matrix is Purpose.VPMN)


def _needs(policy: Policy, products: Sequence[Product]) -> tuple[Ability, ...]:
    """Return what the handset must do for the policy and for each product that comes by it."""
    needed = {*policy.handset_needs, *(ability for product in products for ability in product.handset_needs)}
    return tuple(ability for ability in Ability if ability in needed)


def barred(
    policy: Policy | None, matrix: Purpose, group: str | None, product: str | None, day: date
) -> BlockReason | None:
    """Return why nobody gets the policy by this row, the first reason that holds."""
    if policy is None:
        return BlockReason.UNKNOWN_POLICY
    zone = ZONE_OF[matrix]
    bars = {
        BlockReason.WRONG_ZONE: policy.zone is not zone,
        BlockReason.WRONG_MATRIX: zone is Zone.VOICE_USAGE
        and (policy.kind is PolicyKind.VPMN_PLAN) != (matrix is Purpose.VPMN),
        BlockReason.WRONG_GROUP: group is not None and policy.policy_group != group,
        BlockReason.WRONG_PRODUCT: product is not None and policy.product != product,
        BlockReason.NOT_VALID: not policy.valid_on(day),
        BlockReason.DILUTION: policy.zone is not Zone.RETENTION and policy.revenue_change_fen < 0,
    }
    return next((reason for reason, holds in bars.items() if holds), None)


def excludes(one: Offer, other: Offer) -> bool:
    """Tell whether two offers may not stand in one list; those of one policy group are a choice, not neighbours."""
    if one.policy is None or other.policy is None or (one.group is not None and one.group == other.group):
        return False
    return one.code in other.policy.exclusions or other.code in one.policy.exclusions


def brings_twice(one: Offer, other: Offer) -> bool:
    """Tell whether two offers bring one product, at least one of them as a combination: then one of the two is enough."""
    if one.policy is None or other.policy is None:
        return False
    combined = one.policy.combined_products or other.policy.combined_products
    return bool(combined) and not set(one.policy.products).isdisjoint(other.policy.products)


def row_outputs(table: DecisionTable) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    """Yield each row's outputs, all of which are texts."""
    for rule in table.rules:
        texts = (None if value is None else str(value) for value in rule.outputs)
        yield rule.id, dict(zip((output.name for output in table.outputs), texts, strict=True))


def zone_orders(table: DecisionTable) -> Mapping[int, tuple[Zone, ...]]:
    """Return for each row of the priority matrix all zones in order; those that a row leaves out come last."""
    orders = {}
    for rule, outputs in row_outputs(table):
        named = [Zone(zone) for place in ("first", "second", "third") if (zone := outputs.get(place)) is not None]
        orders[rule] = (*named, *(zone for zone in Zone if zone not in named))
    return orders


def about(table: DecisionTable, product: str) -> DecisionTable:
    """Return the new-service matrix without the rows that never match this product: most of them, in a whole catalogue."""
    place = next((place for place, column in enumerate(table.inputs) if column.name == "product"), None)
    if place is None:
        return table
    return replace(table, rules=tuple(rule for rule in table.rules if may_match(rule.cells[place], product)))


def may_match(cell: Cell, value: Value) -> bool:
    """Tell whether a cell may let a value of its column pass, whatever else is known of the customer."""
    by_another_field = any(isinstance(point, Name) for point in endpoints(cell.tests))
    return by_another_field or to_predicate(cell.tests)(value, {})


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """Rules made ready for single customers: offers by matrix, row and product."""

    rules: Rules
    zone_orders: Mapping[int, tuple[Zone, ...]]
    offers: Mapping[tuple[Purpose, int, str | None], Sequence[Offer]]
    fire: Mapping[Purpose, Callable[[Row], Firing]]

    @classmethod
    def of(cls, rules: Rules) -> "CompiledRules":
        offers: dict[tuple[Purpose, int, str | None], list[Offer]] = {}
        for matrix, table in rules.giving.items():
            for product in rules.products if matrix is Purpose.NEW_SERVICE else (None,):
                for offer in offers_of(rules, matrix, table, product):
                    offers.setdefault((matrix, offer.rule, product), []).append(offer)
        fire = {matrix: compile_closure(table) for matrix, table in rules.giving.items()}
        return cls(
            rules=rules,
            zone_orders=zone_orders(rules.priority),
            offers=offers,
            fire={Purpose.PRIORITY: compile_closure(rules.priority), **fire},
        )
