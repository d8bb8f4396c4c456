"""What is known of one customer when lists are assembled, and what the matrices see of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.recommendation.domain import Arm, Product
from services.recommendation.engine.feel import Row
from services.recommendation.engine.matrix import DecisionTable, Firing

NOT_SCORED = "the scoring run has no scores of the customer"
NO_ARM = "the control group has no arm of the customer"
NO_PRIORITY = "no row of matrix priority matches"
POTENTIAL = "potential"


@dataclass(frozen=True, slots=True)
class Holding:
    """Where the customer stands with one product; no holding means potential."""

    state: str
    provisioned: bool
    cause: str | None = None
    active_days: int | None = None
    months_held: int | None = None
    content_age_months: int | None = None


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

    def state(self, product: str) -> str:
        """Return where the customer stands with a product."""
        holding = self.holdings.get(product)
        return holding.state if holding else POTENTIAL

    def has(self, product: str) -> bool:
        """Tell whether the customer has a product, used or not."""
        return self.state(product) not in NOT_HELD

    def needs_not(self, product: str) -> bool:
        """Tell whether a product is known not to be needed."""
        need = self.needs.get(product)
        return need is not None and need.level == NEED_NONE


NOT_HELD = (POTENTIAL, "cancelled")
"""The states of who does not have a product: what is sold to them goes up the ladder."""
NEED_NONE = "none"


@dataclass(frozen=True, slots=True)
class Meeting:
    """How one matrix met the customer: the row it saw and what fired; `product` where the grain has one."""

    table: DecisionTable
    product: str
    row: Row
    firing: Firing


def pair_row(customer: Customer, product: Product) -> Row:
    """Return what the new-service matrix sees of a customer and a product (`rulebook.PAIR_FIELDS`)."""
    need, holding = customer.needs.get(product.product), customer.holdings.get(product.product)
    return {
        **customer.fields,
        "product": product.product,
        "product_class": product.product_class,
        "product_tier": product.tier,
        "product_state": customer.state(product.product),
        "product_cause": holding.cause if holding else None,
        "product_active_days": holding.active_days if holding else None,
        "product_months_held": holding.months_held if holding else None,
        "product_content_age_months": holding.content_age_months if holding else None,
        "need_level": need.level if need else None,
        "need_probability": need.probability if need else None,
    }
