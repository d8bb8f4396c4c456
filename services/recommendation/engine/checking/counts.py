"""Counts in one scan of the base whom each finding concerns, and picks an example of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import pyarrow as pa

from services.recommendation.domain import Catalogue, Purpose
from services.recommendation.engine.assembly.decided import (
    MEMBERSHIP,
    PAIR_COLUMNS,
    InputColumns,
    joined_sql,
    met_sql,
    pair_sql,
)
from services.recommendation.engine.assembly.rules import about
from services.recommendation.engine.checking.findings import Concern, Conjunction, Finding
from services.recommendation.engine.feel import FieldType, Row
from services.recommendation.engine.matrix import Cell, DecisionTable, HitPolicy, Input, Rule, completed
from services.recommendation.engine.matrix.hit_policies import LISTING
from services.recommendation.engine.matrix.sql import compile_sql, conditions_sql
from shared.lake.engine import ColumnarEngine

_Item = TypeVar("_Item")
_WORD = 60
"""Findings that one integer tells of, a bit each: few columns however many products there are."""


@dataclass(frozen=True, slots=True)
class Customers:
    """Whom a finding concerns: how many, and one of them, all that the table sees of whom is in `row`."""

    count: int
    customer_id: str = ""
    msisdn: str = ""
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """The customers to count: VIEWS and SCORES of the engine, with their columns, on a day, in `cities` (None: everywhere).

    Only those who were scored meet matrices. Products come from the catalogue.
    """

    columns: InputColumns
    types: Mapping[str, FieldType]
    catalogue: Catalogue
    day: date
    cities: Sequence[str] | None

    @property
    def within(self) -> str:
        """Return the condition of those who count."""
        return "_scored" if self.cities is None else "_scored AND list_contains($cities, city)"

    @property
    def parameters(self) -> dict[str, object]:
        return {} if self.cities is None else {"cities": list(self.cities)}


def count_base(engine: ColumnarEngine, base: Base) -> int:
    """Make the views that are counted on, and return how many customers there are in them."""
    nobody = pa.table({"customer_id": pa.array([], pa.string()), "arm": pa.array([], pa.string())})
    engine.register_table(MEMBERSHIP, nobody)
    engine.execute(f"CREATE VIEW each_product AS {met_sql(base.catalogue, base.day, base.columns)}")
    today = f"DATE '{base.day.isoformat()}' AS day"
    engine.execute(f"CREATE VIEW each_customer AS SELECT *, {today} FROM ({joined_sql(base.columns)})")
    counted = engine.fetch(f"SELECT count(*) AS count FROM each_customer WHERE {base.within}", base.parameters)
    return int(counted["count"][0].as_py())


def count(
    engine: ColumnarEngine, table: DecisionTable, findings: Sequence[Finding], base: Base
) -> list[Customers | None]:
    """Return for each finding whom it concerns, None where it concerns nobody in particular; after `count_base`.

    Of the new-service matrix a customer counts once, whichever products the finding is met with.
    """
    asked = [number for number, finding in enumerate(findings) if finding.concern is not None]
    found: list[Customers | None] = [None] * len(findings)
    if not asked:
        return found
    concerns = [finding.concern for finding in findings if finding.concern is not None]
    counted = _counted(engine, table, concerns, base)
    rows = _examples(engine, table, {example for _, example in counted if example is not None}, base)
    for number, (customers, example) in zip(asked, counted, strict=True):
        found[number] = Customers(customers, *rows[example]) if example is not None else Customers(0)
    return found


def _counted(
    engine: ColumnarEngine, table: DecisionTable, concerns: Sequence[Concern], base: Base
) -> list[tuple[int, str | None]]:
    """Return of each concern how many customers there are, and the first of them by id."""
    bits = [f"(_word_{number // _WORD} >> {number % _WORD}) & 1 = 1" for number in range(len(concerns))]
    told = ", ".join(
        f"count(*) FILTER (WHERE {bit}) AS n{number}, min(customer_id) FILTER (WHERE {bit}) AS e{number}"
        for number, bit in enumerate(bits)
    )
    words = range(-(-len(concerns) // _WORD))
    anything = " OR ".join(f"_word_{word} <> 0" for word in words)
    sql = f"SELECT {told} FROM ({_words_sql(table, concerns, base)}) WHERE {anything}"
    (row,) = engine.fetch(sql, base.parameters).to_pylist()
    return [(row[f"n{number}"], row[f"e{number}"]) for number in range(len(concerns))]


def _words_sql(table: DecisionTable, concerns: Sequence[Concern], base: Base) -> str:
    """Return the query of customers with the findings that concern them."""
    if table.purpose != Purpose.NEW_SERVICE:
        source = f"SELECT * FROM each_customer WHERE {base.within}"
        return f"SELECT customer_id, {_words(table, concerns, base, '')} FROM ({_rules_sql(table, concerns, source)})"
    source = f"SELECT * FROM each_product WHERE {base.within}"
    products = sorted({policy.product for policy in base.catalogue.policies.values() if policy.product})
    for number, product in enumerate(products):
        asked = about(table, product)
        pairs = f"SELECT *, {pair_sql(base.catalogue, product)} FROM ({source})"
        hidden = ", ".join((*PAIR_COLUMNS, *_rule_columns(asked, concerns)))
        words = _words(asked, concerns, base, f"_{number}")
        source = f"SELECT * EXCLUDE ({hidden}), {words} FROM ({_rules_sql(asked, concerns, pairs)})"
    merged = ", ".join(
        f"{' | '.join(f'_word_{word}_{number}' for number in range(len(products))) or '0'} AS _word_{word}"
        for word in range(-(-len(concerns) // _WORD))
    )
    return f"SELECT customer_id, {merged} FROM ({source})"


def _rules_sql(table: DecisionTable, concerns: Sequence[Concern], source: str) -> str:
    """Return the query of the source with what is asked of rules: which match, whether any does, and which fires."""
    columns = _rule_columns(table, concerns)
    conditions = conditions_sql(table)
    each = "".join(
        f", {condition} AS _matches_{rule}" for rule, condition in conditions.items() if f"_matches_{rule}" in columns
    )
    sql = f"SELECT *{each} FROM ({source})"
    if "_any" in columns:
        sql = f"SELECT *, {' OR '.join(f'_matches_{rule}' for rule in conditions) or 'FALSE'} AS _any FROM ({sql})"
    if "_fired" in columns:
        sql = f"SELECT *, {compile_sql(table).fired if table.rules else 'NULL'} AS _fired FROM ({sql})"
    return sql


def _rule_columns(table: DecisionTable, concerns: Sequence[Concern]) -> list[str]:
    """Return the columns that `_rules_sql` adds."""
    unmatched = any(concern.unmatched for concern in concerns)
    asked = {rule for concern in concerns for either in concern.matched for rule in either}
    columns = [f"_matches_{rule.id}" for rule in table.rules if unmatched or rule.id in asked]
    columns += ["_any"] if unmatched else []
    return [*columns, "_fired"] if any(concern.fired for concern in concerns) else columns


def _words(table: DecisionTable, concerns: Sequence[Concern], base: Base, suffix: str) -> str:
    """Return the columns that tell which findings concern a row."""
    there = {rule.id for rule in table.rules}
    words = []
    for start in range(0, len(concerns), _WORD):
        bits = (
            f"CASE WHEN {_concerned(table, concern, there, base)} THEN {1 << place} ELSE 0 END"
            for place, concern in enumerate(concerns[start : start + _WORD])
        )
        words.append(f"CAST({' | '.join(bits)} AS BIGINT) AS _word_{start // _WORD}{suffix}")
    return ", ".join(words)


def _concerned(table: DecisionTable, concern: Concern, there: set[int], base: Base) -> str:
    conditions = [_any_of(either, lambda tests: _where_sql(table, tests, base.types)) for either in concern.where]
    conditions += [
        _any_of([rule for rule in either if rule in there], lambda rule: f"_matches_{rule}")
        for either in concern.matched
    ]
    if concern.unmatched:
        conditions.append("NOT _any")
    if concern.fired:
        rules = ", ".join(map(str, concern.fired))
        conditions.append(
            f"list_has_any(_fired, [{rules}])"
            if table.hit_policy in LISTING
            else f"COALESCE(_fired IN ({rules}), FALSE)"
        )
    return " AND ".join(conditions) or "TRUE"


def _any_of(alternatives: Sequence[_Item], condition: Callable[[_Item], str]) -> str:
    return f"({' OR '.join(map(condition, alternatives)) or 'FALSE'})"


def _where_sql(table: DecisionTable, tests: Conjunction, types: Mapping[str, FieldType]) -> str:
    """Return the condition that all of these tests hold: that of a rule which says so."""
    known = {**types, **{column.name: column.type for column in table.inputs}}
    inputs = tuple(Input(test.input, known[test.input]) for test in tests)
    rule = Rule(1, tuple(Cell("", test.tests) for test in tests), ())
    asking = DecisionTable(
        "", table.purpose, HitPolicy.FIRST, inputs, (), (rule,), None, table.parameters, table.computed
    )
    return conditions_sql(asking)[1]


def _examples(
    engine: ColumnarEngine, table: DecisionTable, customer_ids: set[str], base: Base
) -> dict[str, tuple[str, str, Row]]:
    """Return these customers with all that the table sees of them, but for what it sees of a product."""
    names = ["day", *(column.name for column in (*base.columns.views, *base.columns.scores))]
    columns = ", ".join(f'"{name}"' for name in names)
    sql = f"SELECT customer_id, msisdn, {columns} FROM each_customer WHERE list_contains($examples, customer_id)"
    found = engine.fetch(sql, {"examples": sorted(customer_ids)}).to_pylist()
    complete = completed(table)
    rows = [complete(row) for row in found]
    return {
        str(row["customer_id"]): (
            str(row["customer_id"]),
            str(row["msisdn"]),
            {column.name: row[column.name] for column in table.inputs if column.name in row},
        )
        for row in rows
    }
