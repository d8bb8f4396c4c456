"""Fires an extraction matrix for all who have a list: who is offered what by it, under the guards that lists hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa

from services.recommendation.domain import BESIDE_OTHERS, Ability, Catalogue, PolicyKind
from services.recommendation.engine.assembly.customer import POTENTIAL, PROBABILITY_SCALE
from services.recommendation.engine.assembly.decided import InputColumns
from services.recommendation.engine.assembly.rules import dilutes, handset_needs, row_outputs
from services.recommendation.engine.assembly.single import ambiguous
from services.recommendation.engine.matrix import DecisionTable, HitPolicy
from services.recommendation.engine.matrix.sql import compile_sql
from shared.lake.engine import ColumnarEngine
from shared.lake.matrix import MatrixColumn

LISTS, VIEWS, SCORES = "lists", "views", "scores"
"""The datasets, as the caller registers them."""
EXTRACTED = "extracted"
"""The table that comes of it: customer_id, owner_id, msisdn, city, arm, policy, product, expected_value_fen; a row per customer."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """An extraction matrix, the catalogue of the lists, and the day on which its policies must be valid."""

    table: DecisionTable
    catalogue: Catalogue
    day: date


def extract(
    engine: ColumnarEngine, extraction: Extraction, columns: InputColumns, *, cities: Sequence[str] | None
) -> None:
    """Make the table EXTRACTED of the contactable customers of LISTS in `cities` (None: everywhere).

    Of a COLLECT matrix the first row counts whose policy nothing keeps from the customer. Raises WrongState
    (MATRIX_AMBIGUOUS) naming a customer where two rows of a UNIQUE matrix match.
    """
    table = extraction.table
    compiled = compile_sql(table)
    engine.register_table("extraction_offers", _offers(extraction))
    fired = compiled.fired if table.hit_policy is HitPolicy.COLLECT else f"[{compiled.fired}]"
    parameters: dict[str, object] = {} if cities is None else {"cities": list(cities)}
    engine.execute(
        f"""
        CREATE TABLE fired AS
        SELECT _listed, _holdings, _needs, {_abilities()}, {fired} AS _fired, {_several(table)} AS _several
        FROM ({_met_sql(columns, cities)})
        """,
        parameters,
    )
    _refuse_ambiguous(engine, table)
    engine.execute(f"CREATE TABLE {EXTRACTED} AS {_EXTRACTED_SQL}")


def _met_sql(columns: InputColumns, cities: Sequence[str] | None) -> str:
    """Return what the matrix sees of each listed customer, every field under its own name, with the list in `_listed`."""
    within = "" if cities is None else " AND list_contains($cities, city)"
    return f"""
    SELECT * FROM (SELECT customer_id AS _id, products AS _holdings, {_fields(columns.views)} FROM {VIEWS}) AS v
    JOIN (
        SELECT customer_id AS _listed_id, {{
            'customer_id': customer_id, 'owner_id': owner_id, 'msisdn': msisdn, 'city': city, 'arm': arm,
            'blocked': list_transform(list_filter(blocked, lambda b: b.reason NOT IN ({_BESIDE})), lambda b: b.policy)
        }} AS _listed
        FROM {LISTS} WHERE contactable{within}
    ) AS l ON _listed_id = _id
    LEFT JOIN (SELECT customer_id AS _scored_id, needs AS _needs, {_fields(columns.scores)} FROM {SCORES}) AS s
        ON _scored_id = _id
    """


_VALUE = f"""CASE WHEN product IS NULL THEN margin_fen ELSE CAST(
    (CAST(COALESCE(_need.probability, 0) * {PROBABILITY_SCALE} AS HUGEINT) * margin_fen + {PROBABILITY_SCALE // 2})
    // {PROBABILITY_SCALE} AS BIGINT) END"""
_MISSING = " OR ".join(f"(needs_{ability} AND handset_{ability} IS NOT TRUE)" for ability in Ability)
_NAMED_SQL = """COALESCE(list_transform(
            list_filter(_holdings, lambda held: held.state <> 'cancelled'), lambda held: held.product), []) AS _had,
        COALESCE(list_transform(
            list_filter(_needs, lambda need: need.level = 'none'), lambda need: need.product), []) AS _unneeded"""
_BESIDE = ", ".join(f"'{reason}'" for reason in BESIDE_OTHERS)
_EXTRACTED_SQL = f"""
SELECT _listed.customer_id, _listed.owner_id, _listed.msisdn, _listed.city, _listed.arm, policy, product,
    {_VALUE} AS expected_value_fen
FROM (
    SELECT *, list_filter(_holdings, lambda held: held.product = o.product)[1] AS _holding,
        {_NAMED_SQL},
        list_filter(_needs, lambda need: need.product = o.product)[1] AS _need
    FROM (SELECT * EXCLUDE (_fired), unnest(_fired) AS _rule FROM fired) AS f
    JOIN extraction_offers AS o ON o.rule = f._rule
)
WHERE NOT COALESCE(list_contains(_listed.blocked, policy), FALSE)
    AND NOT ({_MISSING}) AND (NOT needs_internet OR internet_access IS TRUE)
    AND (len(cities) = 0 OR list_contains(cities, _listed.city))
    AND list_has_all(_had, prerequisites) AND NOT list_has_any(_had, combined) AND NOT list_has_any(_unneeded, combined)
    AND (product IS NULL OR (
        COALESCE(_holding.state, '{POTENTIAL}') IN ('{POTENTIAL}', 'inactive', 'cancelled')
        AND (_holding.state IS DISTINCT FROM 'inactive' OR _holding.provisioned)
        AND NOT (kind = '{PolicyKind.TRIAL}' AND _holding.state IS NOT NULL)
        AND _need.level IS DISTINCT FROM 'none'
        OR kind = '{PolicyKind.ORDER}' AND _holding.state = 'trial' AND _need.level IS DISTINCT FROM 'none'
    ))
QUALIFY row_number() OVER (PARTITION BY _listed.customer_id ORDER BY rule) = 1
"""


def _offers(extraction: Extraction) -> pa.Table:
    """Return the policies that rows give and that are offered on the day."""
    types: dict[str, pa.DataType] = {
        "rule": pa.int32(),
        "policy": pa.string(),
        "product": pa.string(),
        "margin_fen": pa.int64(),
        "kind": pa.string(),
        "cities": pa.list_(pa.string()),
        "prerequisites": pa.list_(pa.string()),
        "combined": pa.list_(pa.string()),
        "needs_internet": pa.bool_(),
        **{f"needs_{ability}": pa.bool_() for ability in Ability},
    }
    rows = [dict(zip(types, values, strict=True)) for values in _offered(extraction)]
    return pa.Table.from_pylist(rows, schema=pa.schema(types))


def _offered(extraction: Extraction) -> Iterator[tuple[object, ...]]:
    for rule, outputs in row_outputs(extraction.table):
        policy = extraction.catalogue.policies.get(outputs.get("policy") or "")
        if policy is not None and policy.valid_on(extraction.day) and not dilutes(policy):
            products = [extraction.catalogue.products[product] for product in policy.products]
            needs = handset_needs(policy, products)
            yield (
                rule,
                policy.policy,
                policy.product or None,
                policy.margin_fen,
                policy.kind,
                policy.cities,
                policy.prerequisites,
                policy.combined_products,
                any(product.needs_internet for product in products),
                *(ability in needs for ability in Ability),
            )


def _refuse_ambiguous(engine: ColumnarEngine, table: DecisionTable) -> None:
    if table.hit_policy is not HitPolicy.UNIQUE:
        return
    sql = "SELECT _listed.customer_id AS customer_id, _several FROM fired WHERE len(_several) > 1 ORDER BY 1 LIMIT 1"
    for found in engine.fetch(sql).to_pylist():
        raise ambiguous(table, found["customer_id"], found["_several"])


def _several(table: DecisionTable) -> str:
    """Return the list of all rows that match, where more than one is a fault."""
    if table.hit_policy is not HitPolicy.UNIQUE:
        return "NULL"
    return compile_sql(replace(table, hit_policy=HitPolicy.COLLECT)).fired


def _abilities() -> str:
    return ", ".join((*(f"handset_{ability}" for ability in Ability), "internet_access"))


def _fields(columns: Sequence[MatrixColumn]) -> str:
    return ", ".join(f'{column.sql} AS "{column.name}"' for column in columns)
