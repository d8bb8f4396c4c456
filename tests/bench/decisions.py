"""Firing one table of 50 rows x 6 inputs, FIRST: over the base in columns, for one customer by the closure, and by zen-engine's batch call.

Everything runs on one base, made up, and must fire the same rows. zen-engine has an expression language of its own: its cells are
written beside ours, and it gets dates as whole numbers, its quickest kind.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import zen

from services.recommendation.engine.feel import FieldType, Kind, Row
from services.recommendation.engine.matrix import DecisionTable, Output, compile_closure, read_csv
from services.recommendation.engine.matrix.sql import compile_sql
from tests.bench.figures import Figure
from tests.factories.recommendation import matrix_csv

RULES = 50
RUNS = 5
ONE_BY_ONE = 20_000
"""Customers whom zen-engine and the closure meet in a run: a million would take them half a minute."""
_FIRST_DAY = date(2020, 1, 1)
_BRANDS = ("GoTone", "M-Zone", "Easyown")
_TIERS = ("high", "mid_high", "mid", "low")
_FIELDS = {
    "arpu": FieldType.decimal(9, 2),
    "tenure": FieldType.integer(),
    "age": FieldType.integer(),
    "brand": FieldType.string(*_BRANDS),
    "tier": FieldType.string(*_TIERS),
    "joined": FieldType(Kind.DATE),
}
_OUTPUTS = {"vpmn": (Output("policy", FieldType.string()),)}
_BASE_SQL = """
SELECT i AS customer,
    CASE WHEN hash(i, 1) % 20 > 0 THEN CAST(hash(i, 2) % 30000 AS DECIMAL(9, 0)) * 0.01::DECIMAL(3, 2) END::DECIMAL(9, 2) AS arpu,
    (hash(i, 3) % 120)::BIGINT AS tenure,
    CASE WHEN hash(i, 4) % 20 > 0 THEN (16 + hash(i, 5) % 60)::BIGINT END AS age,
    ['GoTone', 'M-Zone', 'Easyown'][1 + (hash(i, 6) % 3)::BIGINT] AS brand,
    CASE WHEN hash(i, 7) % 20 > 0 THEN ['high', 'mid_high', 'mid', 'low'][1 + (hash(i, 8) % 4)::BIGINT] END AS tier,
    DATE '2020-01-01' + (hash(i, 9) % 2500)::INTEGER AS joined
FROM range($customers) AS base(i)
"""
_Cell = tuple[str, str]
"""The same test in S-FEEL and in zen-engine's language."""


def measure(customers: int) -> list[Figure]:
    """Fire the table by all three, having seen that they agree, and return how they stand to each other."""
    rules = make_rules()
    table = _table(rules)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE base AS {_BASE_SQL}", {"customers": customers})
        rows = _rows(connection)
        fire, by_zen = compile_closure(table), _zen(rules)
        contexts: list[zen.EvaluateBatchRequest] = [{"key": "table", "context": _context(row)} for row in rows]
        _refuse_disagreement(connection, table, [fire(row).rules[0] for row in rows], by_zen(contexts))
        sql = f"CREATE OR REPLACE TABLE fired AS SELECT customer, {compile_sql(table).fired} AS fired FROM base"
        columns = [customers / _seconds(lambda: connection.execute(sql)) for _ in range(RUNS)]
    batch = [len(rows) / _seconds(lambda: by_zen(contexts)) for _ in range(RUNS)]
    alone = [_seconds(lambda: [fire(row) for row in rows]) / len(rows) * 1e6 for _ in range(RUNS)]
    yardstick = Figure("zen-engine, evaluate_batch", batch, "customers/s")
    ratio = Figure("", columns, "").median / yardstick.median
    return [
        Figure(f"{RULES} rows x {len(_FIELDS)} inputs, over the base", columns, "customers/s", ratio, yardstick.name),
        yardstick,
        Figure("the same table for one customer, closure", alone, "µs"),
    ]


def make_rules() -> Sequence[Mapping[str, _Cell]]:
    """Return the cells of each rule by input; the last rule is for everybody."""
    lot = random.Random(1)
    drawn = [{name: draw(lot) for name, draw in _CELLS.items() if lot.random() < 0.6} for _ in range(RULES - 1)]
    return [*drawn, {}]


def _amount(lot: random.Random) -> _Cell:
    low = lot.randrange(0, 250)
    return _interval(str(low), f"{low + 40}.50")


def _months(lot: random.Random) -> _Cell:
    test = f"{lot.choice(['>', '>=', '<', '<='])} {lot.randrange(10, 110)}"
    return test, test


def _years(lot: random.Random) -> _Cell:
    if lot.random() < 0.2:
        return "null", "null"
    low = lot.randrange(16, 60)
    return _interval(str(low), str(low + 15))


def _interval(low: str, high: str) -> _Cell:
    return f"[{low}..{high})", f"[{low}..{high})"


def _words(words: Sequence[str]) -> Callable[[random.Random], _Cell]:
    def draw(lot: random.Random) -> _Cell:
        listed = ",".join(f'"{word}"' for word in lot.sample(words, 2))
        return (listed, listed) if lot.random() < 0.7 else (f"not({listed})", f"$ != null and not ($ in [{listed}])")

    return draw


def _days(lot: random.Random) -> _Cell:
    low = lot.randrange(0, 2000)
    first, last = (_FIRST_DAY + timedelta(days=day) for day in (low, low + 700))
    return f'[date("{first}")..date("{last}")]', f"[{low}..{low + 700}]"


_CELLS: Mapping[str, Callable[[random.Random], _Cell]] = {
    "arpu": _amount,
    "tenure": _months,
    "age": _years,
    "brand": _words(_BRANDS),
    "tier": _words(_TIERS),
    "joined": _days,
}


def _table(rules: Sequence[Mapping[str, _Cell]]) -> DecisionTable:
    lines = [
        [*(rule.get(name, ("-", ""))[0] for name in _FIELDS), f"policy {number}"] for number, rule in enumerate(rules)
    ]
    return read_csv(matrix_csv("vpmn", "FIRST", [*_FIELDS, "=> policy"], lines), fields=_FIELDS, outputs=_OUTPUTS)


def _zen(rules: Sequence[Mapping[str, _Cell]]) -> Callable[[list["zen.EvaluateBatchRequest"]], list[int]]:
    """Return what fires the table for many customers by one call, each rule giving its row in our file."""
    content = {
        "hitPolicy": "first",
        "inputs": [{"id": name, "name": name, "field": name} for name in _FIELDS],
        "outputs": [{"id": "row", "name": "row", "field": "row"}],
        "rules": [
            {"_id": str(row), "row": str(row), **{name: rule.get(name, ("", ""))[1] for name in _FIELDS}}
            for row, rule in enumerate(rules, start=3)
        ],
    }
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": content},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [
        {"id": f"{start}-{end}", "sourceId": start, "targetId": end, "type": "edge"}
        for start, end in (("in", "table"), ("table", "out"))
    ]
    loader: zen.StaticLoaderConfig = {"type": "static", "content": {"table": {"nodes": nodes, "edges": edges}}}
    engine = zen.ZenEngine({"loader": loader})
    return lambda requests: [answer["data"]["result"]["row"] for answer in engine.evaluate_batch(requests)]


def _rows(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    found = connection.execute(f"SELECT {', '.join(_FIELDS)} FROM base ORDER BY customer LIMIT {ONE_BY_ONE}").fetchall()
    return [dict(zip(_FIELDS, values, strict=True)) for values in found]


def _context(row: Row) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    if isinstance(value, date):
        return (value - _FIRST_DAY).days
    return float(value) if isinstance(value, Decimal) else value


def _refuse_disagreement(
    connection: duckdb.DuckDBPyConnection, table: DecisionTable, by_closure: list[int], by_zen: list[int]
) -> None:
    sql = f"SELECT {compile_sql(table).fired} FROM base ORDER BY customer LIMIT {ONE_BY_ONE}"
    by_sql = [fired for (fired,) in connection.execute(sql).fetchall()]
    for place, fired in enumerate(zip(by_sql, by_closure, by_zen, strict=True)):
        if len(set(fired)) > 1:
            raise AssertionError(f"customer {place}: rows {fired} fire in columns, by the closure and by zen-engine")


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
