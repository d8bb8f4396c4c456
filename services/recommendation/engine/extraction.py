"""Fires an extraction matrix for all who have a list: who is offered what by it, under the guards that lists hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from services.recommendation.domain import BESIDE_OTHERS, Ability, Catalogue, PolicyKind
from services.recommendation.engine.assembly.customer import NEED_NONE, NOT_HELD, POTENTIAL
from services.recommendation.engine.assembly.decided import InputColumns
from services.recommendation.engine.assembly.rules import own_offer, row_outputs
from services.recommendation.engine.assembly.single import ambiguous
from services.recommendation.engine.assembly.terms import PROBABILITY_SCALE, UNCHOSEN, Weighing
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.matrix.hit_policies import DOUBTING, LISTING
from services.recommendation.engine.matrix.sql import compile_sql, matching_sql
from shared.lake.engine import ColumnarEngine
from shared.lake.matrix import MatrixColumn

LISTS, VIEWS, SCORES = "lists", "views", "scores"
"""The datasets, as the caller registers them."""
EXTRACTED = "extracted"
"""The table that comes of it: customer_id, owner_id, msisdn, city, arm, policy, product, expected_value_fen; a row per customer."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """An extraction matrix, the catalogue of the lists, the day on which its policies must be valid, and what makes values."""

    table: DecisionTable
    catalogue: Catalogue
    day: date
    weighing: Weighing = UNCHOSEN


def extract(
    engine: ColumnarEngine, extraction: Extraction, columns: InputColumns, *, cities: Sequence[str] | None
) -> None:
    """Make the table EXTRACTED of the contactable customers of LISTS in `cities` (None: everywhere).

    Of a matrix that lists rows, in the order of its hit policy, the first one counts whose policy nothing keeps from the
    customer. Raises WrongState (MATRIX_AMBIGUOUS) naming a customer where rows of a UNIQUE or ANY matrix contradict.
    """
    table = extraction.table
    compiled = compile_sql(table)
    engine.register_table("extraction_offers", _offers(extraction))
    fired = compiled.fired if table.hit_policy in LISTING else f"[{compiled.fired}]"
    parameters: dict[str, object] = {} if cities is None else {"cities": list(cities)}
    engine.execute(
        f"""
        CREATE TABLE fired AS
        SELECT _listed, _holdings, _needs, {_abilities()}, internet_access, {fired} AS _fired,
            {compiled.ambiguous or "FALSE"} AS _ambiguous,
            {matching_sql(table) if table.hit_policy in DOUBTING else "NULL"} AS _several,
            list_transform(list_filter(_holdings, lambda h: h.state NOT IN ({_NOT_HELD})), lambda h: h.product) AS _held,
            list_transform(list_filter(COALESCE(_needs, []), lambda n: n.level = '{NEED_NONE}'), lambda n: n.product)
                AS _unneeded
        FROM ({_met_sql(columns, cities, extraction.day)})
        """,
        parameters,
    )
    _refuse_ambiguous(engine, table)
    engine.execute(f"CREATE TABLE {EXTRACTED} AS {_extracted_sql(extraction.weighing)}")


def _met_sql(columns: InputColumns, cities: Sequence[str] | None, day: date) -> str:
    """Return what the matrix sees of each listed customer, every field under its own name, with the list in `_listed`."""
    within = "" if cities is None else " AND list_contains($cities, city)"
    return f"""
    SELECT *, DATE '{day.isoformat()}' AS day FROM (SELECT customer_id AS _id, products AS _holdings, {_fields(columns.views)} FROM {VIEWS}) AS v
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


_MISSING = " OR ".join(f"(needs_{ability} AND handset_{ability} IS NOT TRUE)" for ability in Ability)
_BESIDE = ", ".join(f"'{reason}'" for reason in BESIDE_OTHERS)
_STATE = f"COALESCE(_holding.state, '{POTENTIAL}')"
_NOT_HELD = ", ".join(f"'{state}'" for state in NOT_HELD)
# The same as `assembly.arbitration.bar`, and what the customer's list has blocked besides, unless for the sake of other offers.
_OPEN = f"""
    NOT COALESCE(list_contains(_listed.blocked, policy), FALSE)
    AND (len(cities) = 0 OR list_contains(cities, _listed.city))
    AND NOT ({_MISSING} OR (needs_internet AND internet_access IS NOT TRUE))
    AND (product IS NULL OR (
        {_STATE} NOT IN ('active', 'voice_plan')
        AND ({_STATE} <> 'trial' OR is_order)
        AND ({_STATE} <> 'inactive' OR _holding.provisioned)
        AND NOT (is_trial AND {_STATE} IN ('inactive', 'cancelled'))
        AND _need.level IS DISTINCT FROM '{NEED_NONE}'
    ))
    AND NOT list_has_any(combined, _held) AND NOT list_has_any(combined, _unneeded)
    AND list_has_all(_held, prerequisites)
"""


def _value(weighing: Weighing) -> str:
    """Return the expression of an offer's value (`terms.Terms.value_fen`)."""
    need = f"COALESCE(_need.probability, 0) * {PROBABILITY_SCALE}" if weighing.probability else str(PROBABILITY_SCALE)
    ten_thousandths = f"CAST(CASE WHEN product IS NULL THEN {PROBABILITY_SCALE} ELSE {need} END AS HUGEINT)"
    percent = f"CASE WHEN list_has_any(kindred, _held) THEN {100 + weighing.affinity_percent} ELSE 100 END"
    scale = PROBABILITY_SCALE * 100
    return f"CAST(({ten_thousandths} * worth_fen * {percent} + {scale // 2}) // {scale} AS BIGINT)"


def _extracted_sql(weighing: Weighing) -> str:
    """Return the query of EXTRACTED."""
    return f"""
    SELECT _listed.customer_id, _listed.owner_id, _listed.msisdn, _listed.city, _listed.arm, policy, product,
        {_value(weighing)} AS expected_value_fen
    FROM (
        SELECT *, list_filter(_holdings, lambda held: held.product = o.product)[1] AS _holding,
            list_filter(_needs, lambda need: need.product = o.product)[1] AS _need
        FROM (SELECT * EXCLUDE (_fired), unnest(_fired) AS _rule, generate_subscripts(_fired, 1) AS _at FROM fired) AS f
        JOIN extraction_offers AS o ON o.rule = f._rule
    )
    WHERE {_OPEN}
    QUALIFY row_number() OVER (PARTITION BY _listed.customer_id ORDER BY _at) = 1
    """


def _offers(extraction: Extraction) -> pa.Table:
    """Return the policies that rows give and that nothing bars for everybody, with what the guards ask of them."""
    types: dict[str, pa.DataType] = {
        "rule": pa.int32(),
        "policy": pa.string(),
        "product": pa.string(),
        "worth_fen": pa.int64(),
        "kindred": pa.list_(pa.string()),
        "cities": pa.list_(pa.string()),
        "combined": pa.list_(pa.string()),
        "prerequisites": pa.list_(pa.string()),
        "is_order": pa.bool_(),
        "is_trial": pa.bool_(),
        "needs_internet": pa.bool_(),
        **{f"needs_{ability}": pa.bool_() for ability in Ability},
    }
    rows = [dict(zip(types, values, strict=True)) for values in _offered(extraction)]
    return pa.Table.from_pylist(rows, schema=pa.schema(types))


def _offered(extraction: Extraction) -> Iterator[tuple[object, ...]]:
    """Yield the values of each offer; rows that name no policy give nothing."""
    for rule, outputs in row_outputs(extraction.table):
        policy = extraction.catalogue.policies.get(outputs.get("policy") or "")
        if policy is None:
            continue
        offer = own_offer(policy, extraction.catalogue, extraction.day, extraction.weighing, rule=rule)
        if offer.barred is None:
            named = (offer.kindred, policy.cities, policy.combined_products, policy.prerequisites)
            kinds = (policy.kind is PolicyKind.ORDER, policy.kind is PolicyKind.TRIAL)
            needs = (ability in offer.needs for ability in Ability)
            yield rule, offer.code, offer.product, offer.worth_fen, *named, *kinds, offer.needs_internet, *needs


def _refuse_ambiguous(engine: ColumnarEngine, table: DecisionTable) -> None:
    sql = "SELECT _listed.customer_id AS customer_id, _several FROM fired WHERE _ambiguous ORDER BY 1 LIMIT 1"
    for found in engine.fetch(sql).to_pylist():
        raise ambiguous(table, found["customer_id"], found["_several"])


def _abilities() -> str:
    return ", ".join(f"handset_{ability}" for ability in Ability)


def _fields(columns: Sequence[MatrixColumn]) -> str:
    return ", ".join(f'{column.sql} AS "{column.name}"' for column in columns)
