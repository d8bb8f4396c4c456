"""Sums compared customers up: flows and loads by SQL over them, the rest from the counts of the batches."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from services.recommendation.domain import BlockReason
from services.recommendation.domain.previews import (
    Change,
    Channel,
    Flow,
    Flows,
    Load,
    Money,
    MoneyChange,
    Preview,
    Recommended,
)
from services.recommendation.engine.assembly.facts import LEVELS, REASONS, ZONES, Ints
from services.recommendation.engine.preview.compare import NO_LIST, ORDERS, Comparison, Counts
from services.recommendation.engine.preview.lists import CHANNELS
from services.recommendation.engine.preview.rows import row_counts
from services.recommendation.engine.preview.tally import Tally
from shared.lake.engine import ColumnarEngine

COMPARED_TABLE = "compared"
"""The table of compared customers (`compare.COMPARED`)."""
FLOWS_TOLD = 500
"""So many flows of a kind are told one by one."""

_CUSTOMERS_SQL = f"SELECT count(*) AS customers, count(*) FILTER (changed) AS changed FROM {COMPARED_TABLE}"
_MOVED_SQL = f"""
SELECT policy, count(*) FILTER (came) AS gained, count(*) FILTER (NOT came) AS lost FROM (
    SELECT unnest(added) AS policy, TRUE AS came FROM {COMPARED_TABLE} UNION ALL SELECT unnest(removed), FALSE FROM {COMPARED_TABLE}
) GROUP BY policy
"""
_CHANGED_SQL = f"""
SELECT row_number() OVER (ORDER BY customer_id) AS place, customer_id, city,
    COALESCE($orders[zones_before + 1], []) AS zone_order_before, COALESCE($orders[zones_after + 1], []) AS zone_order_after,
    $codes[main_before + 1] AS main_policy_before, $codes[main_after + 1] AS main_policy_after,
    list_transform(added, lambda number: $codes[number + 1]) AS policies_added,
    list_transform(removed, lambda number: $codes[number + 1]) AS policies_removed, reordered
FROM {COMPARED_TABLE} WHERE changed
"""


def changed_query(comparison: Comparison) -> tuple[str, Mapping[str, object]]:
    """Return the query of those whose lists would change (`PreviewChange`), and its parameters; no place 0 is in a list, so
    that NONE becomes null."""
    return _CHANGED_SQL, {"orders": [list(map(str, order)) for order in ORDERS], "codes": list(comparison.codes)}


def summary(
    engine: ColumnarEngine, comparison: Comparison, counts: Counts, capacities: Mapping[Channel, int]
) -> Preview:
    """Return all counts of a preview over COMPARED_TABLE."""
    (totals,) = engine.fetch(_CUSTOMERS_SQL).to_pylist()
    orders = [" > ".join(order) for order in ORDERS]
    flows = {
        column: _flows(engine, column, names)
        for column, names in (("zones", orders), ("main", comparison.codes), ("product", comparison.products))
    }
    rejects = _rejects(engine)
    return Preview(
        customers=totals["customers"],
        changed=totals["changed"],
        lists=Change(*(totals["customers"] - sum(rejected) for rejected in _sides(rejects))),
        rejects=rejects,
        blocked=_blocked(counts),
        rows=tuple(row_counts(*comparison.counters, counts.fired_before, counts.fired_after)),
        zone_orders=flows["zones"],
        main_policies=flows["main"],
        first_products=flows["product"],
        policies=tuple(_policies(engine, comparison, counts)),
        products=tuple(_products(comparison, counts)),
        loads=tuple(_loads(engine, capacities)),
        money=tuple(_money(comparison.cities, counts.before, counts.after)),
    )


def _sides(changes: Mapping[str, Change]) -> tuple[Sequence[int], Sequence[int]]:
    return [change.before for change in changes.values()], [change.after for change in changes.values()]


def _rejects(engine: ColumnarEngine) -> Mapping[str, Change]:
    """Return by reason the customers without a list."""
    sides = [
        {row["reject"]: row["count"] for row in engine.fetch(_rejects_sql(when)).to_pylist()}
        for when in ("before", "after")
    ]
    counts = {reason: [side.get(number, 0) for side in sides] for number, reason in enumerate(NO_LIST) if reason}
    return {reason: Change(*pair) for reason, pair in counts.items() if any(pair)}


def _rejects_sql(when: str) -> str:
    return f"SELECT reject_{when} AS reject, count(*) AS count FROM {COMPARED_TABLE} GROUP BY ALL"


def _blocked(counts: Counts) -> Mapping[str, Change]:
    pairs = zip(REASONS, counts.before.reasons.tolist(), counts.after.reasons.tolist(), strict=True)
    changes = {reason: Change(before, after) for reason, before, after in pairs if reason is not None}
    return {BlockReason(reason): change for reason, change in changes.items() if change != Change(0, 0)}


def _flows(engine: ColumnarEngine, column: str, names: Sequence[str]) -> Flows:
    """Return the flows of one answer, the largest first, then by number."""
    sql = f"""
    SELECT {column}_before AS source, {column}_after AS target, count(*) AS customers
    FROM {COMPARED_TABLE} GROUP BY ALL ORDER BY customers DESC, source, target
    """
    counted = engine.fetch(sql).to_pylist()
    told = (
        Flow(_name(names, row["source"]), _name(names, row["target"]), row["customers"]) for row in counted[:FLOWS_TOLD]
    )
    return Flows(tuple(told), sum(row["customers"] for row in counted[FLOWS_TOLD:]))


def _name(names: Sequence[str], number: int) -> str:
    return names[number] if number >= 0 else ""


def _policies(engine: ColumnarEngine, comparison: Comparison, counts: Counts) -> Iterator[Recommended]:
    moved = {row["policy"]: (row["gained"], row["lost"]) for row in engine.fetch(_MOVED_SQL).to_pylist()}
    pairs = zip(comparison.codes, counts.before.policies.tolist(), counts.after.policies.tolist(), strict=True)
    for number, (code, before, after) in enumerate(pairs):
        if before or after:
            yield Recommended(code, Change(before, after), *moved.get(number, (0, 0)))


def _products(comparison: Comparison, counts: Counts) -> Iterator[Recommended]:
    columns = (counts.before.products, counts.after.products, counts.gained, counts.lost)
    for code, before, after, gained, lost in zip(
        comparison.products, *(each.tolist() for each in columns), strict=True
    ):
        if before or after:
            yield Recommended(code, Change(before, after), gained, lost)


def _loads(engine: ColumnarEngine, capacities: Mapping[Channel, int]) -> Iterator[Load]:
    """Yield what each channel could be asked to bring; a person with several lines is contacted once."""
    counted = ", ".join(
        f"count(*) FILTER (({when} >> {bit}) & 1 = 1) AS {channel}_{when}"
        for bit, channel in enumerate(CHANNELS)
        for when in ("before", "after")
    )
    sql = f"""
    SELECT {counted} FROM (
        SELECT bit_or(reach_before) AS before, bit_or(reach_after) AS after
        FROM {COMPARED_TABLE} WHERE reach_before | reach_after <> 0 GROUP BY owner_id
    )
    """
    (row,) = engine.fetch(sql).to_pylist()
    for channel in CHANNELS:
        yield Load(channel, Change(row[f"{channel}_before"], row[f"{channel}_after"]), capacities.get(channel))


def _money(cities: Sequence[str], before: Tally, after: Tally) -> Iterator[MoneyChange]:
    levels = (*LEVELS, "")
    for city, zone, level in np.argwhere((before.money[..., 0] + after.money[..., 0]) > 0).tolist():
        sums = (_sums(side.money[city, zone, level]) for side in (before, after))
        yield MoneyChange(cities[city], ZONES[zone], levels[level], *sums)


def _sums(measures: Ints) -> Money:
    return Money(*measures.tolist())
