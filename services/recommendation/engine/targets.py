"""Picks the targets of a push plan from policy lists: the best by value, some by lot, and those who are only followed."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.recommendation.domain import Ability, Arm, Zone
from services.recommendation.engine.extraction import EXTRACTED, LISTS, VIEWS
from shared.lake.engine import ColumnarEngine

TARGETS = "targets"
"""The outcome, as the caller registers it."""

RANDOM_SHARE = 4
"""The random arm gets at most one contact for so many of the limit: enough to measure by, few enough to afford."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom to pick: customers whose first recommendation in `zone` is `policy` (empty: any), or without a zone those that were
    extracted; at most `limit` in the targeted arm (0: all), in `cities` (None: everywhere), all with handsets that have the
    abilities in `needs`. `seed` decides the lots of the random arm."""

    zone: Zone | None
    policy: str
    limit: int
    cities: Sequence[str] | None
    needs: Sequence[Ability]
    seed: str


def targets_query(choice: Choice) -> tuple[str, dict[str, object]]:
    """Return the query of `TargetRow`s over VIEWS and LISTS or EXTRACTED, and its parameters.

    All must be contactable. Of one owner's lines one counts: the best value, then the lowest customer id; in the random arm
    the first by lot. The targeted arm goes by value, down to the limit; the random arm by lot, down to a quarter of it
    (rounded up); the control arm is whole, by lot. Ranks run through the arms in this order.
    """
    offered, parameters = (
        (f"SELECT * FROM {EXTRACTED}", {}) if choice.zone is None else _first_offers(choice, choice.zone)
    )
    parameters["seed"] = choice.seed
    sql = f"""
    WITH qualified AS (
        SELECT *,
            CASE arm WHEN '{Arm.TARGETED}' THEN 1 WHEN '{Arm.RANDOM}' THEN 2 ELSE 3 END AS arm_place,
            CASE arm WHEN '{Arm.TARGETED}' THEN '' ELSE sha256(concat_ws('|', $seed, customer_id)) END AS lot
        FROM ({offered}) JOIN (SELECT customer_id, number_since FROM {VIEWS} WHERE {_able(choice.needs)}) USING (customer_id)
    ),
    lines AS (
        SELECT * FROM qualified
        QUALIFY row_number() OVER (
            PARTITION BY owner_id, arm
            ORDER BY CASE arm WHEN '{Arm.RANDOM}' THEN lot ELSE '' END, expected_value_fen DESC, customer_id
        ) = 1
    ),
    placed AS (
        SELECT *, row_number() OVER (
            PARTITION BY arm ORDER BY lot, expected_value_fen DESC, customer_id
        ) AS place FROM lines
    )
    SELECT row_number() OVER (ORDER BY arm_place, place) AS rank,
        customer_id, owner_id, msisdn, city, arm, policy, product, expected_value_fen, number_since
    FROM placed
    WHERE {_within_limit(choice.limit)}
    """
    return sql, parameters


def _first_offers(choice: Choice, zone: Zone) -> tuple[str, dict[str, object]]:
    """Return the query of those whose first recommendation in the zone is offered, and its parameters."""
    parameters: dict[str, object] = {"zone": str(zone)}
    conditions = ["top IS NOT NULL"]
    if choice.policy:
        conditions.append("top.policy = $policy")
        parameters["policy"] = choice.policy
    if choice.cities is not None:
        conditions.append("list_contains($cities, city)")
        parameters["cities"] = list(choice.cities)
    sql = f"""
    SELECT * EXCLUDE (top), top.policy AS policy, top.product AS product, top.expected_value_fen AS expected_value_fen
    FROM (
        SELECT customer_id, owner_id, msisdn, city, arm,
            list_filter(recommendations, lambda r: r.zone = $zone AND r.rank = 1)[1] AS top
        FROM {LISTS} WHERE contactable
    )
    WHERE {" AND ".join(conditions)}
    """
    return sql, parameters


def _able(needs: Sequence[Ability]) -> str:
    """Return the condition of views; an ability that nobody knows of is none."""
    return " AND ".join(["TRUE", *(f"COALESCE(handset_{need}, FALSE)" for need in needs)])


def count_arms(engine: ColumnarEngine) -> dict[str, int]:
    """Return how many rows of TARGETS each arm has; an empty arm has 0."""
    counted = engine.fetch(f"SELECT arm, count(*) AS count FROM {TARGETS} GROUP BY arm").to_pylist()
    return {**dict.fromkeys(map(str, Arm), 0), **{row["arm"]: row["count"] for row in counted}}


def _within_limit(limit: int) -> str:
    if not limit:
        return "TRUE"
    random_limit = -(-limit // RANDOM_SHARE)
    return (
        f"place <= CASE arm WHEN '{Arm.TARGETED}' THEN {limit} WHEN '{Arm.RANDOM}' THEN {random_limit} ELSE place END"
    )
