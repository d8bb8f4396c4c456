"""What became of each policy that was found: what exactly stood in its way, or behind which other one it stands, and by which term."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.recommendation.domain import BESIDE_OTHERS, REASON_WORDS, BlockReason, Policy, Zone
from services.recommendation.engine.assembly.arbitration import Find, Verdict
from services.recommendation.engine.assembly.customer import Customer
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.assembly.terms import Factor

TIER, PLACE, CODE = "tier", "place", "code"
"""What decides beside the factors of the value: before it, in its stead where the planner's order counts, and behind it."""

_DETAILS: Mapping[BlockReason, Callable[[Policy, Customer, Rules], str]] = {
    BlockReason.WRONG_ZONE: lambda policy, _, __: f"its zone is {policy.zone}",
    BlockReason.WRONG_GROUP: lambda policy, _, __: f"its group is {policy.policy_group}",
    BlockReason.WRONG_PRODUCT: lambda policy, _, __: f"its product is {policy.product}",
    BlockReason.NOT_VALID: lambda policy, _, rules: (
        f"offered from {policy.valid_from} until the day before {policy.valid_until}; the run was of {rules.day}"
    ),
    BlockReason.DILUTION: lambda policy, _, __: f"{policy.revenue_change_fen} fen a month",
    BlockReason.NOT_IN_CITY: lambda policy, _, __: f"offered in {' '.join(policy.cities)}",
    BlockReason.COMBINED_HELD: lambda policy, customer, _: (
        f"has {' '.join(filter(customer.has, policy.combined_products))}"
    ),
    BlockReason.COMBINED_UNNEEDED: lambda policy, customer, _: (
        f"does not need {' '.join(filter(customer.needs_not, policy.combined_products))}"
    ),
    BlockReason.PREREQUISITE: lambda policy, customer, _: (
        f"lacks {' '.join(product for product in policy.prerequisites if not customer.has(product))}"
    ),
    BlockReason.ENOUGH: lambda _, __, rules: f"{rules.most_at_once} at once",
}
"""What reasons leave open, of those that leave something."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict in words of its own.

    `rank` counts the recommended ones of a zone from 1, 0 is blocked; `detail` says what exactly stood in the way; `behind` is
    the recommended find that it stands behind, `lost_by` the term that made it so.
    """

    verdict: Verdict
    rank: int
    detail: str
    by: str
    behind: Find | None
    lost_by: str

    @property
    def words(self) -> str:
        """The reason for people; empty where it is recommended."""
        reason = self.verdict.reason
        return REASON_WORDS[reason].format(by=self.by) if reason else ""


def findings(verdicts: Sequence[Verdict], customer: Customer, rules: Rules) -> Iterator[Finding]:
    """Yield what became of each find, in the order of the list."""
    standing: list[Find] = []
    for verdict in verdicts:
        find, reason = verdict.find, verdict.reason
        before = [other for other in standing if other.offer.zone is find.offer.zone]
        behind = _behind(verdict, standing, before)
        yield Finding(
            verdict=verdict,
            rank=0 if reason else len(before) + 1,
            detail=_detail(find, reason, customer, rules) if reason else "",
            by=verdict.by or (_easier(before) if reason is BlockReason.LADDER else ""),
            behind=behind,
            lost_by=lost_by(find, behind) if behind else "",
        )
        if reason is None:
            standing.append(find)


def lost_by(find: Find, winner: Find) -> str:
    """Return the term by which a find stands behind another one of its zone: of the value's factors the one that is smallest
    beside the winner's."""
    if find.order[0] != winner.order[0]:
        return TIER
    if find.order[1] == winner.order[1]:
        return CODE
    if find.order[1] > 0 or winner.order[1] > 0:  # values are sorted by their negatives
        return PLACE
    ours, theirs = find.terms.factors, winner.terms.factors
    ratios = {factor: ours[factor] / theirs[factor] for factor in Factor if theirs[factor]}
    return min(ratios, key=lambda factor: ratios[factor])


def _behind(verdict: Verdict, standing: Sequence[Find], before: Sequence[Find]) -> Find | None:
    """Return the find of the zone that took the place: the one that bars it, else the last that stands before it."""
    if verdict.reason is not None and verdict.reason not in BESIDE_OTHERS:
        return None
    if verdict.by is not None:
        barring = next(other for other in standing if other.offer.code == verdict.by)
        return barring if barring in before else None
    return before[-1] if before else None


def _easier(before: Sequence[Find]) -> str:
    return next(other.offer.code for other in before if other.climbs)


def _detail(find: Find, reason: BlockReason, customer: Customer, rules: Rules) -> str:
    """Return what the reason leaves open; empty where it says all."""
    tell, policy = _DETAILS.get(reason), find.offer.policy
    return tell(policy, customer, rules) if tell and policy else ""


def tier_of(find: Find, rules: Rules) -> str:
    """Return the step of the ladder on which the offered product stands; empty where it is about none."""
    product = rules.catalogue.products.get(find.offer.product or "")
    return product.tier if product and find.offer.zone is Zone.NEW_SERVICE else ""
