"""The rules of a province: how its experts weigh value, and from where on a score counts, city by city."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Comparison:
    """Pairwise judgements of the criteria under `of`.

    `judgements` are the upper triangle row by row: how many times more important the row's criterion is than the column's.
    """

    of: str
    criteria: tuple[str, ...]
    judgements: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Utility:
    """How a view's column becomes 0 to 1: a straight line from `nothing_at` up to `all_at`, flat outside; null is 0.

    The column is named and measured as in matrices: money in yuan, without `_fen`.
    """

    column: str
    nothing_at: Decimal
    all_at: Decimal


@dataclass(frozen=True, slots=True)
class ValueRules:
    """The tree of the value score: comparisons whose root is `value`, and utilities by the name of the leaf criterion."""

    comparisons: tuple[Comparison, ...]
    utilities: Mapping[str, Utility]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a score counts, bound included: points 0-100 for scores, probabilities 0-1 for needs."""

    stickiness_high: Decimal
    stickiness_mid: Decimal
    churn_warned: Decimal
    need_rigid: Decimal
    need_sensitive: Decimal
    need_ordinary: Decimal


@dataclass(frozen=True, slots=True)
class ScoringRules:
    """A province's settings; `fingerprint` is the hex SHA-256 of the file that they were read from."""

    value: ValueRules
    province: Thresholds
    cities: Mapping[str, Thresholds]
    fingerprint: str

    def thresholds_in(self, city: str) -> Thresholds:
        return self.cities.get(city, self.province)
