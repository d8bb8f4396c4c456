"""Renders what is kept about one push."""

from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import push_record_pb2 as pb

from services.dispatch.domain.calls import BusinessResult, SystemResult
from services.dispatch.domain.plans import PLAN_KIND, Channel
from services.dispatch.domain.push_records import (
    CallEntry,
    ContactEntry,
    KeptReceipt,
    KeptReply,
    PlanOfPush,
    PushRecord,
)
from services.dispatch.servicer.render import CHANNELS, contact_message, timestamp
from shared.lake.refs import to_ref
from shared.observability.masking import mask_msisdn


def record_message(record: PushRecord) -> pb.PushRecord:
    """Return the record with its number masked."""
    plan = record.plan
    return pb.PushRecord(
        push_plan=f"{PLAN_KIND}/{plan.plan_id}",
        plan_display_name=plan.display_name,
        channel=CHANNELS[plan.channel],
        targets=to_ref(plan.targets),
        plan_create_time=timestamp(plan.created_at),
        plan_start_time=timestamp(plan.started_at),
        masked_msisdn=mask_msisdn(record.msisdn),
        city=record.city,
        words=_words(plan),
        contacts=[_contact(entry) for entry in record.contacts],
        calls=[_call(entry) for entry in record.calls],
        call_back_time=timestamp(record.call_back_at),
        call_back_count=record.call_backs,
    )


def _words(plan: PlanOfPush) -> pb.PushWords:
    offer = plan.offer
    return pb.PushWords(
        message=offer.message,
        product=offer.product,
        title=offer.title,
        href=offer.href,
        order_keyword=offer.order_keyword,
        parts=offer.parts if plan.channel is Channel.SMS else 0,
    )


def _contact(entry: ContactEntry) -> pb.ContactRecord:
    return pb.ContactRecord(
        contact=contact_message(entry.contact),
        attempt=entry.attempt,
        account=entry.account,
        parts=entry.parts,
        message_ids=entry.message_ids,
        receipts=[_receipt(receipt) for receipt in entry.receipts],
        replies=[_reply(reply) for reply in entry.replies],
    )


def _receipt(receipt: KeptReceipt) -> pb.GatewayReceipt:
    return pb.GatewayReceipt(
        message_id=receipt.message_id, status=receipt.status, receive_time=timestamp(receipt.received_at)
    )


def _reply(reply: KeptReply) -> pb.CustomerReply:
    return pb.CustomerReply(
        meaning=pb.ReplyMeaning.Value(f"REPLY_MEANING_{reply.meaning.name}"), receive_time=timestamp(reply.received_at)
    )


def _call(entry: CallEntry) -> pb.CallRecord:
    return pb.CallRecord(
        name=f"calls/{entry.call_id}",
        attempt=entry.attempt,
        state=pb.CallState.Value(f"CALL_STATE_{entry.phase.name}"),
        lease_time=timestamp(entry.leased_at),
        start_time=timestamp(entry.started_at),
        finish_time=timestamp(entry.finished_at),
        system_result=_system(entry.system_result),
        business_result=_business(entry.business_result),
        due_time=timestamp(entry.due_at),
        call_back_time=timestamp(entry.call_back_at),
    )


def _system(result: SystemResult | None) -> call_pb.SystemResult.ValueType:
    return call_pb.SystemResult.Value(f"SYSTEM_RESULT_{result.name if result else 'UNSPECIFIED'}")


def _business(result: BusinessResult | None) -> call_pb.BusinessResult.ValueType:
    return call_pb.BusinessResult.Value(f"BUSINESS_RESULT_{result.name if result else 'UNSPECIFIED'}")
