"""Tiers, bands and levels: by rank in the city, by the city's thresholds, on the stored decimal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.datasets import SCORES
from services.scoring.domain.rules import Thresholds
from services.scoring.engine.scores import (
    CITY_THRESHOLDS,
    PREDICTED,
    SCORED_ENTERPRISES,
    WARNED_BEFORE,
    no_enterprises,
    nobody_before,
    scores_sql,
    thresholds_table,
    units,
)
from services.scoring.settings import SHIPPED_RULES, read_rules
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake

PROVINCE = Thresholds(
    stickiness_high=Decimal(90),
    stickiness_mid=Decimal(70),
    churn_warned=Decimal(32),
    churn_stays_warned=Decimal(24),
    enterprise_warned=Decimal(40),
    need_rigid=Decimal("0.5"),
    need_sensitive=Decimal("0.2"),
    need_ordinary=Decimal("0.05"),
)
OTHER = Thresholds(
    stickiness_high=Decimal(96),
    stickiness_mid=Decimal(85),
    churn_warned=Decimal(16),
    churn_stays_warned=Decimal(12),
    enterprise_warned=Decimal(30),
    need_rigid=Decimal("0.6"),
    need_sensitive=Decimal("0.3"),
    need_ordinary=Decimal("0.1"),
)
RULES = replace(read_rules(SHIPPED_RULES), province=PROVINCE, cities={"芜湖": OTHER})
Row = Mapping[str, object]


def predicted(customer: str, **columns: object) -> Row:
    given: dict[str, object] = {
        "city": "合肥",
        "limited_history": False,
        "value": 0,
        "voice_segment": "silent",
        "minutes_can_grow": False,
        "enterprise_id": "",
        "is_key_person": False,
        "stickiness": 0,
        "churn_warning": 0,
    }
    return {"customer_id": customer, **given, **columns}


def scored(
    folder: Path,
    rows: Sequence[Row],
    *,
    products: Sequence[str] = (),
    before: pa.Table | None = None,
    enterprises: pa.Table | None = None,
) -> dict[str, Row]:
    cities = sorted({str(row["city"]) for row in rows})
    sql, parameters = scores_sql(products, RULES.fixed_tiers)
    with open_engine(Lake(folder)) as engine:
        engine.register_table(PREDICTED, pa.Table.from_pylist([dict(row) for row in rows]))
        engine.register_table(CITY_THRESHOLDS, thresholds_table(cities, RULES))
        engine.register_table(WARNED_BEFORE, nobody_before() if before is None else before)
        engine.register_table(SCORED_ENTERPRISES, no_enterprises() if enterprises is None else enterprises)
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


def test_who_was_warned_before_stays_so_down_to_the_second_threshold_of_the_city(tmp_path: Path) -> None:
    rows = [
        predicted(f"{city} {churn} {was}", city=city, churn_warning=churn)
        for city in ("合肥", "芜湖")
        for churn in (1199, 1200, 2399, 2400)
        for was in ("warned", "calm", "new")
    ]
    known = [str(row["customer_id"]) for row in rows if not str(row["customer_id"]).endswith("new")]
    before = pa.table({"customer_id": known, "warned": [name.endswith("warned") for name in known]})
    found = scored(tmp_path, rows, before=before)
    warned = {name for name, row in found.items() if row["warned"]}
    of_the_other = {f"芜湖 {churn} {was}" for churn in (2399, 2400) for was in ("warned", "calm", "new")}
    assert warned == {"合肥 2400 warned", "芜湖 1200 warned"} | of_the_other
    assert found["合肥 2400 calm"]["warned_before"] is False
    assert found["合肥 2400 new"]["warned_before"] is None


def test_the_strategic_group_is_retention_before_voice_stimulation_before_new_service(tmp_path: Path) -> None:
    enterprises = pa.table({"enterprise_id": ["E1", "E2"], "value_tier": ["high", "low"], "warned": [True, False]})
    rows = [
        predicted("warned", churn_warning=3200, minutes_can_grow=True),
        predicted("key person", enterprise_id="E1", is_key_person=True, minutes_can_grow=True),
        predicted("member", enterprise_id="E1", minutes_can_grow=True),
        predicted("key person elsewhere", enterprise_id="E2", is_key_person=True),
    ]
    found = scored(tmp_path, rows, enterprises=enterprises)
    assert {name: row["strategic_group"] for name, row in found.items()} == {
        "warned": "retention",
        "key person": "retention",
        "member": "voice_stimulation",
        "key person elsewhere": "new_service",
    }
    assert (found["member"]["enterprise_value_tier"], found["member"]["enterprise_warned"]) == ("high", True)
    assert (found["warned"]["enterprise_value_tier"], found["warned"]["enterprise_warned"]) == (None, None)


def test_fixed_tiers_are_the_same_in_every_city(tmp_path: Path) -> None:
    rows = [
        predicted(f"{city}{value}", city=city, value=value)
        for city in ("合肥", "芜湖")
        for value in (7000, 6999, 5500, 5499, 2500, 2499)
    ]
    found = scored(tmp_path, rows)
    tiers = ["high", "mid_high", "mid_high", "mid", "mid", "low"]
    assert [found[str(row["customer_id"])]["value_tier_fixed"] for row in rows] == tiers * 2


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
