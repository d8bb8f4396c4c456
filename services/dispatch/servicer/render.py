"""Renders what is stored as messages of the contract."""

from datetime import datetime, timedelta
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp
from visavis.dispatch.v1 import contact_pb2, contact_service_pb2, push_plan_service_pb2

from services.dispatch.domain.plans import MESSAGE_CHANNELS, PLAN_KIND, Balance, Channel, Offer, Plan
from services.dispatch.domain.pushes import Answer, Contact, ContactEvent, EventKind, OptOut, Push, PushState
from shared.lake.refs import to_ref
from shared.observability.context import trace_id_of
from shared.runs.messages import to_status

CHANNELS = {
    Channel.SMS: contact_pb2.CHANNEL_SMS,
    Channel.CALL: contact_pb2.CHANNEL_CALL,
    Channel.WAP_PUSH: contact_pb2.CHANNEL_WAP_PUSH,
    Channel.MAIL_139: contact_pb2.CHANNEL_MAIL_139,
    Channel.DESK: contact_pb2.CHANNEL_DESK,
}
_EVENT_KINDS = {
    kind: contact_service_pb2.ContactEventKind.Value(f"CONTACT_EVENT_KIND_{kind.name}") for kind in EventKind
}
_NOTICE_AGE = timedelta(seconds=15)


def timestamp(instant: datetime | None) -> Timestamp | None:
    """Return an instant as the contract has it."""
    if instant is None:
        return None
    rendered = Timestamp()
    rendered.FromDatetime(instant)
    return rendered


def plan_message(plan: Plan, balance: Balance, notice: str) -> push_plan_service_pb2.PushPlan:
    """Return the resource of a plan."""
    request = plan.request
    return push_plan_service_pb2.PushPlan(
        name=f"{PLAN_KIND}/{plan.plan_id}",
        display_name=request.display_name,
        channel=CHANNELS[request.channel],
        state=push_plan_service_pb2.PushPlan.State.Value(f"STATE_{plan.state.name}"),
        targets=to_ref(request.targets),
        offers=[_offer_message(offer, request.channel) for offer in request.offers],
        expire_time=timestamp(request.expire_time),
        create_time=timestamp(plan.create_time),
        start_time=timestamp(plan.start_time),
        load_status=to_status(plan.load),
        balance=_balance(balance),
        channel_notice=notice,
    )


def _offer_message(offer: Offer, channel: Channel) -> push_plan_service_pb2.PlanOffer:
    return push_plan_service_pb2.PlanOffer(
        policy=offer.policy,
        product=offer.product,
        text=offer.text,
        order_keyword=offer.order_keyword,
        title=offer.title,
        href=offer.href,
        parts=offer.parts if channel is Channel.SMS else 0,
    )


def channel_notice(channel: Channel, told: tuple[str, datetime] | None, now: datetime) -> str:
    """Return what operations should know; a worker that says nothing is news, too."""
    if channel not in MESSAGE_CHANNELS:
        return ""
    if told is None:
        return "no dispatch worker has reported yet: nothing is sent until one runs"
    notice, told_at = told
    if now - told_at > _NOTICE_AGE:
        return f"no dispatch worker has reported since {told_at:%Y-%m-%d %H:%M:%S} UTC: nothing is sent until one runs"
    return notice


def push_message(push: Push) -> push_plan_service_pb2.Push:
    """Return the resource of a push."""
    return push_plan_service_pb2.Push(
        name=f"pushes/{push.push_id}",
        customer_id=push.customer_id,
        policy=push.policy,
        arm=push.arm,
        state=push_plan_service_pb2.PushState.Value(f"PUSH_STATE_{push.state.name}"),
        detail=push.detail,
        hold_until_time=timestamp(push.hold_until),
        rank=push.rank,
    )


def contact_message(contact: Contact) -> contact_pb2.Contact:
    """Return the resource of a contact."""
    return contact_pb2.Contact(
        name=f"contacts/{contact.contact_id}",
        customer_id=contact.customer_id,
        channel=CHANNELS[contact.channel],
        policy=contact.policy,
        push_plan=f"{PLAN_KIND}/{contact.plan_id}" if contact.plan_id else "",
        state=contact_pb2.ContactState.Value(f"CONTACT_STATE_{contact.state.name}"),
        reserve_time=timestamp(contact.reserve_time),
        send_time=timestamp(contact.send_time),
        delivery=contact_pb2.Delivery.Value(f"DELIVERY_{contact.delivery.name if contact.delivery else 'UNSPECIFIED'}"),
        answer=answer_number(contact.answer),
        answer_time=timestamp(contact.answer_time),
        trace_id=trace_id_of(contact.traceparent),
    )


def answer_number(answer: Answer | None) -> contact_pb2.ContactAnswer.ValueType:
    """Return an answer as the contract has it."""
    return contact_pb2.ContactAnswer.Value(f"CONTACT_ANSWER_{answer.name if answer else 'UNSPECIFIED'}")


def opt_out_message(opt_out: OptOut) -> contact_service_pb2.OptOut:
    """Return the resource of an opt-out."""
    return contact_service_pb2.OptOut(
        name=f"optOuts/{opt_out.opt_out_id}",
        customer_id=opt_out.customer_id,
        create_time=timestamp(opt_out.create_time),
        source=opt_out.source,
    )


def event_message(event: ContactEvent) -> contact_service_pb2.ContactEvent:
    """Return an event as other services read it."""
    return contact_service_pb2.ContactEvent(
        event_id=event.event_id,
        kind=_EVENT_KINDS[event.kind],
        event_time=_event_time(event.time),
        push_plan=f"{PLAN_KIND}/{event.plan_id}" if event.plan_id else "",
        push=f"pushes/{event.push_id}" if event.push_id is not None else "",
        customer_id=event.customer_id,
        traceparent=event.traceparent,
        policy=event.policy,
        channel=CHANNELS[event.channel] if event.channel else contact_pb2.CHANNEL_UNSPECIFIED,
    )


@lru_cache(maxsize=64)
def _event_time(instant: datetime) -> Timestamp:
    """Return the time of an event, which it shares with hundreds of its batch; a message copies it."""
    rendered = Timestamp()
    rendered.FromDatetime(instant)
    return rendered


def _balance(balance: Balance) -> push_plan_service_pb2.PushBalance:
    states = balance.states
    return push_plan_service_pb2.PushBalance(
        total_count=sum(states.values()),
        planned_count=states.get(PushState.PLANNED, 0),
        held_count=states.get(PushState.HELD, 0),
        claimed_count=states.get(PushState.CLAIMED, 0),
        leased_count=states.get(PushState.LEASED, 0),
        sent_count=states.get(PushState.SENT, 0),
        suppressed_count=states.get(PushState.SUPPRESSED, 0),
        failed_count=states.get(PushState.FAILED, 0),
        indeterminate_count=states.get(PushState.INDETERMINATE, 0),
        expired_count=states.get(PushState.EXPIRED, 0),
        cancelled_count=states.get(PushState.CANCELLED, 0),
        delivered_count=balance.delivered,
        undelivered_count=balance.undelivered,
        calls_leased_count=balance.calls_leased,
        calls_reported_count=balance.calls_reported,
        calls_returned_count=balance.calls_returned,
    )
