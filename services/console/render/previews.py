"""Shows a preview to a planner: what changes first, the largest changes first, what stays as it is in one word."""

from collections.abc import Callable, Iterable, Sequence

from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.recommendation.v1 import matrix_preview_pb2 as pb

from services.console.render.output import Output, enum_word

_TOLD = 15
"""So many lines of a table are shown."""
_NONE = "(none)"
_Line = tuple[object, ...]


def print_preview(preview: pb.MatrixPreview, output: Output) -> None:
    """Print all tables."""
    _print_summary(preview, output)
    _print_flows("Zone orders", preview.zone_orders, preview.customer_count, output)
    _print_flows("Main policies", preview.main_policies, preview.customer_count, output)
    _print_flows("First products", preview.first_products, preview.customer_count, output)
    _print_most(
        "Policies recommended to others",
        ("policy", "before", "after", "gained", "lost"),
        _moved(preview.policies),
        output,
    )
    _print_most(
        "Rows that fire for others",
        ("matrix", "row", "gives", "before", "after", "change"),
        _rows(preview.rows),
        output,
    )
    _print_reasons(preview, output)
    loads = [_load(load) for load in preview.loads]
    output.table("Load of channels, in persons", ("channel", "before", "after", "capacity", ""), loads)
    _print_money("city", [(each.city, each) for each in preview.money], output)
    _print_money(
        "need level", [(each.need_level or "(none asked, or not scored)", each) for each in preview.money], output
    )
    output.line(f"{preview.changed_count:,} changed customers are the dataset {preview.changes.uri} of {preview.name}.")


def _print_summary(preview: pb.MatrixPreview, output: Output) -> None:
    before, after = (_summed(getattr(each, side) for each in preview.money) for side in ("before", "after"))
    share = 100 * preview.changed_count / preview.customer_count if preview.customer_count else 0.0
    output.facts(
        f"Drafts compared with what is published, on the inputs of {preview.assembly_run}",
        {
            "customers": preview.customer_count,
            "lists change": f"{preview.changed_count:,} ({share:.1f}%)",
            "lists": _from_to(preview.lists.before, preview.lists.after),
            "offers": _from_to(before.offer_count, after.offer_count),
            "accepted": _from_to(_whole(before.accepted_ten_thousandths), _whole(after.accepted_ten_thousandths)),
            "cost": f"{_from_to(_yuan(before.cost_fen), _yuan(after.cost_fen))} yuan",
            "return": f"{_from_to(_yuan(before.return_fen), _yuan(after.return_fen))} yuan",
            "dilution": f"{_from_to(_yuan(before.dilution_fen), _yuan(after.dilution_fen))} yuan a month",
        },
    )


def _print_flows(title: str, flows: pb.PreviewFlows, customers: int, output: Output) -> None:
    moved = [flow for flow in flows.flows if flow.source != flow.target]
    kept = sum(flow.customer_count for flow in flows.flows if flow.source == flow.target)
    lines = [(flow.source or _NONE, flow.target or _NONE, flow.customer_count) for flow in moved]
    if not lines:
        small = f"only small flows, {flows.other_count:,} customers in all" if flows.other_count else "nobody's changes"
        output.line(f"{title}: {small}")
        return
    _print_most(
        f"{title}: {customers - kept:,} change, {kept:,} keep theirs", ("from", "to", "customers"), lines, output
    )


def _print_most(title: str, columns: Sequence[str], lines: Sequence[_Line], output: Output) -> None:
    more = f"; the first {_TOLD} of {len(lines)}" if len(lines) > _TOLD else ""
    output.table(f"{title}{more}", columns, lines[:_TOLD])


def _moved(policies: Iterable[pb.RecommendedCount]) -> list[_Line]:
    moved = sorted(
        (each for each in policies if each.gained_count or each.lost_count),
        key=lambda each: (-each.gained_count - each.lost_count, each.code),
    )
    return [
        (each.code, each.customers.before, each.customers.after, each.gained_count, each.lost_count) for each in moved
    ]


def _rows(rows: Iterable[pb.RowCount]) -> list[_Line]:
    changed = [row for row in rows if row.customers.before != row.customers.after]
    changed.sort(key=lambda row: -abs(row.customers.after - row.customers.before))
    return [
        (row.matrix, _row(row), row.gives, *_difference(row.customers.before, row.customers.after)) for row in changed
    ]


def _row(row: pb.RowCount) -> str:
    """Say where a row stands, in the published file and in the draft's."""
    where = f" of {row.city}" if row.city else ""
    if row.defaults:
        return f"the default outputs{where}"
    if not row.row_before and not row.row_after:
        return "no row"
    if row.row_before == row.row_after:
        return f"{row.row_after}{where}"
    told = [f"was {row.row_before}" if row.row_before else "new", f"now {row.row_after}" if row.row_after else "gone"]
    return f"{', '.join(told)}{where}"


def _print_reasons(preview: pb.MatrixPreview, output: Output) -> None:
    for title, reasons in (("Without a list", preview.rejects), ("Blocked", preview.blocked)):
        lines = [
            (each.words, *_difference(each.count.before, each.count.after))
            for each in reasons
            if each.count.before != each.count.after
        ]
        if lines:
            output.table(title, ("why", "before", "after", "change"), lines)


def _load(load: pb.ChannelLoad) -> _Line:
    channel = enum_word(contact_pb.Channel.Name(load.channel), "CHANNEL_")
    if not load.HasField("capacity"):
        return (channel, load.persons.before, load.persons.after, "", "")
    over = load.persons.after - load.capacity
    return (
        channel,
        load.persons.before,
        load.persons.after,
        f"{load.capacity:,}",
        f"OVER by {over:,}" if over > 0 else "fits",
    )


def _print_money(by: str, each: Iterable[tuple[str, pb.ExpectedMoney]], output: Output) -> None:
    groups: dict[str, list[pb.ExpectedMoney]] = {}
    for name, money in each:
        groups.setdefault(name, []).append(money)
    lines = []
    for name, found in groups.items():
        before, after = _summed(money.before for money in found), _summed(money.after for money in found)
        lines.append((name, *(_told(before, after, of) for of in _MEASURES.values())))
    output.table(f"Expected by {by}, yuan", (by, *_MEASURES), lines)


_MEASURES: dict[str, Callable[[pb.MoneySums], int]] = {
    "offers": lambda sums: sums.offer_count,
    "accepted": lambda sums: _whole(sums.accepted_ten_thousandths),
    "cost": lambda sums: _yuan(sums.cost_fen),
    "return": lambda sums: _yuan(sums.return_fen),
    "dilution": lambda sums: _yuan(sums.dilution_fen),
}


def _told(before: pb.MoneySums, after: pb.MoneySums, of: Callable[[pb.MoneySums], int]) -> str:
    return _from_to(of(before), of(after))


def _summed(sums: Iterable[pb.MoneySums]) -> pb.MoneySums:
    total = pb.MoneySums()
    for each in sums:
        total.offer_count += each.offer_count
        total.accepted_ten_thousandths += each.accepted_ten_thousandths
        total.cost_fen += each.cost_fen
        total.return_fen += each.return_fen
        total.dilution_fen += each.dilution_fen
    return total


def _difference(before: int, after: int) -> tuple[int, int, str]:
    return before, after, f"{after - before:+,}"


def _from_to(before: int, after: int) -> str:
    return f"{after:,}" if before == after else f"{before:,} -> {after:,}"


def _whole(ten_thousandths: int) -> int:
    return (ten_thousandths + 5_000) // 10_000


def _yuan(fen: int) -> int:
    return (fen + 50) // 100
