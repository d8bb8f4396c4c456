"""Renders previews for the contract."""

from collections.abc import Iterable, Mapping

from visavis.dispatch.v1 import contact_pb2
from visavis.recommendation.v1 import matrix_preview_pb2 as pb

from services.recommendation.domain import REASON_WORDS, BlockReason
from services.recommendation.domain.previews import (
    Change,
    Channel,
    Flows,
    Load,
    Money,
    MoneyChange,
    Preview,
    Recommended,
    RowCount,
)
from services.recommendation.engine.matrix.hit_policies import DEFAULT_ROW
from services.recommendation.use_cases.imports import CATALOGUES, MATRICES
from services.recommendation.use_cases.previews import PreviewOrder, PreviewResult
from shared.errors import InvalidInput
from shared.lake.refs import to_ref
from shared.rpc.identity import Caller
from shared.runs.domain import Run, RunState
from shared.runs.json import from_json
from shared.runs.messages import to_status

_CHANNELS = {
    Channel.SMS: contact_pb2.CHANNEL_SMS,
    Channel.CALL: contact_pb2.CHANNEL_CALL,
    Channel.WAP_PUSH: contact_pb2.CHANNEL_WAP_PUSH,
    Channel.MAIL_139: contact_pb2.CHANNEL_MAIL_139,
}
_ANOTHER = "{by}"
"""Stands in words for a policy that differs from customer to customer."""


def asked_channels(capacities: Iterable[pb.ChannelCapacity]) -> Mapping[Channel, int]:
    """Return capacities by channel. Raises InvalidInput for one that is said twice, and for those that bring no offers."""
    asked: dict[Channel, int] = {}
    for capacity in capacities:
        channel = next((channel for channel, number in _CHANNELS.items() if number == capacity.channel), None)
        if channel is None or channel in asked:
            raise InvalidInput.of("capacities", f"expected each of {', '.join(Channel)} at most once")
        asked[channel] = capacity.capacity
    return asked


def preview_message(run: Run, caller: Caller, *, counted: bool = True) -> pb.MatrixPreview:
    """Return a preview; money of the caller's cities alone, and no counts unless they are wanted and there."""
    order = from_json(PreviewOrder, run.request)
    message = pb.MatrixPreview(
        name=run.name,
        status=to_status(run),
        assembly_run=order.assembly_run,
        drafts=[f"{MATRICES}/{draft}" for draft in order.asked.drafts],
        published=[f"{MATRICES}/{matrix_id}" for matrix_id in order.before.all],
        policy_catalogue_before=f"{CATALOGUES}/{order.catalogue_before}",
        policy_catalogue_after=f"{CATALOGUES}/{order.catalogue_after}",
    )
    if counted and run.state is RunState.SUCCEEDED:
        result = from_json(PreviewResult, run.result)
        message.changes.CopyFrom(to_ref(result.changes))
        message.MergeFrom(_counts(result.preview, caller))
    return message


def _counts(preview: Preview, caller: Caller) -> pb.MatrixPreview:
    return pb.MatrixPreview(
        customer_count=preview.customers,
        changed_count=preview.changed,
        lists=_change(preview.lists),
        rejects=[
            pb.ReasonCount(reason=reason, words=reason, count=_change(count))
            for reason, count in preview.rejects.items()
        ],
        blocked=[
            pb.ReasonCount(reason=reason, words=_words(reason), count=_change(count))
            for reason, count in preview.blocked.items()
        ],
        rows=map(_row, preview.rows),
        zone_orders=_flows(preview.zone_orders),
        main_policies=_flows(preview.main_policies),
        first_products=_flows(preview.first_products),
        policies=map(_recommended, preview.policies),
        products=map(_recommended, preview.products),
        loads=map(_load, preview.loads),
        money=[_money(each) for each in preview.money if caller.sees(each.city)],
    )


def _change(change: Change) -> pb.BeforeAfter:
    return pb.BeforeAfter(before=change.before, after=change.after)


def _words(reason: str) -> str:
    return REASON_WORDS[BlockReason(reason)].replace(_ANOTHER, "another one")


def _row(row: RowCount) -> pb.RowCount:
    at = row.after or row.before
    return pb.RowCount(
        matrix=row.matrix,
        row_before=row.before.row if row.before else 0,
        row_after=row.after.row if row.after else 0,
        city=at.city if at else "",
        gives=row.gives,
        defaults=at is not None and at.row == DEFAULT_ROW,
        customers=_change(row.customers),
    )


def _flows(flows: Flows) -> pb.PreviewFlows:
    told = (
        pb.PreviewFlow(source=flow.source, target=flow.target, customer_count=flow.customers) for flow in flows.flows
    )
    return pb.PreviewFlows(flows=told, other_count=flows.others)


def _recommended(each: Recommended) -> pb.RecommendedCount:
    return pb.RecommendedCount(
        code=each.code, customers=_change(each.customers), gained_count=each.gained, lost_count=each.lost
    )


def _load(load: Load) -> pb.ChannelLoad:
    return pb.ChannelLoad(channel=_CHANNELS[load.channel], persons=_change(load.persons), capacity=load.capacity)


def _money(each: MoneyChange) -> pb.ExpectedMoney:
    return pb.ExpectedMoney(
        city=each.city,
        zone=each.zone,
        need_level=each.need_level,
        before=_sums(each.before),
        after=_sums(each.after),
    )


def _sums(money: Money) -> pb.MoneySums:
    return pb.MoneySums(
        offer_count=money.offers,
        accepted_ten_thousandths=money.accepted,
        cost_fen=money.cost_fen,
        return_fen=money.return_fen,
        dilution_fen=money.dilution_fen,
    )
