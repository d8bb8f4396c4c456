"""Enterprises: their value by their own tree, and their early warning by signs, from their view and their members' values."""

from collections.abc import Mapping
from typing import Final

from services.scoring.domain.rules import EnterpriseRules
from services.scoring.engine.scores import CITY_THRESHOLDS, PREDICTED, decimal_sql, ranked_sql
from services.scoring.engine.value import value_sql, weighted_criteria, weighted_signs

ENTERPRISES: Final = "enterprises"
UNRANKED: Final = "unranked_enterprises"

_TREE: Final = "enterprises.value"
_PERCENT_UNITS: Final = 1_000_000
"""Shares are percentages to four digits."""


def enterprise_columns(of_view: Mapping[str, str]) -> Mapping[str, str]:
    """Return the SQL of what criteria and signs may name: numbers of the enterprise view, and what is derived from its members.

    Values are means over members with scores, in points; shares are per hundred of those who are, or were, members.
    """
    return {
        **of_view,
        "key_person_value": "key_person_value",
        "member_value": "member_value",
        "members_left_share": _share_sql("members_left", "(members + members_left)"),
        "complaint_share": _share_sql("CAST(complaints * 10 AS BIGINT)", "(10 * members)"),
    }


def unranked_sql(rules: EnterpriseRules, columns: Mapping[str, str]) -> str:
    """Return the query of value and early warning, in hundredths. Raises InvalidInput for rules that do not fit."""
    value = value_sql(weighted_criteria(rules.value, where=_TREE), columns, where=f"{_TREE}.utilities")
    warning = value_sql(weighted_signs(rules.signs), columns, where="enterprises.signs")
    return f"""
        SELECT enterprise_id, city, {value} AS value, {warning} AS early_warning
        FROM {ENTERPRISES} LEFT JOIN ({_members_sql()}) USING (enterprise_id)
    """


def enterprise_scores_sql() -> str:
    """Return the query of all rows of enterprise scores."""
    return f"""
        SELECT
            enterprise_id,
            city,
            {decimal_sql("value", 2)} AS value,
            value_tier,
            {decimal_sql("early_warning", 2)} AS early_warning,
            early_warning >= enterprise_warned AS warned
        FROM ({ranked_sql(UNRANKED, "enterprise_id")}) JOIN {CITY_THRESHOLDS} USING (city)
    """


def _members_sql() -> str:
    return f"""
        SELECT enterprise_id, {_mean_sql("is_key_person")} AS key_person_value, {_mean_sql("true")} AS member_value
        FROM {PREDICTED} WHERE enterprise_id IS NOT NULL GROUP BY enterprise_id
    """


def _mean_sql(condition: str) -> str:
    """Return the mean value of those who fulfil the condition, in points to the hundredth, rounded half up; null of nobody."""
    total, count = (f"CAST({what} FILTER (WHERE {condition}) AS BIGINT)" for what in ("sum(value)", "count(*)"))
    return decimal_sql(f"(2 * {total} + {count}) // NULLIF(2 * {count}, 0)", 2)


def _share_sql(part: str, whole: str) -> str:
    return decimal_sql(f"(2 * {_PERCENT_UNITS} * CAST({part} AS BIGINT) + {whole}) // NULLIF(2 * {whole}, 0)", 4)
