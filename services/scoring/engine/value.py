"""The value score: each criterion's utility weighed by the judgements, exact to the hundredth of a point.

Direct value counts by current contribution (return-rate score, ARPU) and its history (ARPU of the months before), indirect
value by loyalty (tenure). The influence of the circle, the other part of indirect value, is not in the customer view
yet, so that it does not count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from services.scoring.domain.rules import Utility, ValueRules
from services.scoring.engine.ahp import leaf_weights
from shared.errors import InvalidInput, Violation

_WEIGHT_UNITS = 1_000_000
_UTILITY_UNITS = 1_000_000
_COLUMN_UNITS = 10_000
"""Columns are compared to four digits after the point."""
_HUNDREDTHS = 10_000
"""A full score, 100 points, in the units of the result."""


@dataclass(frozen=True, slots=True)
class WeightedCriterion:
    """A leaf of the tree: its share of the value in millionths, all of them together one million."""

    name: str
    weight: int
    utility: Utility


def weighted_criteria(rules: ValueRules) -> tuple[WeightedCriterion, ...]:
    """Return the leaves with their weights. Raises InvalidInput where tree and utilities do not fit together."""
    leaves = leaf_weights(rules.comparisons)
    faults = [Violation(f"value.utilities.{name}", "is missing") for name in leaves if name not in rules.utilities]
    faults += [
        Violation(f"value.utilities.{name}", "is no criterion without a comparison of its own")
        for name in rules.utilities
        if name not in leaves
    ]
    if faults:
        raise InvalidInput(faults)
    units = apportion(list(leaves.values()), _WEIGHT_UNITS)
    return tuple(
        WeightedCriterion(name, weight, rules.utilities[name]) for name, weight in zip(leaves, units, strict=True)
    )


def value_sql(criteria: Sequence[WeightedCriterion], columns: Mapping[str, str]) -> str:
    """Return the SQL of the value in hundredths of a point, 0 to 10,000, rounded half up, as BIGINT.

    `columns` gives the SQL of each column that a criterion may name, in matrix units. Utilities are rounded half up to
    millionths first, so that a person can follow the sum. Raises InvalidInput for a column that there is not.
    """
    faults = [
        Violation(f"value.utilities.{c.name}.column", f"{c.utility.column} is no number of the customer view")
        for c in criteria
        if c.utility.column not in columns
    ]
    if faults:
        raise InvalidInput(faults)
    total = " + ".join(f"{c.weight} * {_utility_sql(c.utility, columns[c.utility.column])}" for c in criteria)
    return _rounded_quotient(f"({total}) * {_HUNDREDTHS}", _WEIGHT_UNITS * _UTILITY_UNITS)


def apportion(shares: Sequence[Fraction], units: int) -> list[int]:
    """Return whole units in proportion to shares that sum to 1; they sum to `units` (largest remainders, first come first)."""
    exact = [share * units for share in shares]
    whole = [int(share) for share in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: whole[i] - exact[i])
    for i in by_remainder[: units - sum(whole)]:
        whole[i] += 1
    return whole


def _utility_sql(utility: Utility, column: str) -> str:
    span = _column_units(utility.all_at - utility.nothing_at)
    above = f"CAST(CAST({column} AS DECIMAL(38, 4)) * {_COLUMN_UNITS} AS HUGEINT) - {_column_units(utility.nothing_at)}"
    clamped = f"LEAST(GREATEST({above}, 0), {span})"
    return f"COALESCE({_rounded_quotient(f'{clamped} * {_UTILITY_UNITS}', span)}, 0)"


def _rounded_quotient(dividend: str, divisor: int) -> str:
    """Divide whole numbers that are not negative, and round half up."""
    return f"CAST((2 * ({dividend}) + {divisor}) // {2 * divisor} AS BIGINT)"


def _column_units(number: Decimal) -> int:
    return int(number * _COLUMN_UNITS)
