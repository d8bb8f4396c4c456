"""Enterprises, memberships, what products need, outcomes that are known; and that earlier views know nothing of later months."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from services.profile.domain.months import Month
from services.profile.domain.product_needs import needs_violations, product_needs
from services.profile.engine.customer_views import EVERYBODY, fold_middle_tables, keep_drawn, statement, view_parameters
from services.profile.engine.parameters import used_by
from shared.lake.engine import ColumnarEngine
from tests.unit.profile.drawn_people import H, M, people
from tests.unit.profile.people_tables import MAPPING, load
from tests.unit.profile.plain_people import Bill, Case, Circle, Person, Row, Talk

OLD = date(2020, 1, 1)
AFTER_H = H.plus(1).first_day


def views(engine: ColumnarEngine, month: Month = M) -> dict[str, Row]:
    fold_middle_tables(engine, view_parameters(month, extract_month=M))
    return {row["customer_id"]: row for row in engine.fetch(statement("customer_view")).to_pylist()}


def without_later_rows(person: Person) -> Person:
    """Drop all that happened after month H; attributes known as of today only stay."""
    return replace(
        person,
        left=person.left if person.left and person.left < AFTER_H else None,
        bills=[bill for bill in person.bills if bill.month <= H],
        talks=[talk for talk in person.talks if talk.month <= H],
        circles=[circle for circle in person.circles if circle.month <= H],
        uses=[
            replace(use, changed=use.changed if use.changed and use.changed < AFTER_H else None)
            for use in person.uses
            if use.month <= H
        ],
        orders=[
            replace(
                order,
                cancelled=order.cancelled if order.cancelled and order.cancelled < AFTER_H else None,
            )
            for order in person.orders
            if order.ordered < AFTER_H
        ],
        cases=[case for case in person.cases if case.reported < AFTER_H],
        offers=[offer for offer in person.offers if offer.contacted < AFTER_H],
        surveys=[survey for survey in person.surveys if survey.answered < AFTER_H],
        copied={**person.copied, "balance_fen": 7, "handset_days": 7, "referrals": 7},
    )


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(persons=people)
def test_nothing_of_later_months_enters_earlier_views(engine: ColumnarEngine, persons: list[Person]) -> None:
    come_by_then = [person for person in persons if person.activated < AFTER_H]
    # Who comes later has no month before: one would say that the extract tells of that month.
    come_later = [
        replace(person, bills=[], talks=[], circles=[], uses=[]) for person in persons if person.activated >= AFTER_H
    ]
    load(engine, [*come_by_then, *come_later])
    whole = views(engine, H)
    load(engine, [without_later_rows(person) for person in come_by_then])
    assert views(engine, H) == whole


def test_a_view_of_one_month_takes_changes_from_the_source(engine: ColumnarEngine) -> None:
    person = Person(
        "c1",
        OLD,
        bills=[Bill(M, 100, change=Decimal("-31.25"))],
        talks=[Talk(M, 100, change=Decimal("12.04"))],
    )
    load(engine, [person])
    row = views(engine)["c1"]
    names = ("minutes_change", "revenue_change", "portrait", "silent_months", "billed_months")
    assert [row[name] for name in names] == [Decimal("12.0"), Decimal("-31.3"), "warning", 0, 1]


def test_a_customer_shows_manager_and_enterprise(engine: ColumnarEngine) -> None:
    others: dict[str, list[Row]] = {
        "vip_customers": [{"customer_id": "c1", "vip_level": 3, "customer_manager": "王"}],
        "enterprise_members": [{"customer_id": "c2", "enterprise_id": "e1", "role": "key_person"}],
        "enterprises": [
            {"enterprise_id": "e1", "industry": "港口", "employees": 40, "contract_end_date": date(2027, 1, 30)}
        ],
    }
    load(engine, [Person("c1", OLD), Person("c2", OLD)], others)
    found = views(engine)
    assert (found["c1"]["vip_level"], found["c1"]["customer_manager"], found["c1"]["enterprise_id"]) == (3, "王", None)
    names = ("enterprise_id", "enterprise_role", "enterprise_industry", "enterprise_employees")
    assert [found["c2"][name] for name in names] == ["e1", "key_person", "港口", 40]
    assert (found["c2"]["enterprise_contract_months_left"], found["c2"]["vip_level"]) == (2, None)


def test_an_enterprise_is_the_sum_of_its_members(engine: ColumnarEngine) -> None:
    members = [
        Person(
            "c1",
            OLD,
            copied={"city": "合肥"},
            bills=[Bill(M.plus(-1), 100), Bill(M.plus(-2), 300), Bill(M, 100)],
            talks=[Talk(M, 500, {"vpmn_minutes": 1}), Talk(M.plus(-1), 1000)],
            cases=[Case(date(2026, 8, 1), "complaint"), Case(date(2026, 7, 31), "complaint")],
        ),
        Person("c2", OLD, copied={"city": "芜湖"}, bills=[Bill(M, 50)]),
        Person("c3", OLD, copied={"city": "芜湖"}, circles=[Circle(M, 3, 10, 1)]),
        Person("gone", OLD, left=date(2026, 8, 1)),
        Person("long gone", OLD, left=date(2026, 7, 31)),
        Person("other", OLD, bills=[Bill(M, 10**6)]),
    ]
    others: dict[str, list[Row]] = {
        "enterprise_members": [
            {"customer_id": person.customer_id, "enterprise_id": "e1", "role": "key_person" if number else "member"}
            for number, person in enumerate(members[:-1])
        ],
        "enterprises": [
            {"enterprise_id": "e1", "signed_on": date(2024, 10, 2), "credit_level": 4},
            {"enterprise_id": "e2", "city": "合肥", "contract_end_date": date(2026, 10, 31)},
            {"enterprise_id": "nowhere"},
        ],
    }
    load(engine, members, others)
    fold_middle_tables(engine, view_parameters(M, extract_month=M))
    sql = statement("enterprise_view")
    parameters = used_by(sql, view_parameters(M, extract_month=M))
    rows = {row["enterprise_id"]: row for row in engine.fetch(sql, parameters).to_pylist()}
    assert rows.keys() == {"e1", "e2"}
    assert {name: value for name, value in rows["e1"].items() if value is not None} == {
        "enterprise_id": "e1",
        "city": "芜湖",
        "credit_level": 4,
        "tenure_months": 24,
        "members": 3,
        "members_left": 1,
        "key_persons": 2,
        "revenue_fen": 150,
        "revenue_change": Decimal("-25.0"),
        "minutes_change": Decimal("-50.0"),
        "vpmn_share": Decimal("66.7"),
        "complaints": Decimal("1.0"),
    }
    assert (rows["e2"]["city"], rows["e2"]["members"], rows["e2"]["contract_months_left"]) == ("合肥", 0, None)


def test_a_lot_draws_the_same_customers_whatever_is_folded(engine: ColumnarEngine) -> None:
    persons = [Person(f"c{number}", OLD, owner="o", bills=[Bill(M, 100)]) for number in range(200)]
    load(engine, persons)
    whole = views(engine)
    engine.execute("ALTER TABLE billing RENAME TO all_billing")
    engine.execute("CREATE VIEW billing AS FROM all_billing")
    try:
        keep_drawn(engine, ["billing"], EVERYBODY // 2)
        fold_middle_tables(engine, view_parameters(M, extract_month=M, drawn_share=EVERYBODY // 2))
        drawn = {row["customer_id"]: row for row in engine.fetch(statement("customer_view")).to_pylist()}
    finally:
        engine.execute("DROP VIEW billing")
    assert 60 < len(drawn) < 140
    assert drawn == {customer: whole[customer] for customer in drawn}


def test_outcomes_that_are_known_become_labels(engine: ColumnarEngine) -> None:
    others: dict[str, list[Row]] = {
        "outcomes": [{"customer_id": "c1", "churned": True}, {"customer_id": "c2", "churned": False}]
    }
    load(engine, [Person("c1", OLD), Person("c2", OLD)], others)
    engine.register_table("history_views", pa.table({"customer_id": ["c1", "c2"]}))
    found = {row.pop("customer_id"): row for row in engine.fetch(statement("outcome_labels")).to_pylist()}
    assert found["c1"] == {"churned": True, "stayed": False, "products_taken": []}
    assert found["c2"] == {"churned": False, "stayed": True, "products_taken": []}


def test_needs_of_products_are_read_from_the_mapping() -> None:
    needs = {each.product: (each.handset, each.internet) for each in product_needs(MAPPING)}
    assert needs == {"mobile_newspaper": (frozenset({"mms"}), False), "mobile_internet": (frozenset(), True)}


@pytest.mark.parametrize(
    ("products", "field"),
    [
        (7, "products"),
        ({"mail_139": 7}, "products.mail_139"),
        ({"mail_139": {"handset": ["mms"]}}, "products.mail_139.handset"),
        ({"mail_139": {"handset_needs": ["5g"]}}, "products.mail_139.handset_needs"),
        ({"mail_139": {"handset_needs": "mms"}}, "products.mail_139.handset_needs"),
        ({"mail_139": {"internet": "yes"}}, "products.mail_139.internet"),
    ],
)
def test_wrong_needs_are_told(products: object, field: str) -> None:
    assert [violation.field for violation in needs_violations(products)] == [field]
