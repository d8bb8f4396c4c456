"""DuckDB over the base, the closure for one customer and the plain reference make the same of every table and every row."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.recommendation.engine.feel import Row
from services.recommendation.engine.matrix import DecisionTable, Firing, compile_closure, completed, explain, results
from services.recommendation.engine.matrix.hit_policies import DEFAULT_ROW, LISTING, with_default_row
from services.recommendation.engine.matrix.sql import compile_sql, output_sql
from tests.unit.recommendation.feel.generated import relation
from tests.unit.recommendation.matrix.drawn_tables import rows, tables
from tests.unit.recommendation.matrix.reference import Outcome, complete, evaluate, passes


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET threads = 1")
        yield opened


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plain=tables(), customers=st.lists(rows(), min_size=4, max_size=10), by_row=st.booleans())
def test_sql_closure_and_reference_agree_on_fired_rows_and_outputs(
    connection: duckdb.DuckDBPyConnection, plain: DecisionTable, customers: list[Row], by_row: bool
) -> None:
    """Default outputs may stand in a row of their own, as the lists want them."""
    table = with_default_row(plain) if by_row and plain.aggregation is None else plain
    expected = [evaluate(plain, row) for row in customers]
    if table is not plain:
        expected = [outcome if outcome.fired else replace(outcome, fired=(DEFAULT_ROW,)) for outcome in expected]
    fire = compile_closure(table)
    for row, outcome in zip(customers, expected, strict=True):
        firing = fire(row)
        assert firing == Firing(outcome.fired, outcome.ambiguous)
        assert tuple(map(exactly, results(table, firing))) == outcome.given
    for found, outcome in zip(by_sql(connection, table, customers), expected, strict=True):
        fired, ambiguous, *given_outputs = found
        assert ambiguous == outcome.ambiguous
        if not ambiguous:
            assert fired == as_fired(table, outcome)
            assert [exactly_one(value) for value in given_outputs] == as_given(table, outcome)


@settings(max_examples=40, deadline=None)
@given(table=tables(), row=rows())
def test_explanation_tells_the_first_cell_that_the_reference_does_not_pass(table: DecisionTable, row: Row) -> None:
    known, shown = complete(table, row), completed(table)(row)
    outcome = evaluate(table, row)
    for rule, told in zip(table.rules, explain(table, row), strict=True):
        refused = [
            (column.name, cell.text)
            for column, cell in zip(table.inputs, rule.cells, strict=True)
            if not passes(cell.tests, known[column.name], known)
        ]
        assert (told.rule, told.fired) == (rule.id, not outcome.ambiguous and rule.id in outcome.fired)
        assert ((told.failed.input, told.failed.text) if told.failed else None) == (refused[0] if refused else None)
        assert told.failed is None or told.failed.value == shown[told.failed.input]


def by_sql(connection: duckdb.DuckDBPyConnection, table: DecisionTable, customers: list[Row]) -> list[tuple[Any, ...]]:
    compiled = compile_sql(table)
    source, bound = relation(customers)
    fired = f"SELECT place, {compiled.fired} AS fired, {compiled.ambiguous or 'FALSE'} AS ambiguous FROM {source}"
    outputs = ", ".join(output_sql(table, output.name, "fired") for output in table.outputs)
    return connection.execute(f"SELECT fired, ambiguous, {outputs} FROM ({fired}) ORDER BY place", bound).fetchall()


def as_fired(table: DecisionTable, outcome: Outcome) -> object:
    if table.hit_policy in LISTING:
        return list(outcome.fired)
    return outcome.fired[0] if outcome.fired else None


def as_given(table: DecisionTable, outcome: Outcome) -> list[Any]:
    """Return each output as its column holds it: a list of values where the hit policy lists, else one value."""
    names = [output.name for output in table.outputs]
    if table.hit_policy in LISTING and table.aggregation is None:
        return [[one[name] for one in outcome.given] for name in names]
    return [outcome.given[0][name] if outcome.given else None for name in names]


def exactly(outputs: Mapping[str, object]) -> Mapping[str, Any]:
    return {name: exactly_one(value) for name, value in outputs.items()}


def exactly_one(value: object) -> Any:
    if isinstance(value, list):
        return [exactly_one(each) for each in value]
    assert not isinstance(value, float)
    return Fraction(value) if isinstance(value, int | Decimal) else value
