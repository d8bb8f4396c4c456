"""The one null rule, in both back ends: null passes only `-` and the test `null`."""

from collections.abc import Iterator

import duckdb
import pytest

from services.recommendation.engine.feel import Row, check, parse, to_closure
from services.recommendation.engine.feel.sql import to_sql
from tests.unit.recommendation.feel.generated import FIELDS, select


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


UNKNOWN: Row = {"arpu": None, "平均话费": None, "brand": None, "last.brand": None}
KNOWN: Row = {"arpu": 100, "平均话费": None, "brand": "GoTone", "last.brand": None}


@pytest.mark.parametrize(
    ("column", "cell", "unknown_passes", "known_passes"),
    [
        ("arpu", "-", True, True),
        ("arpu", "null", True, False),
        ("arpu", "null, >= 100", True, True),
        ("arpu", "not(null)", False, True),
        ("arpu", "not(null, 100)", False, False),
        ("arpu", "not(< 100)", False, True),
        ("arpu", "< 1000", False, True),
        ("arpu", "[0..1000]", False, True),
        ("arpu", "平均话费", False, False),
        ("arpu", "> 平均话费", False, False),
        ("arpu", "[0..平均话费]", False, False),
        ("arpu", "not(> 平均话费)", False, True),
        ("arpu", "not([0..平均话费])", False, True),
        ("brand", '"GoTone"', False, True),
        ("brand", 'not("M-Zone")', False, True),
        ("brand", 'null,"M-Zone"', True, False),
        ("brand", "last.brand", False, False),
        ("brand", "not(last.brand)", False, True),
    ],
)
def test_null_passes_only_a_dash_and_the_test_null(
    connection: duckdb.DuckDBPyConnection, column: str, cell: str, unknown_passes: bool, known_passes: bool
) -> None:
    tests = parse(cell)
    assert check(cell, tests, FIELDS[column], FIELDS) == ()
    closure = to_closure(tests, column)
    assert [closure(UNKNOWN), closure(KNOWN)] == [unknown_passes, known_passes]
    found = select(connection, to_sql(tests, column, FIELDS[column]).sql("duckdb"), [UNKNOWN, KNOWN])
    assert found == [(unknown_passes,), (known_passes,)]
