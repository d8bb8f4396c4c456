"""Customer views and labels of generated customers: the SQL against plain Python."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.profile.domain.months import Month
from services.profile.domain.source_tables import SOURCE_TABLES, SourceTable
from services.profile.engine.customer_views import fold_middle_tables, statement, view_parameters
from services.profile.engine.parameters import used_by
from services.profile.engine.schemas import stored_schema
from shared.lake.engine import ColumnarEngine
from tests.unit.profile import plain_views as plain
from tests.unit.profile.plain_views import Bill, Order, Person, Row, Talk, Use

M = Month(2026, 10)
H = Month(2026, 7)
MONTHS = [M.plus(-distance) for distance in range(9)]
EDGES = [month.first_day for month in (*MONTHS, M.plus(1))] + [date(2026, 10, 31), date(2026, 7, 31), date(2025, 10, 1)]
PRODUCTS = ("mobile_internet", "ring_back_tone")

days = st.one_of(st.sampled_from(EDGES), st.dates(date(2024, 1, 1), date(2026, 12, 31)))
amounts = st.one_of(st.sampled_from([0, 1, 7, 70, 80, 100, 1000, 699, 700, 701]), st.integers(-50, 10**12 - 1))
minutes = st.one_of(st.sampled_from([0, 1, 5, 70, 100, 10000]), st.integers(0, 10**10))
bills = st.lists(
    st.builds(Bill, st.sampled_from(MONTHS), amounts, amounts, st.integers(-10, 10**6), amounts),
    unique_by=lambda bill: bill.month,
    max_size=9,
)
talks = st.lists(
    st.builds(Talk, st.sampled_from(MONTHS), minutes, minutes, minutes), unique_by=lambda talk: talk.month, max_size=9
)
orders = st.lists(
    st.builds(
        Order,
        st.sampled_from(PRODUCTS),
        st.sampled_from(["self", "voice_plan", "trial"]),
        days,
        st.none() | days,
        st.booleans(),
    ),
    unique_by=lambda order: (order.product, order.ordered),
    max_size=4,
)
uses = st.lists(
    st.builds(Use, st.sampled_from(PRODUCTS), st.sampled_from(MONTHS), st.integers(0, 31)),
    unique_by=lambda use: (use.product, use.month),
    max_size=6,
)
people = st.lists(
    st.builds(
        Person,
        st.uuids().map(str),
        activated=st.one_of(st.just(date(2020, 1, 31)), days),
        left=st.none() | days,
        birth_year=st.none() | st.integers(1900, 2020),
        contract_class=st.integers(0, 1),
        contract_ends=st.none() | days,
        balance=st.none() | st.integers(-(10**6), 10**6),
        bills=bills,
        talks=talks,
        orders=orders,
        uses=uses,
    ).filter(lambda person: person.left is None or person.left >= person.activated),
    min_size=1,
    max_size=10,
)


def load(engine: ColumnarEngine, persons: Sequence[Person]) -> None:
    """Make the taken tables of these persons."""
    for table in SOURCE_TABLES:
        rows = [row for person in persons for row in _ROWS[table.name](person)]
        engine.register_table(table.name, pa.Table.from_pylist(rows, schema=_nullable(table)))


def _nullable(table: SourceTable) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in stored_schema(table)])


def _customer_rows(person: Person) -> list[Row]:
    return [
        {
            "customer_id": person.customer_id,
            "activation_date": person.activated,
            "left_date": person.left,
            "birth_year": person.birth_year,
            "contract_class": person.contract_class,
            "contract_end_date": person.contract_ends,
            "balance_fen": person.balance,
        }
    ]


def _traffic_rows(person: Person) -> list[Row]:
    def hundredths(count: int) -> Decimal:
        return Decimal(count).scaleb(-2)

    return [
        {
            "customer_id": person.customer_id,
            "month": str(talk.month),
            "minutes": hundredths(talk.minutes),
            "long_distance_minutes": hundredths(talk.long_distance),
            "roaming_minutes": hundredths(talk.roaming),
        }
        for talk in person.talks
    ]


def _subscription_rows(person: Person) -> list[Row]:
    return [
        {
            "customer_id": person.customer_id,
            "product": order.product,
            "how_ordered": order.how,
            "provisioned": order.provisioned,
            "ordered_on": order.ordered,
            "cancelled_on": order.cancelled,
        }
        for order in person.orders
    ]


def _billing_rows(person: Person) -> list[Row]:
    """What is given away is spread over the four columns it may stand in."""
    return [
        {
            "customer_id": person.customer_id,
            "month": str(bill.month),
            "revenue_total_fen": bill.total,
            "revenue_data_fen": bill.data,
            "discounts_fen": bill.given_away - 3,
            "handset_subsidy_fen": 1,
            "settlement_fen": 1,
            "commission_fen": 1,
            "arrears_fen": bill.arrears,
        }
        for bill in person.bills
    ]


def _usage_rows(person: Person) -> list[Row]:
    return [
        {"customer_id": person.customer_id, "month": str(use.month), "product": use.product, "active_days": use.days}
        for use in person.uses
    ]


_ROWS: Mapping[str, Callable[[Person], list[Row]]] = {
    "customers": _customer_rows,
    "traffic": _traffic_rows,
    "subscriptions": _subscription_rows,
    "billing": _billing_rows,
    "product_usage": _usage_rows,
}


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


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(persons=people)
def test_views_and_labels_are_those_of_plain_python(engine: ColumnarEngine, persons: list[Person]) -> None:
    load(engine, persons)
    for month in (M, H):
        found = views_of(engine, month)
        customers = [person for person in persons if plain.is_customer(person, month)]
        others = [person for person in persons if not plain.is_customer(person, month)]
        assert found.keys() == {person.customer_id for person in customers}
        assert rejects_of(engine, month) == {each.customer_id: plain.reject_reason(each, month) for each in others}
        for person in customers:
            expected = plain.view(person, month, is_extract_month=month == M)
            assert {name: found[person.customer_id][name] for name in expected} == expected
    known = [person for person in persons if plain.is_customer(person, H)]
    assert labels_of(engine, [person.customer_id for person in known]) == {
        person.customer_id: plain.labels(person, H) for person in known
    }


def one_view(engine: ColumnarEngine, person: Person) -> Row:
    load(engine, [person])
    return views_of(engine, M)[person.customer_id]


OLD = date(2020, 1, 1)


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
    load(engine, [Person("c1", activated=OLD, left=left, bills=[*before, *later])])
    assert labels_of(engine, ["c1"]) == {"c1": {"churned": churned, "stayed": stayed, "products_taken": []}}


def test_a_product_in_use_keeps_a_customer_without_minutes_from_being_silent(engine: ColumnarEngine) -> None:
    person = Person("c1", activated=OLD, uses=[Use("ring_back_tone", M, 1)])
    assert one_view(engine, person)["portrait"] == "active"


def test_a_customer_of_whom_nothing_is_known_has_a_view_of_nulls(engine: ColumnarEngine) -> None:
    row = one_view(engine, Person("c1", activated=OLD))
    names = ("age", "arpu_fen", "arpu_before_fen", "return_rate_score", "minutes", "minutes_change", "revenue_change")
    assert {row[name] for name in names} == {None}
    assert (row["billed_months"], row["products"], row["portrait"]) == (0, [], "silent")


def test_the_sql_files_name_no_parameter_that_nobody_binds() -> None:
    known = view_parameters(M, extract_month=M)
    for path in Path(__file__).parents[3].glob("services/profile/engine/sql/*.sql"):
        assert used_by(statement(path.stem), known).keys() <= known.keys()
