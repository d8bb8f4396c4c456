"""Whole files taken in: planted faults are found where they are, and no row is lost."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.profile.domain.source_tables import BILLING, CUSTOMERS, SUBSCRIPTIONS, TRAFFIC, SourceTable
from services.profile.engine.schemas import stored_schema
from services.profile.engine.taken_rows import RowCounts
from shared.lake.engine import ColumnarEngine
from tests.factories.profile import (
    Cells,
    Extracts,
    bill,
    customer,
    heading,
    mapping_of,
    subscription,
    take_files,
    traffic,
)

Reject = tuple[int, str, str, str]
UNKNOWN = "expected a customer of the customers table without a fault"


def know(engine: ColumnarEngine, *customer_ids: str) -> None:
    """Make table `customers` as if these had been taken in."""
    engine.execute(f"CREATE OR REPLACE TABLE customers AS SELECT unnest({list(customer_ids)}) AS customer_id")


def take(engine: ColumnarEngine, folder: Path, table: SourceTable) -> tuple[RowCounts, list[Reject]]:
    taken = take_files(engine, folder, mapping_of(table))
    found = engine.fetch(
        "SELECT place AS line, heading, value, rule || detail AS reason FROM rejects ORDER BY place, position"
    )
    engine.execute(f"CREATE OR REPLACE VIEW accepted AS {taken.accepted.sql}")
    return taken.counts, [tuple(row.values()) for row in found.to_pylist()]


def rejects(engine: ColumnarEngine, folder: Path, table: SourceTable, rows: Sequence[Cells]) -> list[Reject]:
    """Write `rows` as one table and return what is found wrong with it."""
    Extracts(**{table.name: rows}).write(folder)
    counts, found = take(engine, folder, table)
    assert counts == RowCounts(
        len(rows), len(rows) - len({line for line, *_ in found}), len({line for line, *_ in found})
    )
    return found


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        ({"msisdn": "1390000001"}, "msisdn", "expected a mobile number of 11 digits from 13 on"),
        ({"city": ""}, "city", "expected a text of at most 200 characters, found nothing"),
        ({"brand": "联通"}, "brand", "expected one of 全球通, 动感地带, 神州行"),
        ({"activation_date": "2026-02-30"}, "activation_date", "expected a date like 2026-09-14"),
        ({"status": "离网"}, "left_date", "expected the day on which this customer left"),
        ({"left_date": "2026-01-01"}, "left_date", "expected nothing, since the status is active"),
        (
            {"status": "离网", "left_date": "2020-05-16"},
            "left_date",
            "expected a day not before the activation on 2020-05-17",
        ),
        ({"birth_year": "2021"}, "birth_year", "expected a year not after the activation on 2020-05-17"),
        ({"credit_level": "10"}, "credit_level", "expected a whole number from 1 to 9"),
        (
            {"balance": "1.005"},
            "balance",
            "expected an amount in yuan like 12.50, of at most 10 digits before the point",
        ),
        ({"red_list": ""}, "red_list", "expected one of 是, 否, found nothing"),
    ],
)
def test_a_wrong_customer_is_set_aside_alone(
    engine: ColumnarEngine, tmp_path: Path, cells: Mapping[str, str], column: str, reason: str
) -> None:
    rows = [customer("a", msisdn="13900000002"), customer("b", **cells), customer("c", msisdn="13900000003")]
    assert rejects(engine, tmp_path, CUSTOMERS, rows) == [(3, heading(column), rows[1][column], reason)]


def test_several_bad_cells_are_all_told_and_cost_one_row(engine: ColumnarEngine, tmp_path: Path) -> None:
    found = rejects(engine, tmp_path, CUSTOMERS, [customer("a", msisdn="1", brand="x", balance="?")])
    assert [(line, column, value) for line, column, value, _ in found] == [
        (2, heading("msisdn"), "1"),
        (2, heading("brand"), "x"),
        (2, heading("balance"), "?"),
    ]


def test_the_second_row_of_a_key_is_told_where_the_first_is(engine: ColumnarEngine, tmp_path: Path) -> None:
    know(engine, "c1", "c2")
    rows = [bill(month="202609"), bill(), bill("c2"), bill(revenue_total="1.00"), bill()]
    reason = "expected one row per customer_id, month; line 3 has it already"
    assert rejects(engine, tmp_path, BILLING, rows) == [
        (5, heading("customer_id"), "c1", reason),
        (6, heading("customer_id"), "c1", reason),
    ]


def test_a_wrong_row_does_not_shadow_a_sound_one_with_its_key(engine: ColumnarEngine, tmp_path: Path) -> None:
    know(engine, "c1")
    found = rejects(engine, tmp_path, BILLING, [bill(revenue_sms="?"), bill()])
    assert [(line, column) for line, column, *_ in found] == [(2, heading("revenue_sms"))]


def test_a_number_may_be_transferred_between_the_views_month_and_the_extract(
    engine: ColumnarEngine, tmp_path: Path
) -> None:
    rows = [customer("new", activation_date="2026-11-03"), customer("old", status="离网", left_date="2026-11-03")]
    assert rejects(engine, tmp_path, CUSTOMERS, rows) == []


def test_a_number_has_one_holder_and_comes_back_after_they_left(engine: ColumnarEngine, tmp_path: Path) -> None:
    rows = [
        customer("left in time", status="离网", left_date="2026-10-31"),
        customer("holder"),
        customer("left too late", status="离网", left_date="2026-11-01"),
        customer("suspended", status="停机"),
    ]
    reason = "expected one customer who holds this number; line 3 has it already"
    assert rejects(engine, tmp_path, CUSTOMERS, rows) == [
        (4, heading("msisdn"), "13900000001", reason),
        (5, heading("msisdn"), "13900000001", reason),
    ]


@pytest.mark.parametrize(
    ("month", "is_known"), [("202601", False), ("202602", True), ("202610", True), ("202611", False)]
)
def test_only_the_nine_months_before_the_cycle_are_taken(
    engine: ColumnarEngine, tmp_path: Path, month: str, is_known: bool
) -> None:
    know(engine, "c1")
    found = rejects(engine, tmp_path, TRAFFIC, [traffic(month=month)])
    expected = (2, heading("month"), month, "expected a month like 202609, from 202602 to 202610")
    assert found == ([] if is_known else [expected])


def test_rows_of_nobody_are_set_aside(engine: ColumnarEngine, tmp_path: Path) -> None:
    know(engine, "c1")
    rows = [traffic(), traffic("stranger"), traffic(month="202609")]
    assert rejects(engine, tmp_path, TRAFFIC, rows) == [(3, heading("customer_id"), "stranger", UNKNOWN)]


def test_a_cancellation_does_not_precede_its_order(engine: ColumnarEngine, tmp_path: Path) -> None:
    know(engine, "c1")
    found = rejects(engine, tmp_path, SUBSCRIPTIONS, [subscription(cancelled_on="2026-01-14")])
    reason = "expected a day not before the order on 2026-01-15"
    assert found == [(2, heading("cancelled_on"), "2026-01-14", reason)]


def test_rows_with_too_few_fields_or_a_stray_quotation_mark_cost_themselves(
    engine: ColumnarEngine, tmp_path: Path
) -> None:
    know(engine, "c1")
    Extracts(traffic=[traffic(month="202608"), traffic(month="202609")]).write(tmp_path)
    path = tmp_path / "traffic.csv"
    headings, *lines = path.read_text().splitlines()
    path.write_text("\n".join([headings, lines[0], "c1,202609", '"c1,202607,1,1,1,1', "", lines[1]]))
    counts, found = take(engine, tmp_path, TRAFFIC)
    assert counts == RowCounts(read=4, accepted=2, rejected=2)
    assert [(line, column, value) for line, column, value, _ in found] == [
        (3, "", "c1,202609"),
        (4, "", '"c1,202607,1,1,1,1'),
    ]


def test_accepted_rows_are_exact_in_the_stored_types(engine: ColumnarEngine, tmp_path: Path) -> None:
    know(engine, "c1")
    assert rejects(engine, tmp_path, BILLING, [bill(revenue_total="9999999999.99", arrears="-0.01")]) == []
    (row,) = engine.fetch("SELECT * FROM accepted").to_pylist()
    assert (row["month"], row["revenue_total_fen"], row["arrears_fen"]) == ("2026-10", 999_999_999_999, -1)
    assert {*stored_schema(BILLING).names, "place"} == row.keys()


junk = st.sampled_from(
    ["", "c1", "c2", "stranger", "202610", "202609", "201101", "12.5", "-1", "x", '"', '"a"', "a,b", "\xa0"]
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.one_of(st.lists(junk, min_size=6, max_size=6), st.lists(junk, max_size=8)), max_size=12))
def test_each_row_is_accepted_or_rejected_and_none_is_both(
    engine: ColumnarEngine, tmp_path: Path, lines: list[list[str]]
) -> None:
    know(engine, "c1", "c2")
    Extracts(traffic=[]).write(tmp_path)
    with (tmp_path / "traffic.csv").open("a") as file:
        file.writelines(",".join(line) + "\n" for line in lines)
    counts, found = take(engine, tmp_path, TRAFFIC)
    numbers = [number for number, line in enumerate(lines, start=2) if ",".join(line)]
    accepted = [int(row["line"]) for row in engine.fetch("SELECT place AS line FROM accepted").to_pylist()]
    assert sorted([*accepted, *{line for line, *_ in found}]) == numbers
    assert counts == RowCounts(len(numbers), len(accepted), len(numbers) - len(accepted))
    assert len(found) == len({(line, column) for line, column, *_ in found})
