"""The rules of a province: how its experts weigh value, who belongs to which group, and from where on a score counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in"]
Constant: TypeAlias = bool | int | Decimal | str | tuple[str, ...]


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
    """How a column becomes 0 to 1: a straight line from `nothing_at`, which may be the larger, to `all_at`, flat outside.

    The column is named and measured as in matrices: money in yuan, without `_fen`. Null is 0 where `null_is_nothing`;
    elsewhere it is not known, and the criterion does not count.
    """

    column: str
    nothing_at: Decimal
    all_at: Decimal
    null_is_nothing: bool = False


@dataclass(frozen=True, slots=True)
class ValueRules:
    """The tree of a value score: comparisons whose root is `value`, and utilities by the name of the leaf criterion."""

    comparisons: tuple[Comparison, ...]
    utilities: Mapping[str, Utility]


@dataclass(frozen=True, slots=True)
class FixedTiers:
    """The least points of each tier that is the same in every city; below `mid` is low."""

    high: Decimal
    mid_high: Decimal
    mid: Decimal


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that an enterprise may leave: how strong, 0 to 1, and its weight among the signs."""

    weight: Decimal
    strength: Utility


@dataclass(frozen=True, slots=True)
class EnterpriseRules:
    """How enterprises are scored: their own tree, and the signs of their early warning by name."""

    value: ValueRules
    signs: Mapping[str, Sign]


@dataclass(frozen=True, slots=True)
class Condition:
    """A field of the customer view compared with a constant; with `share_of` its percentage of that other field is compared.

    What is null fulfils no condition, nor does a share of what is not above 0.
    """

    field: str
    operator: Operator
    constant: Constant
    share_of: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A group of customers who fulfil all conditions; without conditions, everybody."""

    name: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a score counts, bound included: points 0-100 for scores, probabilities 0-1 for needs.

    Who was warned before stays so down to `churn_stays_warned`.
    """

    stickiness_high: Decimal
    stickiness_mid: Decimal
    churn_warned: Decimal
    churn_stays_warned: Decimal
    enterprise_warned: Decimal
    need_rigid: Decimal
    need_sensitive: Decimal
    need_ordinary: Decimal


@dataclass(frozen=True, slots=True)
class ScoringRules:
    """A province's settings; `fingerprint` is the hex SHA-256 of the file that they were read from.

    `voice_segments` are tried in their order, and everybody fulfils the last one. Minutes can grow where a group of
    `minutes_can_grow` holds.
    """

    value: ValueRules
    fixed_tiers: FixedTiers
    enterprises: EnterpriseRules
    voice_segments: tuple[Segment, ...]
    minutes_can_grow: tuple[tuple[Condition, ...], ...]
    province: Thresholds
    cities: Mapping[str, Thresholds]
    fingerprint: str

    def thresholds_in(self, city: str) -> Thresholds:
        return self.cities.get(city, self.province)
