"""What an offer is expected to be worth with one customer, term by term; integers only, so that everybody counts alike."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from services.recommendation.domain import Policy

PROBABILITY_SCALE = 10_000
"""A need probability has four digits after the point."""
_WEIGHT_SCALE = 100
_PERCENT = 100
MOST_AFFINITY_PERCENT = 200
"""With it a value has 3 x 10^11 fen at most (`catalogue.sheet.MOST_FEN`), which the sort keys of `found` hold."""
_MARGIN_APART_FEN = PROBABILITY_SCALE
"""Stands in for every margin where margins do not count: then each ten-thousandth of need is one fen."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """What values are made of.

    probability, margin, weight: whether the need, the policy's margin and the planner's weight count. affinity_percent: what is
    added where the customer has a product that the catalogue associates with the offered one; 0 adds nothing.
    combinations_once: whether a product that a combination in the list brings may not be offered by another policy beside it.
    """

    probability: bool = True
    margin: bool = True
    weight: bool = True
    affinity_percent: int = 0
    combinations_once: bool = False


UNCHOSEN = Weighing()
"""What values of runs were made of before there was a choice."""


class Factor(StrEnum):
    """The factors of a value."""

    PROBABILITY = "probability"
    MARGIN = "margin"
    WEIGHT = "weight"
    AFFINITY = "affinity"


def worth_fen(policy: Policy, weighing: Weighing) -> int:
    """Return margin x weight in fen, half up, of what counts of them."""
    margin = policy.margin_fen if weighing.margin else _MARGIN_APART_FEN
    weight = int(policy.weight * _WEIGHT_SCALE) if weighing.weight else _WEIGHT_SCALE
    return (margin * weight + _WEIGHT_SCALE // 2) // _WEIGHT_SCALE


def expected_value(probability: Decimal | None, worth: int, *, affinity_percent: int = 0) -> int:
    """Return probability x worth in fen, with what affinity adds, half up; an unknown need is worth nothing yet."""
    if probability is None:
        return 0
    scale = PROBABILITY_SCALE * _PERCENT
    return (int(probability * PROBABILITY_SCALE) * worth * (_PERCENT + affinity_percent) + scale // 2) // scale


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one find. `need` is the probability, None where it is not known or the policy is about no product;
    `has` are the products of the customer that speak for it."""

    policy: Policy | None
    weighing: Weighing
    worth_fen: int
    about_product: bool
    need: Decimal | None
    has: tuple[str, ...]

    @property
    def probability(self) -> Decimal | None:
        """The probability as it counts: 1 where there is no need to ask for, or needs do not count."""
        return self.need if self.about_product and self.weighing.probability else Decimal(1)

    @property
    def margin_fen(self) -> int:
        """The margin as it counts; nothing where the policy is unknown."""
        if self.policy is None:
            return 0
        return self.policy.margin_fen if self.weighing.margin else _MARGIN_APART_FEN

    @property
    def weight(self) -> Decimal:
        """The planner's weight as it counts."""
        return self.policy.weight if self.policy and self.weighing.weight else Decimal(1)

    @property
    def affinity_percent(self) -> int:
        """What is added for the products that speak for it."""
        return self.weighing.affinity_percent if self.has else 0

    @property
    def value_fen(self) -> int:
        """The value that orders the list."""
        return expected_value(self.probability, self.worth_fen, affinity_percent=self.affinity_percent)

    @property
    def factors(self) -> dict[Factor, Fraction]:
        """Each factor as it counts, the margin in fen; their product is the value before it is rounded."""
        return {
            Factor.PROBABILITY: Fraction(self.probability or 0),
            Factor.MARGIN: Fraction(self.margin_fen),
            Factor.WEIGHT: Fraction(self.weight),
            Factor.AFFINITY: Fraction(_PERCENT + self.affinity_percent, _PERCENT),
        }
