"""Groups by rule: the first that holds, nothing holds of what is not known, and a wrong rule is named by its place."""

from decimal import Decimal

import pyarrow as pa
import pytest

from services.scoring.datasets import VIEWS, view_fields
from services.scoring.domain.rules import Condition, Constant, Operator, Segment
from services.scoring.engine.segments import any_sql, check_conditions, segment_sql
from services.scoring.settings import SHIPPED_RULES, read_rules
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from tests.factories.scoring import draw_base

FIELDS = view_fields()
OUTSIDE = Condition("long_distance_minutes", ">=", 30, share_of="minutes")
EVERYBODY = Segment("other", ())


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


def evaluated(lake: Lake, sql: str, **columns: list[object]) -> list[object]:
    """Evaluate SQL over views that differ in some columns."""
    views = draw_base(len(next(iter(columns.values())))).views
    for name, values in columns.items():
        place = VIEWS.get_field_index(name)
        views = views.set_column(place, VIEWS.field(place), pa.array(values, VIEWS.field(place).type))
    with open_engine(lake) as engine:
        engine.register_table("views", views)
        found: list[object] = engine.fetch(f"SELECT {sql} AS x FROM views ORDER BY customer_id")["x"].to_pylist()
    return found


def faults(field: str, operator: Operator, constant: Constant, share_of: str | None = None) -> list[str]:
    found = check_conditions([[], [Condition(field, operator, constant, share_of)]], FIELDS, where="groups")
    return [f"{violation.field}: {violation.description}" for violation in found]


def test_the_first_group_of_which_all_conditions_hold_is_taken(lake: Lake) -> None:
    segments = (
        Segment("both", (OUTSIDE, Condition("brand", "=", "GoTone"))),
        Segment("outside", (OUTSIDE,)),
        Segment("o'clock", (Condition("brand", "in", ("GoTone", "M-Zone")),)),
        EVERYBODY,
    )
    found = evaluated(
        lake,
        segment_sql(segments, FIELDS),
        minutes=[Decimal(100), Decimal(100), Decimal("100.1"), Decimal(100)],
        long_distance_minutes=[Decimal(30), Decimal(30), Decimal(30), Decimal(0)],
        brand=["GoTone", "Easyown", "M-Zone", "Easyown"],
    )
    assert found == ["both", "outside", "o'clock", "other"]


@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">="])
def test_what_is_not_known_fulfils_no_condition(lake: Lake, operator: Operator) -> None:
    sql = any_sql([[Condition("minutes", operator, 0)], [Condition("arpu", operator, 1, share_of="minutes")]], FIELDS)
    assert evaluated(lake, sql, minutes=[None, None]) == [False, False]


@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">="])
def test_there_is_no_share_of_nothing(lake: Lake, operator: Operator) -> None:
    sql = any_sql([[Condition("inbound_minutes", operator, 55, share_of="minutes")]], FIELDS)
    assert evaluated(lake, sql, minutes=[Decimal(0)], inbound_minutes=[Decimal(0)]) == [False]


def test_who_makes_no_calls_is_silent_by_the_shipped_rules(lake: Lake) -> None:
    silent: dict[str, list[object]] = {name: [Decimal(0)] for name in VIEWS.names if name.endswith("minutes")}
    sql = segment_sql(read_rules(SHIPPED_RULES).voice_segments, FIELDS)
    assert evaluated(lake, sql, **silent, business_peers=[0]) == ["silent"]


def test_money_is_compared_in_yuan(lake: Lake) -> None:
    sql = any_sql([[Condition("arpu", ">=", Decimal("50.01"))]], FIELDS)
    assert evaluated(lake, sql, arpu_fen=[5000, 5001]) == [False, True]


def test_without_groups_nobodys_minutes_can_grow(lake: Lake) -> None:
    assert evaluated(lake, any_sql([], FIELDS), minutes=[Decimal(1)]) == [False]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults("minuets", ">", 1), "groups.1.all.0.field: the customer view has no field 'minuets'"),
        (faults("minuets", ">", 1), "did you mean 'minutes'?"),
        (faults("minutes", ">", 1, "minuts"), "groups.1.all.0.share_of"),
        (faults("minutes", ">", "many"), "groups.1.all.0.value: minutes is a number, and 'many' is a string"),
        (faults("in_contract", "=", 1), "in_contract is a boolean, and 1 is a number"),
        (faults("brand", "<", "GoTone"), "groups.1.all.0.op: brand is a string"),
        (faults("brand", "=", "Gotone"), "did you mean 'GoTone'?"),
        (faults("brand", "in", "GoTone"), "expected a list with 'in'"),
        (faults("brand", "=", ("GoTone",)), "expected a list with 'in'"),
        (faults("number_since", "=", "2026-01-01"), "dates cannot be compared"),
        (faults("minutes", ">", 1, "brand"), "expected two numbers"),
    ],
)
def test_a_wrong_condition_is_named_by_its_place(fault: list[str], expected: str) -> None:
    assert any(expected in text for text in fault)


def test_the_shipped_rules_compare_fields_of_the_view() -> None:
    rules = read_rules(SHIPPED_RULES)
    assert not check_conditions([s.conditions for s in rules.voice_segments], FIELDS, where="")
    assert not check_conditions(rules.minutes_can_grow, FIELDS, where="")
    assert [segment.name for segment in rules.voice_segments] == [
        *("called_from_outside", "calls_outside", "roamer", "business_caller"),
        *("vpmn_caller", "local_caller", "light_caller", "silent"),
    ]
