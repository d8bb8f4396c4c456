"""A whole matrix gives the same over the base and for one customer: fired rules, ambiguity and outputs, nulls included."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recommendation.engine.feel import Row
from services.recommendation.engine.matrix import (
    DecisionTable,
    Firing,
    HitPolicy,
    compile_closure,
    read_csv,
    results,
)
from services.recommendation.engine.matrix.hit_policies import LISTING
from services.recommendation.engine.matrix.sql import compile_sql, output_sql
from tests.unit.recommendation.feel.generated import FIELDS, rows, select
from tests.unit.recommendation.matrix.generated import INPUTS, OUTPUTS, DrawnRule, DrawnTable, tables

ROW_FIELDS = [*INPUTS, "平均话费", "age", "last.brand", "warned", "date", "city", "day"]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET threads = 1")
        yield opened


def reference(drawn: DrawnTable, row: Row) -> Firing:
    matching = [rule for rule in drawn.rules if rule.matches(row)]
    rows = tuple(rule.row for rule in matching)
    by_priority = tuple(rule.row for rule in sorted(matching, key=_priority))
    match drawn.hit_policy:
        case HitPolicy.FIRST:
            return Firing(rows[:1])
        case HitPolicy.PRIORITY:
            return Firing(by_priority[:1])
        case HitPolicy.COLLECT | HitPolicy.RULE_ORDER:
            return Firing(rows)
        case HitPolicy.OUTPUT_ORDER:
            return Firing(by_priority)
        case HitPolicy.UNIQUE:
            return Firing(rows, ambiguous=len(matching) > 1)
        case HitPolicy.ANY:
            alike = all(rule.outputs == matching[0].outputs for rule in matching)
            return Firing(rows[:1] if alike else rows, ambiguous=not alike)


def _priority(rule: DrawnRule) -> tuple[int, int]:
    return {"全球通": 0, "contract 260": 1}.get(str(rule.outputs[0]), 3), {"-1": 0, "12": 1}.get(
        str(rule.outputs[2]), 2
    )


@settings(max_examples=25, deadline=None)
@given(drawn=tables(), drawn_rows=st.lists(rows(ROW_FIELDS), min_size=1, max_size=6))
def test_sql_and_closure_and_reference_fire_the_same_rules(
    connection: duckdb.DuckDBPyConnection, drawn: DrawnTable, drawn_rows: list[Row]
) -> None:
    table = read_csv(drawn.text(), fields=FIELDS, outputs=OUTPUTS)
    expected = [reference(drawn, row) for row in drawn_rows]
    fire = compile_closure(table)
    assert [fire(row) for row in drawn_rows] == expected
    compiled = compile_sql(table)
    found = select(connection, f"{compiled.fired}, {compiled.ambiguous or 'FALSE'}", drawn_rows)
    for (fired, ambiguous), firing in zip(found, expected, strict=True):
        assert ambiguous == firing.ambiguous
        assert ambiguous or fired == _as_sql(table, firing)


def _as_sql(table: DecisionTable, firing: Firing) -> object:
    if table.hit_policy in LISTING:
        return list(firing.rules)
    return firing.rules[0] if firing.rules else None


@settings(max_examples=15, deadline=None)
@given(drawn=tables(), drawn_rows=st.lists(rows(ROW_FIELDS), min_size=1, max_size=6))
def test_sql_and_closure_give_the_outputs_that_were_drawn(
    connection: duckdb.DuckDBPyConnection, drawn: DrawnTable, drawn_rows: list[Row]
) -> None:
    table = read_csv(drawn.text(), fields=FIELDS, outputs=OUTPUTS)
    fired = compile_sql(table).fired
    names = [output.name for output in table.outputs]
    found = select(connection, ", ".join(output_sql(table, name, f"({fired})") for name in names), drawn_rows)
    given = {rule.row: dict(zip(names, rule.outputs, strict=True)) for rule in drawn.rules}
    defaults = {output.name: output.default for output in OUTPUTS[drawn.purpose]}
    for row, values in zip(drawn_rows, found, strict=True):
        firing = reference(drawn, row)
        expected = [given[rule] for rule in firing.rules] or ([defaults] if any(defaults.values()) else [])
        assert results(table, firing) == (() if firing.ambiguous else tuple(expected))
        if firing.ambiguous:
            continue
        if table.hit_policy in LISTING:
            assert list(values) == [[one[name] for one in expected] for name in names]
        else:
            assert list(values) == [expected[0][name] if expected else None for name in names]


@pytest.mark.parametrize(
    ("policy", "rules"), [("FIRST", 600), ("UNIQUE", 600), ("ANY", 400), ("PRIORITY", 600), ("COLLECT", 150)]
)
def test_a_long_table_compiles_and_runs(connection: duckdb.DuckDBPyConnection, policy: str, rules: int) -> None:
    lines = [f"[{age}..{age}],,rule {age}" for age in range(rules)]
    text = "\n".join([f"matrix,retention,{policy},long", "age,tenure,=> main_policy", *lines])
    compiled = compile_sql(read_csv(text, fields=FIELDS, outputs=OUTPUTS))
    expressions = f"{compiled.fired}, {compiled.ambiguous or 'FALSE'}"
    ((fired, ambiguous),) = select(connection, expressions, [{"age": rules - 1, "tenure": 1}])
    assert fired == ([rules + 2] if policy == "COLLECT" else rules + 2)
    assert not ambiguous
