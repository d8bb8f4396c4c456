"""Tiers, bands and levels: by rank in the city, by the city's thresholds, on the stored decimal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.datasets import SCORES
from services.scoring.domain.rules import ScoringRules, Thresholds, ValueRules
from services.scoring.engine.scores import CITY_THRESHOLDS, PREDICTED, scores_sql, thresholds_table, units
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake

PROVINCE = Thresholds(
    stickiness_high=Decimal(90),
    stickiness_mid=Decimal(70),
    churn_warned=Decimal(32),
    need_rigid=Decimal("0.5"),
    need_sensitive=Decimal("0.2"),
    need_ordinary=Decimal("0.05"),
)
OTHER = Thresholds(
    stickiness_high=Decimal(96),
    stickiness_mid=Decimal(85),
    churn_warned=Decimal(16),
    need_rigid=Decimal("0.6"),
    need_sensitive=Decimal("0.3"),
    need_ordinary=Decimal("0.1"),
)
RULES = ScoringRules(ValueRules((), {}), PROVINCE, {"芜湖": OTHER}, fingerprint="")
Row = Mapping[str, object]


def predicted(customer: str, **columns: object) -> Row:
    given: dict[str, object] = {
        "city": "合肥",
        "limited_history": False,
        "value": 0,
        "stickiness": 0,
        "churn_warning": 0,
    }
    return {"customer_id": customer, **given, **columns}


def scored(folder: Path, rows: Sequence[Row], *, products: Sequence[str] = ()) -> dict[str, Row]:
    table = pa.Table.from_pylist([dict(row) for row in rows])
    cities = sorted({str(row["city"]) for row in rows})
    sql, parameters = scores_sql(products)
    with open_engine(Lake(folder)) as engine:
        engine.register_table(PREDICTED, table)
        engine.register_table(CITY_THRESHOLDS, thresholds_table(cities, RULES))
        path = folder / "scores.parquet"
        engine.write(sql, path, schema=SCORES, order_by=["customer_id"], parameters=parameters)
    return {str(row["customer_id"]): row for row in pq.read_table(path).to_pylist()}


def tiers(folder: Path, sizes: Mapping[str, int]) -> dict[str, list[str]]:
    """Score cities of so many customers, each a point better than the one before; tiers from the best down."""
    rows = [predicted(f"{city}{i:04d}", city=city, value=i) for city, size in sizes.items() for i in range(size)]
    found = scored(folder, rows)
    return {
        city: [str(found[f"{city}{i:04d}"]["value_tier"]) for i in reversed(range(size))]
        for city, size in sizes.items()
    }


def test_tiers_are_shares_of_each_city_by_rank(tmp_path: Path) -> None:
    found = tiers(tmp_path, {"合肥": 200, "芜湖": 10, "黄山": 1})
    assert Counter(found["合肥"]) == {"high": 20, "mid_high": 40, "mid": 120, "low": 20}
    assert found["合肥"] == sorted(found["合肥"], key=["high", "mid_high", "mid", "low"].index)
    assert found["芜湖"] == ["high", "mid_high", "mid_high", *["mid"] * 6, "low"]
    assert found["黄山"] == ["high"]


def test_equal_values_are_ranked_by_customer_id(tmp_path: Path) -> None:
    found = scored(tmp_path, [predicted(f"C{i:02d}", value=500) for i in reversed(range(10))])
    assert found["C00"]["value_tier"] == "high"
    assert found["C09"]["value_tier"] == "low"


@pytest.mark.parametrize(
    ("city", "stickiness", "band"),
    [
        ("合肥", 9000, "high"),
        ("合肥", 8999, "mid"),
        ("合肥", 7000, "mid"),
        ("合肥", 6999, "none"),
        ("芜湖", 9000, "mid"),
        ("芜湖", 9600, "high"),
        ("芜湖", 8499, "none"),
    ],
)
def test_bands_follow_the_thresholds_of_the_city(tmp_path: Path, city: str, stickiness: int, band: str) -> None:
    found = scored(tmp_path, [predicted("C", city=city, stickiness=stickiness)])
    assert found["C"]["stickiness_band"] == band
    assert found["C"]["stickiness"] == Decimal(stickiness) / 100


def test_churn_is_warned_of_from_the_threshold_of_the_city_on(tmp_path: Path) -> None:
    rows = [
        predicted(f"{city}{churn}", city=city, churn_warning=churn)
        for city in ("合肥", "芜湖")
        for churn in (1599, 1600, 3199, 3200)
    ]
    warned = [name for name, row in scored(tmp_path, rows).items() if row["warned"]]
    assert sorted(warned) == sorted(["合肥3200", "芜湖1600", "芜湖3199", "芜湖3200"])


def test_needs_are_by_product_with_the_level_of_the_stored_probability(tmp_path: Path) -> None:
    rows = [predicted("C", need_0=5000, need_1=499), predicted("D", need_0=1999, need_1=500)]
    found = scored(tmp_path, rows, products=["ring_back_tone", "mobile_newspaper"])
    assert found["C"]["needs"] == [
        {"product": "mobile_newspaper", "probability": Decimal("0.0499"), "level": "none"},
        {"product": "ring_back_tone", "probability": Decimal("0.5000"), "level": "rigid"},
    ]
    levels = [need["level"] for need in found["D"]["needs"]]  # type: ignore[attr-defined]  # a list of records
    assert levels == ["ordinary", "ordinary"]


def test_without_need_models_there_are_no_needs(tmp_path: Path) -> None:
    assert scored(tmp_path, [predicted("C")])["C"]["needs"] == []


@given(st.floats(0, 1, width=32))
def test_probabilities_are_rounded_half_up_to_ten_thousandths(probability: float) -> None:
    exact = (Decimal(probability) * 10_000 + Decimal("0.5")).__floor__()
    assert units(np.array([probability], dtype=np.float32).astype(np.float64))[0] == exact
