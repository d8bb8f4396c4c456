"""From values and probabilities to rows of scores: tiers by rank in the city, bands and levels by the city's thresholds.

Rules compare the stored, rounded score, never the probability that it came from, so that a list can be checked by hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from services.scoring.domain.rules import ScoringRules, Thresholds
from services.scoring.engine.features import COLUMNS

VIEWS = "views"
PREDICTED = "predicted"
CITY_THRESHOLDS = "city_thresholds"
CARRIED = ("customer_id", "city", "limited_history", "value")
"""What goes through the models untouched."""

SCORE_UNITS = 10_000
"""Probabilities travel in units of 1/10,000: hundredths of a point of a score."""
_FEW_MONTHS = 3
_NEED = "STRUCT(product VARCHAR, probability DECIMAL(18, 4), level VARCHAR)"


def views_sql(value_sql: str) -> str:
    """Return the query of what is scored: what the models see, and what stands beside their predictions."""
    limited = f"billed_months < {_FEW_MONTHS} AS limited_history"
    return f"SELECT customer_id, city, {limited}, {value_sql} AS value, {', '.join(COLUMNS)} FROM {VIEWS}"


def units(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return probabilities in `SCORE_UNITS`, rounded half up; exact, because a prediction has 24 bits."""
    return np.floor(probabilities * SCORE_UNITS + 0.5).astype(np.int64)


def thresholds_table(cities: Sequence[str], rules: ScoringRules) -> pa.Table:
    """Return one row per city with its thresholds in `SCORE_UNITS`."""
    names = [field.name for field in fields(Thresholds)]
    columns = {name: [_in_units(name, getattr(rules.thresholds_in(city), name)) for city in cities] for name in names}
    types: dict[str, pa.DataType] = {"city": pa.string(), **dict.fromkeys(names, pa.int64())}
    return pa.table({"city": list(cities), **columns}, schema=pa.schema(types))


def scores_sql(products: Sequence[str]) -> tuple[str, Mapping[str, object]]:
    """Return the query of all rows of scores, and its parameters; `products` name the columns need_0, need_1 …"""
    by_product = sorted(range(len(products)), key=lambda i: products[i])
    needs = ", ".join(_need_sql(i) for i in by_product)
    sql = f"""
        SELECT
            customer_id,
            {_decimal("value", 2)} AS value,
            CASE WHEN ten_ranks < city_size THEN 'high'
                 WHEN ten_ranks < 3 * city_size THEN 'mid_high'
                 WHEN ten_ranks < 9 * city_size THEN 'mid'
                 ELSE 'low' END AS value_tier,
            {_decimal("stickiness", 2)} AS stickiness,
            CASE WHEN stickiness >= stickiness_high THEN 'high'
                 WHEN stickiness >= stickiness_mid THEN 'mid'
                 ELSE 'none' END AS stickiness_band,
            {_decimal("churn_warning", 2)} AS churn_warning,
            churn_warning >= churn_warned AS warned,
            limited_history,
            CAST([{needs}] AS {_NEED}[]) AS needs
        FROM ({_ranked_sql()}) JOIN {CITY_THRESHOLDS} USING (city)
    """
    return sql, {f"product_{i}": product for i, product in enumerate(products)}


def _ranked_sql() -> str:
    """Count ranks from 0 and times ten, so that shares of the city are whole numbers; a city of one has its best."""
    return f"""
        SELECT *,
            10 * (row_number() OVER (PARTITION BY city ORDER BY value DESC, customer_id) - 1) AS ten_ranks,
            count(*) OVER (PARTITION BY city) AS city_size
        FROM {PREDICTED}
    """


def _need_sql(i: int) -> str:
    level = f"""
        CASE WHEN need_{i} >= need_rigid THEN 'rigid'
             WHEN need_{i} >= need_sensitive THEN 'sensitive'
             WHEN need_{i} >= need_ordinary THEN 'ordinary'
             ELSE 'none' END
    """
    return f"{{'product': $product_{i}, 'probability': {_decimal(f'need_{i}', 4)}, 'level': {level}}}"


def _decimal(column: str, scale: int) -> str:
    """Shift whole units behind the point; a product of decimals is exact, a quotient would be a float."""
    return f"CAST(CAST({column} AS DECIMAL(18, 0)) * CAST({10**-scale:.{scale}f} AS DECIMAL({scale + 1}, {scale})) AS DECIMAL(18, {scale}))"


def _in_units(threshold: str, limit: Decimal) -> int:
    """Needs are limited by probability, all else by points of a hundred."""
    return int(limit * (SCORE_UNITS if threshold.startswith("need_") else SCORE_UNITS // 100))
