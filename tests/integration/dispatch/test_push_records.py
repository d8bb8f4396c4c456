"""One push over RPC with all that is kept about it: plan, words, contacts, the gateway's word, the customer's, and calls."""

import uuid
from datetime import UTC, timedelta

import pytest
from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1 import push_record_pb2 as pb

from services.dispatch.domain.plans import Plan
from services.dispatch.use_cases.incoming import take_reply
from shared.errors import InvalidInput, NotFound
from shared.rpc.identity import Caller, Role, acting_as
from tests.factories.dispatch import CONTRACT, MORNING, NEWSPAPER, msisdn, target_row
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.rig import Rig
from tests.integration.dispatch.test_incoming import ACCOUNT, incoming, receipt, reply, sent


async def get(desk: Desk, name: str) -> plan_pb.GetPushResponse:
    return await desk.plans.GetPush(plan_pb.GetPushRequest(name=name))


async def record_of(desk: Desk, plan: Plan, *, place: int = 0) -> plan_pb.GetPushResponse:
    """Return what is kept about the push at a place of the plan."""
    listed = await desk.plans.ListPushes(plan_pb.ListPushesRequest(parent=f"pushPlans/{plan.plan_id}"))
    return await get(desk, listed.pushes[place].name)


async def test_a_message_is_told_with_its_words_its_receipts_and_its_answer(rig: Rig, desk: Desk) -> None:
    plan = await sent(rig)
    rig.clock.advance(timedelta(minutes=1))
    await incoming(rig).on_receipts([receipt(1, "m-1", "UNDELIV")])
    rig.clock.advance(timedelta(minutes=1))
    await incoming(rig).on_receipts([receipt(1, "m-1")])
    async with rig.work() as work:
        await take_reply(reply(1, NEWSPAPER.order_keyword), work=work, now=rig.clock.now())
    told = await record_of(desk, plan)
    record = told.record
    assert (told.push.customer_id, told.push.state, told.push.arm) == ("c-1", plan_pb.PUSH_STATE_SENT, "targeted")
    assert (record.push_plan, record.plan_display_name) == (f"pushPlans/{plan.plan_id}", "Newspaper")
    assert (record.channel, record.targets.uri) == (contact_pb.CHANNEL_SMS, plan.request.targets.uri)
    assert record.plan_start_time.ToDatetime(UTC) == MORNING
    assert (record.masked_msisdn, record.city) == ("138****0001", "A")
    assert record.words.message == plan.request.offers[0].message
    assert NEWSPAPER.order_keyword in record.words.message
    assert record.words.product == NEWSPAPER.product
    assert (record.words.order_keyword, record.words.parts) == (NEWSPAPER.order_keyword, 1)
    (entry,) = record.contacts
    assert (entry.attempt, entry.account, list(entry.message_ids)) == (1, ACCOUNT, ["m-1"])
    assert (entry.contact.state, entry.contact.delivery) == (
        contact_pb.CONTACT_STATE_SENT,
        contact_pb.DELIVERY_DELIVERED,
    )
    assert [(kept.message_id, kept.status) for kept in entry.receipts] == [("m-1", "UNDELIV"), ("m-1", "DELIVRD")]
    assert entry.receipts[1].receive_time.ToDatetime(UTC) == MORNING + timedelta(minutes=2)
    assert [kept.meaning for kept in entry.replies] == [pb.REPLY_MEANING_ACCEPTED]
    assert entry.contact.answer == contact_pb.CONTACT_ANSWER_ACCEPTED


async def test_another_messages_receipt_of_the_same_number_is_not_told(rig: Rig, desk: Desk) -> None:
    plan = await sent(rig)
    await incoming(rig).on_receipts([receipt(1, "m-1"), receipt(1, "m-2", "EXPIRED"), receipt(2, "m-1", "EXPIRED")])
    (entry,) = (await record_of(desk, plan)).record.contacts
    assert [kept.status for kept in entry.receipts] == ["DELIVRD"]


async def test_a_number_stands_nowhere_in_a_record(rig: Rig, desk: Desk) -> None:
    plan = await sent(rig)
    await incoming(rig).on_receipts([receipt(1, "m-1")])
    assert msisdn(1) not in str(await record_of(desk, plan))


async def test_a_push_that_has_not_left_tells_the_words_that_would(rig: Rig, desk: Desk) -> None:
    plan = await rig.plan([target_row(1), target_row(2)], start=False)
    told = await record_of(desk, plan, place=1)
    assert (told.push.rank, told.push.state, len(told.record.contacts)) == (2, plan_pb.PUSH_STATE_PLANNED, 0)
    assert told.record.words.message
    assert not told.record.HasField("plan_start_time")


async def test_calls_are_told_with_what_was_said_and_agreed(rig: Rig, desk: Desk) -> None:
    plan = await rig.call_plan([target_row(1, policy=CONTRACT.policy)])
    later = MORNING + timedelta(hours=4)
    (call,) = await desk.lease(plan, str(uuid.uuid4()))
    assert await desk.started(call) == "TAKEN"
    assert await desk.finished(call, "ANSWERED", "CALL_BACK", call_back_at=later) == "TAKEN"
    rig.clock.advance(timedelta(hours=4))
    (back,) = await desk.lease(plan, str(uuid.uuid4()))
    record = (await record_of(desk, plan)).record
    assert record.words.message == CONTRACT.text
    assert (record.call_back_count, record.call_back_time.ToDatetime(UTC)) == (1, later)
    first, second = record.calls
    assert (first.name, first.attempt, first.state) == (call.name, 1, pb.CALL_STATE_FINISHED)
    assert first.system_result == call_pb.SYSTEM_RESULT_ANSWERED
    assert first.business_result == call_pb.BUSINESS_RESULT_CALL_BACK
    assert (first.call_back_time.ToDatetime(UTC), first.HasField("due_time")) == (later, False)
    assert (second.name, second.state, second.due_time.ToDatetime(UTC)) == (back.name, pb.CALL_STATE_LEASED, later)
    assert [entry.attempt for entry in record.contacts] == [1, 2]


async def test_a_push_of_other_cities_is_not_there(rig: Rig, desk: Desk) -> None:
    plan = await sent(rig)  # customer 1 lives in A
    name = (await record_of(desk, plan)).push.name
    with acting_as(Caller("li", Role.CLERK, frozenset({"A"}))):
        assert (await get(desk, name)).push.name == name
    with acting_as(Caller("li", Role.CLERK, frozenset({"B"}))), pytest.raises(NotFound):
        await get(desk, name)


async def test_what_is_no_push_is_told_so(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await get(desk, "pushes/4711")
    for wrong in ("", "4711", "pushes/x", "pushes/-1", "pushes/4711 ", f"pushes/{'9' * 19}"):
        with pytest.raises(InvalidInput):
            await get(desk, wrong)
