"""Who asks to be called back is called back then, first, and by nobody who was told never to call."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text
from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import contact_service_pb2 as contact_pb

from services.dispatch.domain.plans import Plan
from services.dispatch.domain.pushes import Push
from services.dispatch.worker.housekeeping import Housekeeping
from shared.errors import Failure, InvalidInput
from tests.factories.dispatch import CONTRACT, MORNING, rules, target_row
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.rig import Rig

LATER = MORNING + timedelta(hours=4)


def new_id() -> str:
    return str(uuid.uuid4())


async def plan_of(rig: Rig, *customers: int) -> Plan:
    return await rig.call_plan([target_row(number, policy=CONTRACT.policy) for number in customers])


async def agreed(rig: Rig, desk: Desk, *customers: int) -> Plan:
    """Return a plan whose first customer has agreed to be called in four hours."""
    plan = await plan_of(rig, *customers)
    (call,) = await desk.lease(plan, new_id(), size=1)
    assert await desk.started(call) == "TAKEN"
    assert await desk.finished(call, "ANSWERED", "CALL_BACK", call_back_at=LATER) == "TAKEN"
    assert await desk.finished(call, "ANSWERED", "CALL_BACK", call_back_at=LATER) == "TAKEN"
    assert await desk.finished(call, "ANSWERED", "CALL_BACK", call_back_at=MORNING) == "CONFLICT"
    return plan


async def pushes(rig: Rig, plan: Plan) -> list[Push]:
    async with rig.reading() as reading:
        return list(await reading.contacts.pushes(plan.plan_id, state=None, after_rank=0, limit=10, cities=None))


async def test_a_call_back_is_held_until_its_time_and_then_lent_first_whatever_the_cap(rig: Rig, desk: Desk) -> None:
    rig.rules = rules(cap=1)
    plan = await agreed(rig, desk, 2, 1, 3)  # by rank: 1, 2, 3
    assert await rig.states(plan) == {"held": 1, "planned": 2}
    (push, *_) = await pushes(rig, plan)
    assert (push.customer_id, push.hold_until, push.detail) == ("c-1", LATER, "agreed to be called at 2026-11-09 14:00")
    rig.clock.advance(timedelta(hours=4, seconds=-1))
    (second,) = await desk.lease(plan, new_id(), size=1)
    assert second.customer_id == "c-2"
    assert not second.HasField("call_back_time")
    rig.clock.advance(timedelta(seconds=1))
    back, third = await desk.lease(plan, new_id(), size=2)
    assert (back.customer_id, back.attempt, back.max_attempts) == ("c-1", 2, 4)
    assert back.call_back_time.ToDatetime(MORNING.tzinfo) == LATER
    assert [(answer.policy, answer.answer) for answer in back.earlier_answers] == [(CONTRACT.policy, 2)]
    assert third.customer_id == "c-3"
    assert await desk.finished(back, "ANSWERED", "ACCEPTED") == "TAKEN"
    assert (await rig.states(plan)) == {"sent": 1, "leased": 2}


async def test_both_talks_count_for_others(rig: Rig, desk: Desk) -> None:
    plan = await agreed(rig, desk, 1)
    rig.clock.advance(timedelta(hours=4))
    (back,) = await desk.lease(plan, new_id())
    assert await desk.finished(back, "ANSWERED", "NOT_INTERESTED") == "TAKEN"
    found = (await desk.contacts.ListContacts(contact_pb.ListContactsRequest(customer_id="c-1"))).contacts
    assert [contact.answer for contact in found] == [3, 2]
    messages = await rig.plan([target_row(1)])
    async with rig.work() as work:
        record = await work.ledger.record_of(
            await work.ledger.pick(messages.plan_id, limit=1, cities=None), since=MORNING - timedelta(days=1)
        )
    assert len(record.contacts["o-1"]) == 2


async def test_a_call_back_that_nobody_makes_leaves_the_push_as_sent(
    rig: Rig, desk: Desk, rounds: Housekeeping
) -> None:
    plan = await agreed(rig, desk, 1)
    rig.clock.advance(timedelta(days=8))
    await rounds.go_round()
    assert await rig.states(plan) == {"sent": 1}
    assert (await pushes(rig, plan))[0].detail == "talked to, and not called back before the plan ended"


async def test_a_call_back_that_nobody_answers_is_tried_again_and_then_left_as_sent(rig: Rig, desk: Desk) -> None:
    plan = await agreed(rig, desk, 1)
    rig.clock.advance(timedelta(hours=4))
    for attempt in (2, 3, 4):
        (back,) = await desk.lease(plan, new_id())
        assert (back.attempt, back.max_attempts) == (attempt, 4)
        assert await desk.finished(back, "BUSY") == "TAKEN"
        rig.clock.advance(timedelta(minutes=15))
    assert await rig.states(plan) == {"sent": 1}


async def test_who_opts_out_is_not_called_back(rig: Rig, desk: Desk) -> None:
    plan = await agreed(rig, desk, 1)
    await desk.contacts.CreateOptOut(contact_pb.CreateOptOutRequest(customer_id="c-1", source="desk"))
    rig.clock.advance(timedelta(hours=4))
    assert await desk.lease(plan, new_id()) == []
    assert await rig.states(plan) == {"sent": 1}
    assert (await pushes(rig, plan))[0].detail == "talked to, then opted out"


async def test_a_released_call_back_stays_one(rig: Rig, desk: Desk) -> None:
    plan = await agreed(rig, desk, 1, 2)
    rig.clock.advance(timedelta(hours=4))
    request_id = new_id()
    await desk.lease(plan, request_id, size=1)
    assert await desk.release(f"leases/{request_id}") == (1, 0)
    (back,) = await desk.lease(plan, new_id(), size=1)
    assert (back.customer_id, back.attempt) == ("c-1", 2)
    assert back.HasField("call_back_time")


async def test_a_time_comes_with_a_call_back_and_only_with_it(rig: Rig, desk: Desk) -> None:
    (call,) = await desk.lease(await plan_of(rig, 1), new_id())
    for business, at in (("CALL_BACK", None), ("ACCEPTED", LATER)):
        with pytest.raises(InvalidInput, match="call_back_time"):
            await desk.finished(call, "ANSWERED", business, call_back_at=at)


@pytest.mark.parametrize(("result", "source"), [("DO_NOT_CALL", "call"), ("COMPLAINT", "complaint")])
async def test_a_refusal_is_recorded_with_its_result_or_neither_is(
    rig: Rig, desk: Desk, result: str, source: str
) -> None:
    plan = await plan_of(rig, 1)
    (call,) = await desk.lease(plan, new_id())
    await desk.started(call)
    async with rig.database.write() as tx:
        await tx.connection.execute(
            text("""
                CREATE FUNCTION dispatch.refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE 'the disk is full' USING ERRCODE = '53100'; END $$
            """)
        )
        await tx.connection.execute(
            text("CREATE TRIGGER full_disk BEFORE INSERT ON dispatch.opt_outs EXECUTE FUNCTION dispatch.refuse()")
        )
    with pytest.raises(Failure):
        await desk.finished(call, "ANSWERED", result)
    assert await rig.states(plan) == {"leased": 1}
    answer = await desk.contacts.ListContacts(contact_pb.ListContactsRequest(customer_id="c-1"))
    assert (answer.HasField("opt_out"), answer.contacts[0].answer) == (False, 0)
    async with rig.database.write() as tx:
        await tx.connection.execute(text("DROP TRIGGER full_disk ON dispatch.opt_outs"))
    assert await desk.finished(call, "ANSWERED", result) == "TAKEN"
    answer = await desk.contacts.ListContacts(contact_pb.ListContactsRequest(customer_id="c-1"))
    assert (answer.opt_out.source, answer.contacts[0].answer) == (source, 4)
    assert await rig.states(plan) == {"sent": 1}


@pytest.mark.parametrize("result", ["WRONG_PARTY", "WRONG_NUMBER", "LANGUAGE", "OTHER"])
async def test_a_talk_that_says_nothing_of_the_offer_ends_the_push_without_an_answer(
    rig: Rig, desk: Desk, result: str
) -> None:
    plan = await plan_of(rig, 1)
    (call,) = await desk.lease(plan, new_id())
    assert await desk.finished(call, "ANSWERED", result) == "TAKEN"
    assert await rig.states(plan) == {"sent": 1}
    (contact,) = (await desk.contacts.ListContacts(contact_pb.ListContactsRequest(customer_id="c-1"))).contacts
    assert (contact.state, contact.answer) == (2, 0)


async def test_a_call_without_a_line_is_no_attempt(rig: Rig, desk: Desk) -> None:
    plan = await plan_of(rig, 1)
    for _ in range(4):
        (call,) = await desk.lease(plan, new_id())
        assert call.attempt == 1
        assert await desk.finished(call, "CONGESTION") == "TAKEN"
        rig.clock.advance(timedelta(minutes=15))


async def test_leases_of_five_hundred_are_renewed_and_released_whole(rig: Rig, desk: Desk) -> None:
    plan = await plan_of(rig, *range(1, 501))
    asked = call_pb.LeaseCallsRequest(request_id=new_id(), push_plan=f"pushPlans/{plan.plan_id}", max_calls=500)
    lease = (await desk.calls.LeaseCalls(asked)).lease
    calls, _ = await desk.renew(lease)
    assert len(calls) == 500
    assert await desk.release(lease) == (500, 0)
    assert await rig.states(plan) == {"planned": 500}
