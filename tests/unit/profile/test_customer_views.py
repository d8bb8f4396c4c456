"""Customer views and labels of generated customers: the SQL against plain Python."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import cast

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from services.profile.domain.months import Month
from services.profile.engine.customer_views import fold_middle_tables, statement, view_parameters
from services.profile.engine.parameters import used_by
from shared.lake.engine import ColumnarEngine
from tests.unit.profile import plain_views as plain
from tests.unit.profile.drawn_people import H, M, people
from tests.unit.profile.people_tables import load
from tests.unit.profile.plain_people import Bill, Circle, Person, Row, Talk, Use, is_customer


def views_of(engine: ColumnarEngine, month: Month) -> dict[str, Row]:
    fold_middle_tables(engine, view_parameters(month, extract_month=M))
    return {str(row["customer_id"]): row for row in engine.fetch(statement("customer_view")).to_pylist()}


def rejects_of(engine: ColumnarEngine, month: Month) -> dict[str, str]:
    sql = statement("snapshot_rejects")
    found = engine.fetch(sql, used_by(sql, view_parameters(month, extract_month=M))).to_pylist()
    return {row["customer_id"]: row["reason"] for row in found}


def labels_of(engine: ColumnarEngine, customers: Sequence[str]) -> dict[str, Row]:
    engine.register_table("history_views", pa.table({"customer_id": pa.array(customers, pa.string())}))
    sql = statement("customer_labels")
    found = engine.fetch(sql, used_by(sql, view_parameters(H, extract_month=M))).to_pylist()
    return {row.pop("customer_id"): row for row in found}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(persons=people)
def test_views_and_labels_are_those_of_plain_python(engine: ColumnarEngine, persons: list[Person]) -> None:
    load(engine, persons)
    told = plain.Told.by(persons)
    for month in (M, H):
        found = views_of(engine, month)
        customers = [person for person in persons if is_customer(person, month)]
        others = [person for person in persons if not is_customer(person, month)]
        assert found.keys() == {person.customer_id for person in customers}
        assert rejects_of(engine, month) == {each.customer_id: plain.reject_reason(each, month) for each in others}
        for person in customers:
            lines = plain.owner_lines(persons, person, month)
            expected = plain.view(person, month, is_extract_month=month == M, told=told, lines=lines)
            row = found[person.customer_id]
            assert {name: (row[name], value) for name, value in expected.items() if row[name] != value} == {}
    known = [person for person in persons if is_customer(person, H)]
    assert labels_of(engine, [person.customer_id for person in known]) == {
        person.customer_id: plain.labels(person, H, told) for person in known
    }


OLD = date(2020, 1, 1)
SOMEBODY = Person("somebody", activated=OLD, talks=[Talk(M, 1)], bills=[Bill(M, 1)])
"""Whose rows show that the extracts tell of the last month at all."""


def one_view(engine: ColumnarEngine, person: Person) -> Row:
    load(engine, [person, SOMEBODY])
    return views_of(engine, M)[person.customer_id]


@pytest.mark.parametrize(
    ("minutes_of", "bills_of", "activated", "portrait"),
    [
        ([100, 100, 100, 0], [100, 100, 100, 100], OLD, "silent"),
        ([100, 100, 100, 100], [100, 100, 100, 70], OLD, "warning"),
        ([100, 100, 100, 70], [100, 100, 100, 100], OLD, "warning"),
        ([100, 100, 100, 71], [100, 100, 100, 71], OLD, "active"),
        ([100, 100, 100, 100], [100, 100, 100, 100], OLD, "healthy"),
        ([100, 100, 100, 100], [100, 100, 100, 99], OLD, "active"),
        ([100, 100, 100, 100], [100, 100, 100, 100], date(2025, 10, 31), "healthy"),
        ([100, 100, 100, 100], [100, 100, 100, 100], date(2025, 11, 1), "active"),
        ([None, None, None, 100], [None, None, None, 100], OLD, "active"),
    ],
)
def test_the_portrait_follows_the_rules_of_the_sql(
    engine: ColumnarEngine,
    minutes_of: list[int | None],
    bills_of: list[int | None],
    activated: date,
    portrait: str,
) -> None:
    months = [M.plus(-3), M.plus(-2), M.plus(-1), M]
    person = Person(
        "c1",
        activated=activated,
        talks=[Talk(month, value) for month, value in zip(months, minutes_of, strict=True) if value is not None],
        bills=[Bill(month, value) for month, value in zip(months, bills_of, strict=True) if value is not None],
    )
    assert one_view(engine, person)["portrait"] == portrait


@pytest.mark.parametrize(
    ("ends", "is_running", "months_left"),
    [
        (date(2026, 10, 31), False, None),
        (date(2026, 11, 1), True, 0),
        (date(2026, 11, 29), True, 0),
        (date(2026, 11, 30), True, 1),
        (date(2026, 12, 30), True, 1),
        (date(2027, 10, 31), True, 12),
    ],
)
def test_a_contract_runs_to_the_end_of_its_last_day(
    engine: ColumnarEngine, ends: date, is_running: bool, months_left: int | None
) -> None:
    row = one_view(engine, Person("c1", activated=OLD, contract_class=1, contract_ends=ends))
    assert (row["in_contract"], row["contract_months_left"]) == (is_running, months_left)


@pytest.mark.parametrize(
    ("after", "left", "churned", "stayed"),
    [
        ([80, 80, 80], None, False, True),
        ([80, 79, 80], None, False, False),
        ([200, 200, None], None, False, False),
        ([0, 0, 0], None, True, False),
        ([None, None, None], None, True, False),
        ([0, 0, 1], None, False, False),
        ([90, 90, 90], date(2026, 10, 31), True, False),
        ([90, 90, 90], date(2026, 11, 1), False, True),
    ],
)
def test_labels_tell_who_left_and_who_stayed(
    engine: ColumnarEngine, after: list[int | None], left: date | None, churned: bool, stayed: bool
) -> None:
    before = [Bill(H.plus(-distance), 100) for distance in range(3)]
    later = [Bill(H.plus(number), value) for number, value in enumerate(after, start=1) if value is not None]
    load(engine, [Person("c1", activated=OLD, left=left, bills=[*before, *later]), SOMEBODY])
    assert labels_of(engine, ["c1"]) == {"c1": {"churned": churned, "stayed": stayed, "products_taken": []}}


def test_a_product_in_use_keeps_a_customer_without_minutes_from_being_silent(engine: ColumnarEngine) -> None:
    person = Person("c1", activated=OLD, uses=[Use("ring_back_tone", M, 1)])
    assert one_view(engine, person)["portrait"] == "active"


@pytest.mark.parametrize("products", [2, 16, 17, 40])
def test_products_stand_in_order_of_their_codes_however_many_there_are(engine: ColumnarEngine, products: int) -> None:
    codes = [f"it's_{number:02}" for number in range(products)]
    uses = [Use(code, M, number + 1) for number, code in enumerate(codes)]
    load(engine, [Person("all", OLD, uses=uses[::-1]), Person("one", OLD, uses=uses[-1:]), Person("none", OLD)])
    found = {
        customer: [(product["product"], product["active_days"]) for product in cast("list[Row]", row["products"])]
        for customer, row in views_of(engine, M).items()
    }
    expected = [(code, number + 1) for number, code in enumerate(codes)]
    assert found == {"all": expected, "one": expected[-1:], "none": []}


def test_a_customer_of_whom_nothing_is_known_has_a_view_of_nulls(engine: ColumnarEngine) -> None:
    row = one_view(engine, Person("c1", activated=OLD))
    names = ("age", "arpu_fen", "arpu_before_fen", "return_rate_score", "minutes", "minutes_change", "revenue_change")
    assert {row[name] for name in names} == {None}
    assert (row["billed_months"], row["products"], row["portrait"]) == (0, [], "silent")


def test_a_last_month_that_is_late_for_everybody_warns_of_nobody(engine: ColumnarEngine) -> None:
    months = [M.plus(-2), M.plus(-1)]
    circles = [Circle(month, 9, 10, None) for month in months]
    person = Person(
        "c1",
        activated=OLD,
        talks=[Talk(each, 100) for each in months],
        bills=[Bill(each, 100) for each in months],
        circles=circles,
    )
    load(engine, [person])
    row = views_of(engine, M)["c1"]
    changes = [row[name] for name in ("minutes_change", "revenue_change", "circle_change")]
    assert (changes, row["portrait"]) == ([None, None, None], "active")


def test_a_change_beyond_what_can_be_stored_is_told_as_the_most(engine: ColumnarEngine) -> None:
    months = [M.plus(-3), M.plus(-2), M.plus(-1)]
    talks = [*(Talk(each, 1) for each in months), Talk(M, 99_999_999_999_999)]
    load(engine, [Person("c1", activated=OLD, talks=talks)])
    assert views_of(engine, M)["c1"]["minutes_change"] == plain.MOST_CHANGE


def test_nobody_has_churned_for_want_of_bills(engine: ColumnarEngine) -> None:
    load(engine, [Person("c1", activated=OLD, bills=[Bill(H, 100)])])
    assert labels_of(engine, ["c1"])["c1"]["churned"] is False


def test_the_sql_files_name_no_parameter_that_nobody_binds() -> None:
    known = {**view_parameters(M, extract_month=M), "unknown_from": M.first_day}
    for path in Path(__file__).parents[3].glob("services/profile/engine/sql/*.sql"):
        assert used_by(statement(path.stem), known).keys() <= known.keys()
