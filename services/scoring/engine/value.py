"""Scores of weighed criteria, exact to the hundredth of a point: values by the judgements, early warnings by their signs.

A customer's direct value is the current contribution (return-rate score, ARPU) and its history (contribution rate and ARPU
of the months before); the indirect value is loyalty (tenure) and influence (social, business and group circle). What is not
known of a customer does not count: the weights of the other criteria grow in proportion, so that a full score is 100 points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction

from services.scoring.domain.rules import Sign, Utility, ValueRules
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
    """A criterion of a score: its share in millionths, all of them together one million."""

    name: str
    weight: int
    utility: Utility


def weighted_signs(signs: Mapping[str, Sign]) -> tuple[WeightedCriterion, ...]:
    """Return the signs of an early warning with their shares; their weights are positive."""
    total = sum((Fraction(sign.weight) for sign in signs.values()), Fraction(0))
    units = apportion([Fraction(sign.weight) / total for sign in signs.values()], _WEIGHT_UNITS)
    return tuple(
        WeightedCriterion(name, weight, sign.strength)
        for (name, sign), weight in zip(signs.items(), units, strict=True)
    )


def weighted_criteria(rules: ValueRules, *, where: str = "value") -> tuple[WeightedCriterion, ...]:
    """Return the leaves with their weights. Raises InvalidInput where tree and utilities do not fit together."""
    leaves = leaf_weights(rules.comparisons)
    faults = [Violation(f"{where}.utilities.{name}", "is missing") for name in leaves if name not in rules.utilities]
    faults += [
        Violation(f"{where}.utilities.{name}", "is no criterion without a comparison of its own")
        for name in rules.utilities
        if name not in leaves
    ]
    if faults:
        raise InvalidInput(faults)
    units = apportion(list(leaves.values()), _WEIGHT_UNITS)
    return tuple(
        WeightedCriterion(name, weight, rules.utilities[name]) for name, weight in zip(leaves, units, strict=True)
    )


def value_sql(
    criteria: Sequence[WeightedCriterion], columns: Mapping[str, str], *, where: str = "value.utilities"
) -> str:
    """Return the SQL of the score in hundredths of a point, 0 to 10,000, rounded half up, as BIGINT; 0 if nothing is known.

    `columns` gives the SQL of each column that a criterion may name, in matrix units. Utilities are rounded half up to
    millionths first, so that a person can follow the sum. Raises InvalidInput for a column that there is not, by its place
    under `where`.
    """
    faults = [
        Violation(
            f"{where}.{c.name}.column", f"there is no number '{c.utility.column}'{_near(c.utility.column, columns)}"
        )
        for c in criteria
        if c.utility.column not in columns
    ]
    if faults:
        raise InvalidInput(faults)
    points = " + ".join(f"{c.weight} * {_utility_sql(c.utility, columns[c.utility.column])}" for c in criteria)
    certain = sum(c.weight for c in criteria if c.utility.null_is_nothing)
    known = " + ".join([str(certain), *(_known_sql(c, columns) for c in criteria if not c.utility.null_is_nothing)])
    divisor = f"CAST({known} AS BIGINT) * {_UTILITY_UNITS}"
    return f"COALESCE((2 * ({points}) * {_HUNDREDTHS} + {divisor}) // NULLIF(2 * ({divisor}), 0), 0)"


def apportion(shares: Sequence[Fraction], units: int) -> list[int]:
    """Return whole units in proportion to shares that sum to 1; they sum to `units` (largest remainders, first come first)."""
    exact = [share * units for share in shares]
    whole = [int(share) for share in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: whole[i] - exact[i])
    for i in by_remainder[: units - sum(whole)]:
        whole[i] += 1
    return whole


def _utility_sql(utility: Utility, column: str) -> str:
    low, high = sorted((utility.nothing_at, utility.all_at))
    clamped = f"CAST(GREATEST(LEAST({column}, {_decimal(high)}), {_decimal(low)}) AS DECIMAL(18, 4))"
    nothing = _decimal(utility.nothing_at)
    distance = f"{clamped} - {nothing}" if utility.all_at > utility.nothing_at else f"{nothing} - {clamped}"
    units, span = f"CAST(({distance}) * {_COLUMN_UNITS} AS BIGINT)", int((high - low) * _COLUMN_UNITS)
    # The null is asked for first, because LEAST and GREATEST pass over nulls.
    return f"CASE WHEN {column} IS NULL THEN 0 ELSE (2 * {units} * {_UTILITY_UNITS} + {span}) // {2 * span} END"


def _known_sql(criterion: WeightedCriterion, columns: Mapping[str, str]) -> str:
    return f"CASE WHEN {columns[criterion.utility.column]} IS NULL THEN 0 ELSE {criterion.weight} END"


def _decimal(number: Decimal) -> str:
    return f"CAST({number:f} AS DECIMAL(18, 4))"


def _near(name: str, known: Mapping[str, str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
