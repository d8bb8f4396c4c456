"""The rules of one assembly, with all that does not depend on the customer worked out once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.recommendation.domain import Ability, BlockReason, Catalogue, Policy, Zone
from services.recommendation.engine.feel import Row
from services.recommendation.engine.matrix import DecisionTable, Firing, compile_closure


@dataclass(frozen=True, slots=True)
class Rules:
    """What lists are assembled by: three matrices, a catalogue, the day on which policies must be valid, and what
    holds for customers who were never asked for their consent to marketing."""

    priority: DecisionTable
    retention: DecisionTable
    new_service: DecisionTable
    catalogue: Catalogue
    day: date
    consent_default: bool

    @property
    def products(self) -> tuple[str, ...]:
        """The products that the catalogue's policies are about, in order."""
        return tuple(sorted({policy.product for policy in self.catalogue.values() if policy.product}))


@dataclass(frozen=True, slots=True)
class Offer:
    """A policy that a fired rule gives; `barred` where it is blocked for every customer.

    `place` orders the offers of one rule. The margin of an unknown policy is 0.
    """

    rule: int
    place: int
    policy: str
    policy_group: str | None
    product: str | None
    margin_fen: int
    needs: tuple[Ability, ...]
    barred: BlockReason | None


def retention_offers(rules: Rules) -> Iterator[Offer]:
    """Yield for each row the main policy, then the others of its group: higher margin first, then by code."""
    for rule, outputs in row_outputs(rules.retention):
        group, main = outputs.get("policy_group"), outputs.get("main_policy")
        if group is None or main is None:
            continue
        others = [
            policy
            for policy in rules.catalogue.values()
            if policy.zone is Zone.RETENTION and policy.policy_group == group and policy.policy != main
        ]
        ordered = sorted(others, key=lambda policy: (-policy.margin_fen, policy.policy))
        for place, code in enumerate([main, *(policy.policy for policy in ordered)]):
            policy = rules.catalogue.get(code)
            barred = _barred(policy, Zone.RETENTION, rules.day)
            if barred in {None, BlockReason.NOT_VALID} and policy is not None and policy.policy_group != group:
                barred = BlockReason.WRONG_GROUP
            yield _offer(rule, place, code, policy, group=group, product=None, barred=barred)


def new_service_offers(rules: Rules) -> Iterator[Offer]:
    """Yield for each row its policy, once per product."""
    for rule, outputs in row_outputs(rules.new_service):
        code = outputs.get("policy")
        if code is None:
            continue
        policy = rules.catalogue.get(code)
        for product in rules.products:
            barred = _barred(policy, Zone.NEW_SERVICE, rules.day)
            if barred in {None, BlockReason.NOT_VALID} and policy is not None and policy.product != product:
                barred = BlockReason.WRONG_PRODUCT
            yield _offer(rule, 0, code, policy, group=None, product=product, barred=barred)


def _barred(policy: Policy | None, zone: Zone, day: date) -> BlockReason | None:
    if policy is None:
        return BlockReason.UNKNOWN_POLICY
    if policy.zone is not zone:
        return BlockReason.WRONG_ZONE
    return None if policy.valid_on(day) else BlockReason.NOT_VALID


def _offer(
    rule: int,
    place: int,
    code: str,
    policy: Policy | None,
    *,
    group: str | None,
    product: str | None,
    barred: BlockReason | None,
) -> Offer:
    margin, needs = (policy.margin_fen, policy.handset_needs) if policy else (0, ())
    return Offer(rule, place, code, group, product, margin, needs, barred)


def row_outputs(table: DecisionTable) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    """Yield each row's outputs, all of which are texts."""
    for rule in table.rules:
        texts = (None if value is None else str(value) for value in rule.outputs)
        yield rule.id, dict(zip((output.name for output in table.outputs), texts, strict=True))


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """Rules made ready for single customers: offers by row, or by row and product."""

    rules: Rules
    zone_orders: Mapping[int, tuple[Zone, ...]]
    retention: Mapping[int, Sequence[Offer]]
    new_service: Mapping[tuple[int, str], Offer]
    fire_priority: Callable[[Row], Firing]
    fire_retention: Callable[[Row], Firing]
    fire_new_service: Callable[[Row], Firing]

    @classmethod
    def of(cls, rules: Rules) -> "CompiledRules":
        retention: dict[int, list[Offer]] = {}
        for offer in retention_offers(rules):
            retention.setdefault(offer.rule, []).append(offer)
        return cls(
            rules=rules,
            zone_orders={
                rule: (Zone(str(outputs["first"])), Zone(str(outputs["second"])))
                for rule, outputs in row_outputs(rules.priority)
            },
            retention=retention,
            new_service={(offer.rule, str(offer.product)): offer for offer in new_service_offers(rules)},
            fire_priority=compile_closure(rules.priority),
            fire_retention=compile_closure(rules.retention),
            fire_new_service=compile_closure(rules.new_service),
        )
