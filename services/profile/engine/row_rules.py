"""What is wrong with cells that are well written, but not beside the others of their row."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowRule:
    """`is_broken` is SQL over the typed columns, null or false where all is well; `detail` is SQL of what follows `expected`."""

    column: str
    is_broken: str
    expected: str
    detail: str = "''"


ROW_RULES: Mapping[str, tuple[RowRule, ...]] = {
    "customers": (
        RowRule("left_date", "status = 'left' AND left_date IS NULL", "expected the day on which this customer left"),
        RowRule(
            "left_date",
            "status <> 'left' AND left_date IS NOT NULL",
            "expected nothing",
            "', since the status is ' || status",
        ),
        RowRule(
            "left_date",
            "left_date < activation_date",
            "expected a day not before the activation",
            "' on ' || activation_date",
        ),
        RowRule(
            "birth_year",
            "birth_year > year(activation_date)",
            "expected a year not after the activation",
            "' on ' || activation_date",
        ),
    ),
    "subscriptions": (
        RowRule(
            "cancelled_on", "cancelled_on < ordered_on", "expected a day not before the order", "' on ' || ordered_on"
        ),
        RowRule(
            "trial_ends_on", "trial_ends_on < ordered_on", "expected a day not before the order", "' on ' || ordered_on"
        ),
    ),
}
"""By table, in the order in which they are tried."""
