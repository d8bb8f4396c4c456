"""The value score: what SQL computes is the weighted sum that a person would, to the hundredth."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scoring.datasets import number_columns
from services.scoring.domain.rules import Comparison, Utility, ValueRules
from services.scoring.engine.value import WeightedCriterion, apportion, value_sql, weighted_criteria
from services.scoring.settings import SHIPPED_RULES, read_rules
from shared.errors import InvalidInput
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake

COLUMNS = {"tenure_months": "tenure_months", "score": "score"}
CRITERIA = (
    WeightedCriterion("loyalty", 333_333, Utility("tenure_months", Decimal(0), Decimal(7))),
    WeightedCriterion("return", 666_667, Utility("score", Decimal("86.5"), Decimal("50"), null_is_nothing=True)),
)
SCORE = pa.decimal128(18, 2)

months = st.none() | st.integers(-5, 200)
scores = st.none() | st.decimals(0, 100, places=2)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


def values(lake: Lake, rows: Sequence[tuple[int | None, Decimal | None]]) -> list[object]:
    table = pa.table(
        {"tenure_months": pa.array([r[0] for r in rows], pa.int32()), "score": pa.array([r[1] for r in rows], SCORE)}
    )
    with open_engine(lake) as engine:
        engine.register_table("customers", table)
        found = engine.fetch(f"SELECT {value_sql(CRITERIA, COLUMNS)} AS value FROM customers")
    values: list[object] = found["value"].to_numpy().tolist()
    return values


def by_hand(row: Mapping[str, Decimal | int | None]) -> int:
    """Weigh as the shipped file explains it."""
    total, known = Fraction(0), 0
    for criterion in CRITERIA:
        number, utility = row[criterion.utility.column], criterion.utility
        if number is not None or utility.null_is_nothing:
            known += criterion.weight
        if number is not None:
            share = Fraction(Decimal(number) - utility.nothing_at) / Fraction(utility.all_at - utility.nothing_at)
            share = min(max(share, Fraction(0)), Fraction(1))
            total += criterion.weight * Fraction(int(share * 1_000_000 + Fraction(1, 2)), 1_000_000)
    hundredths = total / known * 10_000
    return int(hundredths + Fraction(1, 2))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(months, scores), min_size=20, max_size=40))
def test_sql_weighs_as_a_person_would(lake: Lake, rows: list[tuple[int | None, Decimal | None]]) -> None:
    expected = [by_hand({"tenure_months": months, "score": score}) for months, score in rows]
    assert values(lake, rows) == expected


def test_value_runs_from_nothing_to_all_in_either_direction(lake: Lake) -> None:
    assert values(lake, [(7, Decimal("50.00")), (0, Decimal("86.50")), (700, Decimal("0.00"))]) == [10_000, 0, 10_000]


def test_what_is_not_known_does_not_count_unless_missing_means_nothing(lake: Lake) -> None:
    assert values(lake, [(None, Decimal("50.00")), (7, None), (None, None)]) == [10_000, 3_333, 0]


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20))
def test_apportioned_units_sum_up_and_are_within_one_of_the_share(parts: list[int]) -> None:
    shares = [Fraction(part, sum(parts)) for part in parts]
    apportioned = apportion(shares, 1_000_000)
    assert sum(apportioned) == 1_000_000
    assert all(abs(units - share * 1_000_000) < 1 for units, share in zip(apportioned, shares, strict=True))


def test_shipped_rules_name_numbers_of_the_customer_view() -> None:
    criteria = weighted_criteria(read_rules(SHIPPED_RULES).value)
    assert sum(criterion.weight for criterion in criteria) == 1_000_000
    assert value_sql(criteria, number_columns())


def test_a_column_that_is_no_number_of_the_view_is_refused() -> None:
    criterion = WeightedCriterion("who", 1_000_000, Utility("msisdn", Decimal(0), Decimal(1)))
    with pytest.raises(InvalidInput, match=r"utilities\.who\.column: there is no number 'msisdn'"):
        value_sql([criterion], number_columns())


def test_criteria_and_utilities_must_match() -> None:
    rules = ValueRules(
        (Comparison("value", ("a", "b"), (1.0,)),),
        {"a": Utility("arpu", Decimal(0), Decimal(1)), "c": Utility("arpu", Decimal(0), Decimal(1))},
    )
    with pytest.raises(InvalidInput) as refused:
        weighted_criteria(rules)
    assert [violation.field for violation in refused.value.violations] == ["value.utilities.b", "value.utilities.c"]


def test_a_column_that_is_misspelt_is_guessed() -> None:
    criterion = WeightedCriterion("money", 1_000_000, Utility("arpu_befor", Decimal(0), Decimal(1)))
    with pytest.raises(InvalidInput, match="did you mean 'arpu_before'"):
        value_sql([criterion], number_columns())
