"""Who holds which number from when until when, carried from snapshot to snapshot."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.profile.domain.months import Month
from services.profile.domain.source_tables import CUSTOMERS
from services.profile.engine.customer_views import statement, view_parameters
from services.profile.engine.parameters import used_by
from services.profile.engine.schemas import IDENTITY
from shared.lake.engine import ColumnarEngine
from tests.unit.profile.people_tables import load_table
from tests.unit.profile.plain_people import Person

Holding = tuple[str, str, date, date | None]
M = Month(2026, 10)
OLD = date(2020, 5, 17)
LAST_CYCLE = date(2026, 10, 1)
"""What the snapshot before did not speak of begins here."""


def holder(
    customer: str, number: str, *, activated: date = OLD, left: date | None = None, since: date | None = None
) -> Person:
    return Person(customer, activated, left, copied={"msisdn": number, "number_since": since})


def identities(
    engine: ColumnarEngine, persons: Sequence[Person], before: Sequence[Holding] = (), month: Month = M
) -> list[Holding]:
    load_table(engine, CUSTOMERS, persons)
    names = IDENTITY.names
    earlier = [dict(zip(names, holding, strict=True)) for holding in before]
    engine.register_table("earlier_identities", pa.Table.from_pylist(earlier, schema=IDENTITY))
    sql = statement("identities")
    known = {**view_parameters(month, extract_month=month), "unknown_from": month.first_day}
    rows = engine.fetch(sql, used_by(sql, known)).to_pylist()
    return sorted(((row["customer_id"], row["msisdn"], row["since"], row["until"]) for row in rows), key=str)


def test_the_first_snapshot_takes_the_day_told_or_the_activation(engine: ColumnarEngine) -> None:
    persons = [holder("a", "n1"), holder("b", "n2", since=date(2024, 2, 1)), holder("c", "n3", left=date(2026, 9, 1))]
    assert identities(engine, persons) == [("a", "n1", OLD, None), ("b", "n2", date(2024, 2, 1), None)]


def test_a_changed_number_begins_where_the_snapshot_before_ends(engine: ColumnarEngine) -> None:
    before = [("a", "n1", OLD, None)]
    assert identities(engine, [holder("a", "n2")], before) == [
        ("a", "n1", OLD, LAST_CYCLE),
        ("a", "n2", LAST_CYCLE, None),
    ]


def test_a_changed_number_begins_on_the_day_that_the_source_tells(engine: ColumnarEngine) -> None:
    told = date(2026, 10, 20)
    found = identities(engine, [holder("a", "n2", since=told)], [("a", "n1", OLD, None)])
    assert found == [("a", "n1", OLD, told), ("a", "n2", told, None)]


def test_two_customers_may_swap_their_numbers(engine: ColumnarEngine) -> None:
    before = [("a", "n1", OLD, None), ("b", "n2", OLD, None)]
    assert identities(engine, [holder("a", "n2"), holder("b", "n1")], before) == [
        ("a", "n1", OLD, LAST_CYCLE),
        ("a", "n2", LAST_CYCLE, None),
        ("b", "n1", LAST_CYCLE, None),
        ("b", "n2", OLD, LAST_CYCLE),
    ]


def test_a_recycled_number_begins_with_its_new_holder(engine: ColumnarEngine) -> None:
    left, activated = date(2026, 10, 3), date(2026, 10, 25)
    persons = [holder("a", "n1", left=left), holder("b", "n1", activated=activated)]
    assert identities(engine, persons, [("a", "n1", OLD, None)]) == [
        ("a", "n1", OLD, left),
        ("b", "n1", activated, None),
    ]


def test_a_number_whose_holder_is_gone_from_the_extract_ends(engine: ColumnarEngine) -> None:
    assert identities(engine, [], [("a", "n1", OLD, None)]) == [("a", "n1", OLD, LAST_CYCLE)]


def test_who_holds_a_number_and_who_once_did_are_carried_on(engine: ColumnarEngine) -> None:
    before = [("a", "n0", OLD, date(2022, 1, 1)), ("a", "n1", date(2022, 1, 1), None)]
    assert identities(engine, [holder("a", "n1")], before) == before


def test_a_number_does_not_begin_before_its_former_holders_time(engine: ColumnarEngine) -> None:
    before = [("a", "n1", date(2023, 1, 1), None)]
    found = identities(engine, [holder("a", "n2"), holder("b", "n1")], before)
    assert ("b", "n1", date(2023, 1, 1), None) in found


_days = st.dates(date(2026, 8, 1), date(2026, 11, 30))
_cycle = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(st.sampled_from(["n1", "n2", "n3"]), _days, st.none() | _days), max_size=4
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cycles=st.lists(_cycle, min_size=2, max_size=3))
def test_no_number_has_two_holders_at_a_time(
    engine: ColumnarEngine, cycles: list[Mapping[str, tuple[str, date, date | None]]]
) -> None:
    found: list[Holding] = []
    for distance, drawn in enumerate(cycles):
        held = {number: (who, activated, told) for who, (number, activated, told) in drawn.items()}
        persons = [
            holder(who, number, activated=activated, since=told) for number, (who, activated, told) in held.items()
        ]
        month = M.plus(distance - 1)
        found = identities(engine, persons, found, month)
        today = {
            (each.customer_id, each.copied["msisdn"]) for each in persons if each.activated < month.plus(1).first_day
        }
        assert {(who, number) for who, number, _, until in found if until is None} == today
        for number in ("n1", "n2", "n3"):
            times = sorted(
                (since, until or date.max) for _, held_number, since, until in found if held_number == number
            )
            assert all(first[1] <= second[0] for first, second in pairwise(times))
