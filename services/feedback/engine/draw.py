"""Draws the arms of a cycle: by owner, so that one person's lines share an arm; by hash, so that the same seed draws the same."""

from shared.lake.engine import ColumnarEngine

VIEWS = "views"
_BUCKETS = 10_000

_DRAW = f"""
WITH lots AS (
    SELECT customer_id, ('0x' || substr(sha256($seed || ':' || owner_id), 1, 12))::UBIGINT % {_BUCKETS} AS lot
    FROM {VIEWS}
)
SELECT
    customer_id,
    CASE
        WHEN lot < $control * {_BUCKETS // 100} THEN 'control'
        WHEN lot < ($control + $random) * {_BUCKETS // 100} THEN 'random'
        ELSE 'targeted'
    END AS arm
FROM lots
"""
"""A cryptographic hash, so that arms of different seeds are independent; 48 bits of it, so that buckets are even."""


def draw_query(*, seed: int, control_percent: int, random_percent: int) -> tuple[str, dict[str, str | int]]:
    """Return the query over relation `views` that gives (customer_id, arm), and its parameters."""
    return _DRAW, {"seed": str(seed), "control": control_percent, "random": random_percent}


def count_arms(engine: ColumnarEngine, relation: str) -> dict[str, int]:
    """Return customers per arm."""
    table = engine.fetch(f"SELECT arm, count(*)::BIGINT AS customers FROM {relation} GROUP BY arm ORDER BY arm")
    return {str(row["arm"]): int(row["customers"]) for row in table.to_pylist()}
