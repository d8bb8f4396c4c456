"""From values and probabilities to rows of scores: tiers by rank in the city, bands, levels and warnings by its thresholds.

Rules compare the stored, rounded score, never the probability that it came from, so that a list can be checked by hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from services.scoring.domain.rules import FixedTiers, ScoringRules, Thresholds
from services.scoring.engine.features import features_sql

VIEWS: Final = "views"
PREDICTED: Final = "predicted"
CITY_THRESHOLDS: Final = "city_thresholds"
WARNED_BEFORE: Final = "scored_before"
SCORED_ENTERPRISES: Final = "scored_enterprises"
CARRIED: Final = (
    "customer_id",
    "city",
    "limited_history",
    "value",
    "voice_segment",
    "minutes_can_grow",
    "enterprise_id",
    "is_key_person",
)
"""What goes through the models untouched."""

SCORE_UNITS: Final = 10_000
"""Probabilities travel in units of 1/10,000: hundredths of a point of a score."""
_FEW_MONTHS: Final = 3
_NEED: Final = "STRUCT(product VARCHAR, probability DECIMAL(18, 4), level VARCHAR)"


@dataclass(frozen=True, slots=True)
class Standing:
    """SQL over a customer view of what needs no model: value in hundredths, group of call behaviour, whether minutes can grow."""

    value: str
    voice_segment: str
    minutes_can_grow: str


def views_sql(standing: Standing) -> str:
    """Return the query of what is scored: what stands beside the predictions, and what the models see."""
    return f"""
        SELECT
            customer_id,
            city,
            billed_months < {_FEW_MONTHS} AS limited_history,
            {standing.value} AS value,
            {standing.voice_segment} AS voice_segment,
            {standing.minutes_can_grow} AS minutes_can_grow,
            enterprise_id,
            COALESCE(enterprise_role = 'key_person', false) AS is_key_person,
            {features_sql(VIEWS)}
        FROM {VIEWS}
    """


def units(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return probabilities in `SCORE_UNITS`, rounded half up; exact, because a prediction has 24 bits."""
    return np.floor(probabilities * SCORE_UNITS + 0.5).astype(np.int64)


def thresholds_table(cities: Sequence[str], rules: ScoringRules) -> pa.Table:
    """Return one row per city with its thresholds in `SCORE_UNITS`."""
    names = [field.name for field in fields(Thresholds)]
    columns = {name: [_in_units(name, getattr(rules.thresholds_in(city), name)) for city in cities] for name in names}
    types: dict[str, pa.DataType] = {"city": pa.string(), **dict.fromkeys(names, pa.int64())}
    return pa.table({"city": list(cities), **columns}, schema=pa.schema(types))


def nobody_before() -> pa.Table:
    """Return the relation `WARNED_BEFORE` of a first cycle: customer_id and warned, no rows."""
    return pa.table({"customer_id": pa.array([], pa.string()), "warned": pa.array([], pa.bool_())})


def no_enterprises() -> pa.Table:
    """Return the part of `SCORED_ENTERPRISES` that customers see, where enterprises are not scored."""
    text, flag = pa.array([], pa.string()), pa.array([], pa.bool_())
    return pa.table({"enterprise_id": text, "value_tier": text, "warned": flag})


def scores_sql(products: Sequence[str], fixed: FixedTiers) -> tuple[str, Mapping[str, object]]:
    """Return the query of all rows of scores, and its parameters; `products` name the columns need_0, need_1 …"""
    by_product = sorted(range(len(products)), key=lambda i: products[i])
    needs = ", ".join(_need_sql(i) for i in by_product)
    sql = f"""
        SELECT
            customer_id,
            {decimal_sql("value", 2)} AS value,
            value_tier,
            {decimal_sql("stickiness", 2)} AS stickiness,
            CASE WHEN stickiness >= stickiness_high THEN 'high'
                 WHEN stickiness >= stickiness_mid THEN 'mid'
                 ELSE 'none' END AS stickiness_band,
            {decimal_sql("churn_warning", 2)} AS churn_warning,
            warned,
            limited_history,
            CAST([{needs}] AS {_NEED}[]) AS needs,
            {_fixed_tier_sql(fixed)} AS value_tier_fixed,
            voice_segment,
            CASE WHEN warned OR (is_key_person AND COALESCE(enterprise_warned, false)) THEN 'retention'
                 WHEN minutes_can_grow THEN 'voice_stimulation'
                 ELSE 'new_service' END AS strategic_group,
            enterprise_value_tier,
            enterprise_warned,
            warned_before
        FROM ({_joined_sql()})
    """
    return sql, {f"product_{i}": product for i, product in enumerate(products)}


def ranked_sql(relation: str, key: str) -> str:
    """Return the query of a relation with its `value_tier` by rank of `value` inside the city, equal values by `key`.

    Ranks are counted from 0 and times ten, so that shares of the city are whole numbers; a city of one has its best. Equal
    values are told apart only where a tier ends among them: no sort of the base.
    """
    return f"""
        WITH counted AS (
            SELECT city, value, count(*) AS equals,
                CAST(sum(count(*)) OVER (PARTITION BY city ORDER BY value DESC) - count(*) AS BIGINT) AS better,
                CAST(sum(count(*)) OVER (PARTITION BY city) AS BIGINT) AS city_size
            FROM {relation} GROUP BY city, value
        ), divided AS (
            SELECT city, value FROM counted WHERE {_tier_sql("better")} <> {_tier_sql("better + equals - 1")}
        ), placed AS (
            SELECT {key}, row_number() OVER (PARTITION BY city, value ORDER BY {key}) - 1 AS place
            FROM {relation} SEMI JOIN divided USING (city, value)
        )
        SELECT r.*, {_tier_sql("better + COALESCE(place, 0)")} AS value_tier
        FROM {relation} r JOIN counted USING (city, value) LEFT JOIN placed USING ({key})
    """


def decimal_sql(column: str, scale: int) -> str:
    """Shift whole units behind the point; a product of decimals is exact, a quotient would be a float."""
    one = f"CAST({10**-scale:.{scale}f} AS DECIMAL({scale + 1}, {scale}))"
    return f"CAST(CAST({column} AS DECIMAL(18, 0)) * {one} AS DECIMAL(18, {scale}))"


def _joined_sql() -> str:
    stays = "COALESCE(b.warned, false) AND churn_warning >= churn_stays_warned"
    return f"""
        SELECT p.*, t.*,
            churn_warning >= churn_warned OR ({stays}) AS warned,
            b.warned AS warned_before,
            e.value_tier AS enterprise_value_tier,
            e.warned AS enterprise_warned
        FROM ({ranked_sql(PREDICTED, "customer_id")}) p
        JOIN (SELECT * RENAME (city AS threshold_city, enterprise_warned AS enterprise_limit) FROM {CITY_THRESHOLDS}) t
            ON p.city = t.threshold_city
        LEFT JOIN (SELECT customer_id, warned FROM {WARNED_BEFORE}) b ON p.customer_id = b.customer_id
        LEFT JOIN (SELECT enterprise_id, value_tier, warned FROM {SCORED_ENTERPRISES}) e
            ON p.enterprise_id = e.enterprise_id
    """


def _tier_sql(rank: str) -> str:
    return f"""
        CASE WHEN 10 * ({rank}) < city_size THEN 'high'
             WHEN 10 * ({rank}) < 3 * city_size THEN 'mid_high'
             WHEN 10 * ({rank}) < 9 * city_size THEN 'mid'
             ELSE 'low' END
    """


def _fixed_tier_sql(fixed: FixedTiers) -> str:
    high, mid_high, mid = (int(points * 100) for points in (fixed.high, fixed.mid_high, fixed.mid))
    return f"""
        CASE WHEN value >= {high} THEN 'high' WHEN value >= {mid_high} THEN 'mid_high' WHEN value >= {mid} THEN 'mid'
             ELSE 'low' END
    """


def _need_sql(i: int) -> str:
    level = f"""
        CASE WHEN need_{i} >= need_rigid THEN 'rigid'
             WHEN need_{i} >= need_sensitive THEN 'sensitive'
             WHEN need_{i} >= need_ordinary THEN 'ordinary'
             ELSE 'none' END
    """
    return f"{{'product': $product_{i}, 'probability': {decimal_sql(f'need_{i}', 4)}, 'level': {level}}}"


def _in_units(threshold: str, limit: Decimal) -> int:
    """Needs are limited by probability, all else by points of a hundred."""
    return int(limit * (SCORE_UNITS if threshold.startswith("need_") else SCORE_UNITS // 100))
