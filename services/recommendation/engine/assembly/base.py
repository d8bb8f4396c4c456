"""Assembles the lists of the whole base in columns: the same as `assemble` gives for each customer.

Steps are tables in the engine: `decided` (one row per customer with the rows that fired), `found` (one row per policy found),
then lists and rejects as queries. Columns of our own begin with "_", as no field of a contract does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from services.recommendation.domain import Ability, BlockReason, Zone
from services.recommendation.engine.assembly.customer import (
    NO_ARM,
    NO_PRIORITY,
    NOT_SCORED,
    POTENTIAL,
    PROBABILITY_SCALE,
    ambiguous,
)
from services.recommendation.engine.assembly.rules import Offer, Rules, new_service_offers, retention_offers
from services.recommendation.engine.matrix import DecisionTable, HitPolicy
from services.recommendation.engine.matrix.sql import compile_sql, output_sql
from shared.lake.engine import ColumnarEngine
from shared.lake.matrix import MatrixColumn

VIEWS, SCORES, MEMBERSHIP = "views", "scores", "membership"
"""The datasets, as the caller registers them."""

REJECTS_SQL = "SELECT customer_id, _reject AS reason FROM decided WHERE _reject IS NOT NULL"

# Lists are collected as they come and sorted each by itself: an ordered aggregate takes ten times as long. Records are sorted
# by their first fields, which are unique within a customer.
LISTS_SQL = """
SELECT
    d.customer_id, d.owner_id, d.msisdn, d.city, d.arm, d.contactable,
    [d._first, d._second] AS zone_order,
    d._priority_rule AS priority_rule,
    COALESCE(list_transform(list_sort(f.recommended), lambda r, place: {
        'zone': r.zone, 'rank': CASE WHEN r._zone_place = 1 THEN place ELSE place - f._first_zone_count END,
        'policy': r.policy, 'policy_group': r.policy_group, 'product': r.product, 'need_level': r.need_level,
        'rule': r.rule, 'expected_value_fen': r.expected_value_fen
    }), []) AS recommendations,
    COALESCE(list_transform(list_sort(f.blocked), lambda b: {
        'zone': b.zone, 'policy': b.policy, 'rule': b.rule, 'reason': b.reason
    }), []) AS blocked
FROM decided AS d
LEFT JOIN (
    SELECT customer_id,
        list({
            '_zone_place': _zone_place, '_order': _order, 'policy': policy, 'zone': zone, 'policy_group': policy_group,
            'product': product, 'need_level': need_level, 'rule': rule, 'expected_value_fen': expected_value_fen
        }) FILTER (reason IS NULL) AS recommended,
        count(*) FILTER (reason IS NULL AND _zone_place = 1) AS _first_zone_count,
        list({
            '_zone_place': _zone_place, '_found_product': _found_product, 'rule': rule, '_place': _place,
            'zone': zone, 'policy': policy, 'reason': reason
        }) FILTER (reason IS NOT NULL) AS blocked
    FROM found
    GROUP BY customer_id
) AS f ON f.customer_id = d.customer_id
WHERE d._reject IS NULL
"""


@dataclass(frozen=True, slots=True)
class InputColumns:
    """What views and scores offer to matrices."""

    views: Sequence[MatrixColumn]
    scores: Sequence[MatrixColumn]


def prepare(engine: ColumnarEngine, rules: Rules, columns: InputColumns) -> None:
    """Decide and find for everyone in VIEWS; then REJECTS_SQL and LISTS_SQL can be asked.

    Raises WrongState (MATRIX_AMBIGUOUS) naming a customer where two rows of a UNIQUE matrix match.
    """
    engine.execute(_joined_sql(columns))
    engine.register_table("products", pa.table({"product": pa.array(rules.products, pa.string())}))
    engine.register_table("retention_offers", _offer_table(retention_offers(rules)))
    engine.register_table("new_service_offers", _offer_table(new_service_offers(rules)))
    engine.execute(f"CREATE TABLE decided AS {_decided_sql(rules)}")
    engine.execute(f"CREATE TABLE pairs AS {_pairs_sql(rules.new_service)}")
    _refuse_ambiguous(engine, rules)
    engine.execute(
        f"CREATE TABLE found AS {_retention_found_sql()} UNION ALL {_new_service_found_sql(rules.new_service)}"
    )


def _joined_sql(columns: InputColumns) -> str:
    return f"""
    CREATE VIEW joined AS
    SELECT v.*, s.* EXCLUDE (_scored_id), s._scored_id IS NOT NULL AS _scored, m.arm
    FROM (SELECT customer_id, owner_id, msisdn, products AS _holdings, {_fields(columns.views)} FROM {VIEWS}) AS v
    LEFT JOIN (SELECT customer_id AS _scored_id, needs AS _needs, {_fields(columns.scores)} FROM {SCORES}) AS s
        ON s._scored_id = v.customer_id
    LEFT JOIN (SELECT customer_id AS _member_id, arm FROM {MEMBERSHIP}) AS m ON m._member_id = v.customer_id
    """


def _fields(columns: Iterable[MatrixColumn]) -> str:
    return ", ".join(f'{column.sql} AS "{column.name}"' for column in columns)


def _decided_sql(rules: Rules) -> str:
    priority, retention = compile_sql(rules.priority), compile_sql(rules.retention)
    abilities = ", ".join(f"handset_{ability}" for ability in Ability)
    reject = f"""CASE WHEN NOT _scored THEN '{NOT_SCORED}' WHEN arm IS NULL THEN '{NO_ARM}'
        WHEN _priority_rule IS NULL THEN '{NO_PRIORITY}' END"""
    return f"""
    SELECT
        customer_id, owner_id, msisdn, city, arm, {abilities},
        NOT red_list AND COALESCE(marketing_consent, {rules.consent_default}) AS contactable,
        {reject} AS _reject, _priority_rule, _retention_rule,
        _scored AND arm IS NOT NULL AND _priority_ambiguous AS _priority_ambiguous,
        {reject} IS NULL AND _retention_ambiguous AS _retention_ambiguous,
        {output_sql(rules.priority, "first", "_priority_rule")} AS _first,
        {output_sql(rules.priority, "second", "_priority_rule")} AS _second
    FROM (
        SELECT *, {priority.fired} AS _priority_rule, {retention.fired} AS _retention_rule,
            {priority.ambiguous or "FALSE"} AS _priority_ambiguous,
            {retention.ambiguous or "FALSE"} AS _retention_ambiguous
        FROM joined
    )
    """


def _pairs_sql(table: DecisionTable) -> str:
    """Return one row per listed customer and product, with the rows that fired as a list."""
    compiled = compile_sql(table)
    fired = compiled.fired if table.hit_policy is HitPolicy.COLLECT else f"[{compiled.fired}]"
    return f"""
    SELECT customer_id, product, product_state, need_level, need_probability, _provisioned,
        {fired} AS _fired, {compiled.ambiguous or "FALSE"} AS _ambiguous
    FROM ({_asked_sql()}) WHERE customer_id IN (SELECT customer_id FROM decided WHERE _reject IS NULL)
    """


def _asked_sql() -> str:
    return f"""
    SELECT * EXCLUDE (_holding, _need), COALESCE(_holding.state, '{POTENTIAL}') AS product_state,
        _holding.provisioned AS _provisioned, _need.level AS need_level, _need.probability AS need_probability
    FROM (
        SELECT joined.*, products.product,
            list_filter(_holdings, lambda held: held.product = products.product)[1] AS _holding,
            list_filter(_needs, lambda need: need.product = products.product)[1] AS _need
        FROM joined CROSS JOIN products
    )
    """


def _retention_found_sql() -> str:
    return f"""
    SELECT d.customer_id, o.rule, o.policy, o.policy_group, CAST(NULL AS VARCHAR) AS product,
        CAST(NULL AS VARCHAR) AS need_level, o.margin_fen AS expected_value_fen, {_zone("retention")}, o.place AS _order,
        o.place AS _place, '' AS _found_product, {_reason()} END AS reason
    FROM decided AS d JOIN retention_offers AS o ON o.rule = d._retention_rule
    WHERE d._reject IS NULL
    """


def _new_service_found_sql(table: DecisionTable) -> str:
    # Only COLLECT can give one policy by several rows.
    once = (
        ""
        if table.hit_policy is not HitPolicy.COLLECT
        else """
        QUALIFY row_number() OVER (PARTITION BY d.customer_id, o.product, o.policy ORDER BY o.rule) = 1"""
    )
    value = f"""CAST((CAST(COALESCE(p.need_probability, 0) * {PROBABILITY_SCALE} AS HUGEINT) * o.margin_fen
        + {PROBABILITY_SCALE // 2}) // {PROBABILITY_SCALE} AS BIGINT)"""
    reasons = f"""{_reason()}
        WHEN p.product_state = 'active' THEN '{BlockReason.ALREADY_ACTIVE}'
        WHEN p.product_state = 'trial' THEN '{BlockReason.IN_TRIAL}'
        WHEN p.product_state = 'inactive' AND p._provisioned IS NOT TRUE THEN '{BlockReason.NOT_PROVISIONED}'
        WHEN p.need_level = 'none' THEN '{BlockReason.NEED_NONE}' END"""
    return f"""
    SELECT d.customer_id, o.rule, o.policy, CAST(NULL AS VARCHAR) AS policy_group, o.product, p.need_level,
        {value} AS expected_value_fen, {_zone("new_service")}, -{value} AS _order,
        0 AS _place, o.product AS _found_product, {reasons} AS reason
    FROM (SELECT * EXCLUDE (_fired), unnest(_fired) AS _rule FROM pairs) AS p
    JOIN new_service_offers AS o ON o.rule = p._rule AND o.product = p.product
    JOIN decided AS d ON d.customer_id = p.customer_id
    {once}
    """


def _zone(zone: str) -> str:
    return f"'{Zone(zone)}' AS zone, CASE WHEN d._first = '{Zone(zone)}' THEN 1 ELSE 2 END AS _zone_place"


def _reason() -> str:
    """Return a CASE without its end: what bars everyone, then the handset's abilities in their order."""
    handset = " ".join(
        f"WHEN o.needs_{ability} AND d.handset_{ability} IS NOT TRUE THEN 'handset_{ability}'" for ability in Ability
    )
    return f"CASE WHEN o.barred IS NOT NULL THEN o.barred {handset}"


def _offer_table(offers: Iterable[Offer]) -> pa.Table:
    types: dict[str, pa.DataType] = {
        "rule": pa.int32(),
        "place": pa.int64(),
        "policy": pa.string(),
        "policy_group": pa.string(),
        "product": pa.string(),
        "margin_fen": pa.int64(),
        "barred": pa.string(),
        **{f"needs_{ability}": pa.bool_() for ability in Ability},
    }
    rows = [
        {
            "rule": offer.rule,
            "place": offer.place,
            "policy": offer.policy,
            "policy_group": offer.policy_group,
            "product": offer.product,
            "margin_fen": offer.margin_fen,
            "barred": offer.barred,
            **{f"needs_{ability}": ability in offer.needs for ability in Ability},
        }
        for offer in offers
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(types))


def _refuse_ambiguous(engine: ColumnarEngine, rules: Rules) -> None:
    """Raise for the first customer, by id, for whom a UNIQUE matrix gave more than one row."""
    asked = (
        (rules.priority, "decided WHERE _priority_ambiguous", "joined"),
        (rules.retention, "decided WHERE _retention_ambiguous", "joined"),
        (rules.new_service, "pairs WHERE _ambiguous", f"({_asked_sql()}) SEMI JOIN pairs USING (customer_id, product)"),
    )
    for table, where, relation in asked:
        if table.hit_policy is not HitPolicy.UNIQUE:
            continue
        (customer_id,) = engine.fetch(f"SELECT min(customer_id) AS example FROM {where}")["example"].to_pylist()
        if customer_id is not None:
            every = compile_sql(replace(table, hit_policy=HitPolicy.COLLECT)).fired
            sql = f"SELECT rules FROM (SELECT *, {every} AS rules FROM {relation}) WHERE customer_id = $id AND len(rules) > 1"
            raise ambiguous(table, customer_id, engine.fetch(sql, {"id": customer_id})["rules"][0].as_py())
