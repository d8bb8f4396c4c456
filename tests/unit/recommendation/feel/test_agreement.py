"""The three readings of a cell agree: DuckDB over the base, the closure for one customer, and a plain reference."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recommendation.engine.feel import Row, check, parse, to_closure
from services.recommendation.engine.feel.sql import to_sql
from tests.unit.recommendation.feel.generated import FIELDS, DrawnCell, cells, rows, select


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET threads = 1")
        yield opened


@pytest.mark.parametrize(
    "name",
    ["arpu", "tenure", "brand", "need", "active", "joined", "last_call", "busy_hour", "silence", "contract"],
)
def test_sql_and_closure_and_reference_agree_on_every_value_nulls_included(
    connection: duckdb.DuckDBPyConnection, name: str
) -> None:
    twins = [other for other, field in FIELDS.items() if field.kind is FIELDS[name].kind]

    @settings(max_examples=60, deadline=None)
    @given(cell=cells(name), others=st.lists(rows(twins), min_size=1, max_size=6))
    def agree(cell: DrawnCell, others: list[Row]) -> None:
        drawn = others + [{**others[0], name: constant} for constant in cell.constants]
        tests = parse(cell.text)
        assert check(cell.text, tests, FIELDS[name], FIELDS) == ()
        expected = [cell.accepts(row[name], row) for row in drawn]
        closure = to_closure(tests, name)
        assert [closure(row) for row in drawn] == expected
        found = select(connection, to_sql(tests, name, FIELDS[name]).sql("duckdb"), drawn)
        assert [value for (value,) in found] == expected

    agree()
