"""Enterprises: value by their own tree, early warning by weighted signs, tiers and warnings by city."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from visavis.profile.v1.customer_view_pb2 import EnterpriseView

from services.scoring.datasets import ENTERPRISE_SCORES, enterprise_number_columns
from services.scoring.domain.rules import Comparison, EnterpriseRules, Sign, Utility, ValueRules
from services.scoring.engine.enterprises import (
    ENTERPRISES,
    UNRANKED,
    enterprise_columns,
    enterprise_scores_sql,
    unranked_sql,
)
from services.scoring.engine.scores import CITY_THRESHOLDS, PREDICTED, thresholds_table
from services.scoring.settings import SHIPPED_RULES, read_rules
from shared.errors import InvalidInput
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.lake.schema import arrow_schema

SHIPPED = read_rules(SHIPPED_RULES)
COLUMNS = enterprise_columns(enterprise_number_columns())
TREE = ValueRules(
    (Comparison("value", ("persons", "credit"), (3.0,)),),
    {
        "persons": Utility("key_person_value", Decimal(0), Decimal(100)),
        "credit": Utility("credit_level", Decimal(1), Decimal(9)),
    },
)
SIGNS = {
    "left": Sign(Decimal(3), Utility("members_left_share", Decimal(0), Decimal(20))),
    "contract": Sign(Decimal(1), Utility("contract_months_left", Decimal(6), Decimal(0))),
}
RULES = EnterpriseRules(TREE, SIGNS)
Row = dict[str, object]


def enterprise(name: str, **columns: object) -> Row:
    row: Row = {"enterprise_id": name, "city": "合肥", "members": 8, "members_left": 0, "key_persons": 1}
    zero: Row = {"revenue_fen": 0, "vpmn_share": Decimal(0), "complaints": Decimal(0)}
    return {**row, **zero, **columns}


def member(of: str, value: int, *, key: bool = False) -> Row:
    return {"enterprise_id": of, "value": value, "is_key_person": key}


def scored(
    folder: Path, rows: Sequence[Row], members: Sequence[Row], *, rules: EnterpriseRules = RULES
) -> dict[str, Row]:
    schema = arrow_schema(EnterpriseView.DESCRIPTOR)
    path = folder / "enterprises.parquet"
    with open_engine(Lake(folder)) as engine:
        engine.register_table(ENTERPRISES, pa.Table.from_pylist(list(rows), schema=schema))
        engine.register_table(PREDICTED, pa.Table.from_pylist(list(members)))
        engine.register_table(CITY_THRESHOLDS, thresholds_table(["合肥"], SHIPPED))
        engine.execute(f"CREATE TABLE {UNRANKED} AS {unranked_sql(rules, COLUMNS)}")
        engine.write(enterprise_scores_sql(), path, schema=ENTERPRISE_SCORES, order_by=["enterprise_id"])
    return {str(row["enterprise_id"]): row for row in pq.read_table(path).to_pylist()}


def test_value_is_that_of_the_key_persons_and_of_the_enterprise(tmp_path: Path) -> None:
    rows = [enterprise("E1", credit_level=5), enterprise("E2", credit_level=9), enterprise("E3")]
    members = [member("E1", 8_000, key=True), member("E1", 7_001, key=True), member("E1", 100), member("E2", 9_000)]
    found = scored(tmp_path, rows, members)
    assert found["E1"]["value"] == Decimal("68.76"), "three quarters of 75.01 (a mean of 75.005), a quarter of 50"
    assert found["E2"]["value"] == 100, "without key persons only the credit counts"
    assert found["E3"]["value"] == 0, "of which nothing is known"


def test_an_early_warning_weighs_the_signs_that_are_known(tmp_path: Path) -> None:
    rows = [
        enterprise("E1", members_left=2, contract_months_left=3),
        enterprise("E2", members_left=2),
        enterprise("E3", members_left=0, contract_months_left=0),
        enterprise("E4", members=0),
    ]
    found = scored(tmp_path, rows, [member("E1", 0)])
    assert [row["early_warning"] for row in found.values()] == [Decimal("87.50"), 100, 25, 0]
    assert [row["warned"] for row in found.values()] == [True, True, False, False]


def test_tiers_are_by_rank_in_the_city(tmp_path: Path) -> None:
    rows = [enterprise(f"E{i}", credit_level=9 - i // 2) for i in range(10)]  # E0 and E1 are equal
    found = scored(tmp_path, rows, [member("E1", 0)])
    assert [row["value_tier"] for row in found.values()] == ["high", "mid_high", "mid_high", *["mid"] * 6, "low"]


def test_the_shipped_rules_warn_of_an_enterprise_that_goes_to_pieces_and_of_no_healthy_one(tmp_path: Path) -> None:
    falling = {"revenue_change": Decimal(-30), "minutes_change": Decimal(-30), "members_left": 1, "complaints": 2}
    healthy = {"revenue_change": Decimal(2), "minutes_change": Decimal(-3), "contract_months_left": 18}
    rows = [enterprise("bad", **falling), enterprise("good", **healthy, vpmn_share=Decimal(60))]
    found = scored(tmp_path, rows, [member("bad", 0)], rules=SHIPPED.enterprises)
    assert {name: row["warned"] for name, row in found.items()} == {"bad": True, "good": False}


def test_a_sign_of_a_column_that_there_is_not_is_named() -> None:
    rules = EnterpriseRules(TREE, {"mood": Sign(Decimal(1), Utility("revenue_chang", Decimal(0), Decimal(1)))})
    with pytest.raises(InvalidInput, match=r"enterprises\.signs\.mood\.column: .* did you mean 'revenue_change'"):
        unranked_sql(rules, COLUMNS)
