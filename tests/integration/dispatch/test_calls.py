"""Calls are lent once, checked again before dialling, and every result finds its place, however late."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import contact_pb2 as contact_types
from visavis.dispatch.v1 import contact_service_pb2 as contact_pb
from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from services.dispatch.domain.plans import Channel
from services.dispatch.worker.housekeeping import Housekeeping
from shared.errors import AlreadyExists, Denied, InvalidInput, NotFound, WrongState
from shared.rpc.identity import Caller, Role, acting_as
from tests.factories.dispatch import CONTRACT, MORNING, NEWSPAPER, msisdn, plan_request, target_row
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.rig import Rig


def call_row(number: int, owner: str = "") -> TargetRow:
    return target_row(number, policy=CONTRACT.policy, owner=owner)


def new_id() -> str:
    return str(uuid.uuid4())


async def kinds(desk: Desk) -> list[str]:
    """Return what the outbox tells, in its order."""
    events = (await desk.contacts.ListContactEvents(contact_pb.ListContactEventsRequest())).events
    names = [contact_pb.ContactEventKind.Name(event.kind) for event in events]
    return [name.removeprefix("CONTACT_EVENT_KIND_") for name in names]


async def contact_states(desk: Desk, customer_id: str) -> list[str]:
    """Return the states of a customer's contacts, newest first."""
    asked = contact_pb.ListContactsRequest(customer_id=customer_id)
    asked.since_time.FromDatetime(MORNING - timedelta(days=1))
    found = (await desk.contacts.ListContacts(asked)).contacts
    return [contact_types.ContactState.Name(c.state).removeprefix("CONTACT_STATE_") for c in found]


async def test_a_call_is_leased_started_answered_and_told(rig: Rig, desk: Desk) -> None:
    plan = await rig.call_plan([call_row(n) for n in (1, 2, 3)])
    lent = await desk.lease(plan, new_id(), size=2)
    assert [(call.customer_id, call.msisdn, call.attempt, call.max_attempts, call.script) for call in lent] == [
        ("c-1", msisdn(1), 1, 3, CONTRACT.text),
        ("c-2", msisdn(2), 1, 3, CONTRACT.text),
    ]
    assert await rig.states(plan) == {"leased": 2, "planned": 1}
    assert await desk.started(lent[0]) == "TAKEN"
    assert await desk.finished(lent[0], "ANSWERED", "ACCEPTED") == "TAKEN"
    assert await desk.finished(lent[0], "ANSWERED", "ACCEPTED") == "TAKEN"
    assert await desk.finished(lent[0], "BUSY") == "CONFLICT"
    assert await rig.states(plan) == {"sent": 1, "leased": 1, "planned": 1}
    assert await contact_states(desk, "c-1") == ["SENT"]
    assert await kinds(desk) == ["PLAN_STARTED", "SENT", "ACCEPTED"]


async def test_the_same_request_returns_the_same_lease_while_it_lasts(rig: Rig, desk: Desk) -> None:
    plan, request_id = await rig.call_plan([call_row(n) for n in range(1, 6)]), new_id()
    first = await desk.lease(plan, request_id, size=2)
    assert await desk.lease(plan, request_id, size=2) == first
    with pytest.raises(AlreadyExists):
        await desk.lease(plan, request_id, size=3)
    rig.clock.advance(timedelta(minutes=10))
    assert await desk.lease(plan, request_id, size=2) == []


async def test_a_lease_names_the_end_of_the_hours_where_that_comes_first(rig: Rig, desk: Desk) -> None:
    plan = await rig.call_plan([call_row(1)])
    rig.clock.advance(timedelta(hours=10, minutes=25))
    lent = await desk.lease(plan, new_id())
    assert lent[0].not_after_time.ToDatetime(tzinfo=MORNING.tzinfo) == MORNING + timedelta(hours=10, minutes=30)
    rig.clock.advance(timedelta(minutes=5))
    assert await desk.started(lent[0]) == "DO_NOT_DIAL"
    assert await rig.states(plan) == {"planned": 1}
    assert await desk.lease(plan, new_id()) == []
    assert await rig.states(plan) == {"held": 1}


async def test_an_unstarted_lease_comes_back_and_its_late_result_is_reconciled(
    rig: Rig, desk: Desk, rounds: Housekeeping
) -> None:
    plan = await rig.call_plan([call_row(1)])
    (late,) = await desk.lease(plan, new_id())
    rig.clock.advance(timedelta(minutes=10))
    await rounds.go_round()
    assert await rig.states(plan) == {"planned": 1}
    assert await contact_states(desk, "c-1") == ["RELEASED"]
    (again,) = await desk.lease(plan, new_id())
    assert again.attempt == 1
    assert await desk.started(late) == "DO_NOT_DIAL"
    assert await desk.finished(late, "ANSWERED", "NOT_INTERESTED") == "TAKEN"
    assert await rig.states(plan) == {"sent": 1}
    assert await contact_states(desk, "c-1") == ["RELEASED", "SENT"]
    assert await desk.started(again) == "DO_NOT_DIAL"


async def test_a_started_call_without_a_result_is_indeterminate_until_the_result_comes(
    rig: Rig, desk: Desk, rounds: Housekeeping
) -> None:
    plan = await rig.call_plan([call_row(1), call_row(2)])
    one, two = await desk.lease(plan, new_id())
    assert [await desk.started(call) for call in (one, two)] == ["TAKEN", "TAKEN"]
    rig.clock.advance(timedelta(minutes=29))
    await rounds.go_round()
    assert await rig.states(plan) == {"leased": 2}
    rig.clock.advance(timedelta(minutes=1))
    await rounds.go_round()
    assert await rig.states(plan) == {"indeterminate": 2}
    assert await contact_states(desk, "c-1") == ["INDETERMINATE"]
    assert await desk.finished(one, "ANSWERED", "CONSIDERING") == "TAKEN"
    assert await desk.finished(two, "INVALID_NUMBER") == "TAKEN"
    assert await rig.states(plan) == {"sent": 1, "failed": 1}
    assert await contact_states(desk, "c-2") == ["RELEASED"]


async def test_a_call_that_nobody_answers_is_tried_three_times_and_is_no_contact(
    rig: Rig, desk: Desk, rounds: Housekeeping
) -> None:
    plan = await rig.call_plan([call_row(1)])
    for attempt, (result, pause) in enumerate(
        (
            ("BUSY", timedelta(minutes=15)),
            ("NO_ANSWER", timedelta(hours=22, minutes=45)),
            ("SUBSCRIBER_ABSENT", timedelta()),
        ),
        1,
    ):
        (call,) = await desk.lease(plan, new_id())
        assert call.attempt == attempt
        assert await desk.started(call) == "TAKEN"
        assert await desk.finished(call, result) == "TAKEN"
        if pause:
            assert await rig.states(plan) == {"held": 1}
            rig.clock.advance(pause - timedelta(seconds=1))
            assert await desk.lease(plan, new_id()) == []
            rig.clock.advance(timedelta(seconds=1))
    assert await rig.states(plan) == {"failed": 1}
    assert await contact_states(desk, "c-1") == ["RELEASED"] * 3
    async with rig.reading() as reading:
        pushes = await reading.contacts.pushes(plan.plan_id, state=None, after_rank=0, limit=1, cities=None)
        balance = (await reading.plans.balances([plan.plan_id]))[plan.plan_id]
    assert pushes[0].detail == "no answer after 3 attempts; the last: switched off or out of coverage"
    assert (balance.calls_leased, balance.calls_reported) == (3, 3)


async def test_do_not_call_opts_out_of_everything(rig: Rig, desk: Desk) -> None:
    plan = await rig.call_plan([call_row(1)])
    messages = await rig.plan([target_row(1)])
    (call,) = await desk.lease(plan, new_id())
    assert await desk.finished(call, "ANSWERED", "DO_NOT_CALL") == "TAKEN"
    assert await rig.states(plan) == {"sent": 1}
    assert await rig.states(messages) == {"cancelled": 1}
    answer = await desk.contacts.ListContacts(contact_pb.ListContactsRequest(customer_id="c-1"))
    assert (answer.opt_out.source, answer.opt_out.customer_id) == ("call", "c-1")
    assert (await kinds(desk))[-2:] == ["SENT", "OPTED_OUT"]


async def test_an_opt_out_withdraws_a_lent_call_that_was_not_started(rig: Rig, desk: Desk) -> None:
    plan = await rig.call_plan([call_row(1), call_row(2)])
    one, two = await desk.lease(plan, new_id())
    assert await desk.started(two) == "TAKEN"
    for customer in ("c-1", "c-2"):
        await desk.contacts.CreateOptOut(contact_pb.CreateOptOutRequest(customer_id=customer, source="desk"))
    assert await rig.states(plan) == {"cancelled": 1, "leased": 1}
    assert await desk.started(one) == "DO_NOT_DIAL"
    assert await desk.started(two) == "DO_NOT_DIAL"
    assert await desk.finished(two, "ANSWERED") == "TAKEN"


async def test_many_platforms_at_once_never_get_the_same_call_nor_exceed_an_owners_cap(rig: Rig, desk: Desk) -> None:
    rows = [call_row(n, owner=f"o-{n % 20}") for n in range(1, 201)]
    plan = await rig.call_plan(rows)
    owners = [row.owner_id for row in rows]
    calls: list[call_pb.LeasedCall] = []
    while (await rig.states(plan)).get("planned"):
        lent = await asyncio.gather(*(desk.lease(plan, new_id(), size=10) for _ in range(12)))
        calls.extend(call for lease in lent for call in lease)
    assert len({call.customer_id for call in calls}) == len(calls) == 40
    per_owner = [sum(owners[int(call.customer_id[2:]) - 1] == owner for call in calls) for owner in set(owners)]
    assert per_owner == [2] * 20
    states = await rig.states(plan)
    assert states["leased"] == 40
    assert sum(states.values()) == 200


async def test_one_lease_asked_for_twice_at_once_is_one_lease(rig: Rig, desk: Desk) -> None:
    plan, request_id = await rig.call_plan([call_row(n) for n in range(1, 50)]), new_id()
    first, *others = await asyncio.gather(*(desk.lease(plan, request_id, size=5) for _ in range(8)))
    assert others == [first] * 7
    assert (await rig.states(plan))["leased"] == 5


async def test_a_request_that_cannot_be_served_says_everything_that_is_wrong(rig: Rig, desk: Desk) -> None:
    messages = await rig.plan([target_row(1)])
    with pytest.raises(WrongState, match="no call plan"):
        await desk.lease(messages, new_id())
    with pytest.raises(NotFound):
        await desk.calls.LeaseCalls(
            call_pb.LeaseCallsRequest(request_id=new_id(), push_plan="pushPlans/none", max_calls=1)
        )
    with pytest.raises(InvalidInput) as wrong:
        await desk.calls.LeaseCalls(
            call_pb.LeaseCallsRequest(request_id="x", max_calls=501, lease_duration=Duration(seconds=5))
        )
    assert [violation.field for violation in wrong.value.violations] == ["request_id", "max_calls", "lease_duration"]
    with pytest.raises(InvalidInput) as wrong:
        await desk.calls.ReportCallResults(
            call_pb.ReportCallResultsRequest(
                results=[
                    call_pb.CallResult(call="calls/1"),
                    call_pb.CallResult(call="calls/1", phase=call_pb.CALL_PHASE_FINISHED),
                    call_pb.CallResult(
                        call="calls/1",
                        phase=call_pb.CALL_PHASE_STARTED,
                        business_result=call_pb.BUSINESS_RESULT_ACCEPTED,
                    ),
                ]
            )
        )
    assert [violation.field for violation in wrong.value.violations] == [
        "results[0].phase",
        "results[1].system_result",
        "results[2].business_result",
    ]
    assert await desk.started(call_pb.LeasedCall(name="calls/999")) == "UNKNOWN_CALL"


async def test_a_refusal_holds_for_the_leaves_to_dial_behind_it_in_the_same_report(rig: Rig, desk: Desk) -> None:
    contracts = await rig.call_plan([call_row(1)])
    newspapers = await rig.plan([target_row(1)], plan_request(Channel.CALL, offers=[NEWSPAPER]))
    (first,), (second,) = await desk.lease(contracts, new_id()), await desk.lease(newspapers, new_id())
    refusal = call_pb.CallResult(
        call=first.name,
        phase=call_pb.CALL_PHASE_FINISHED,
        system_result=call_pb.SYSTEM_RESULT_ANSWERED,
        business_result=call_pb.BUSINESS_RESULT_DO_NOT_CALL,
    )
    leave = call_pb.CallResult(call=second.name, phase=call_pb.CALL_PHASE_STARTED)
    answer = await desk.calls.ReportCallResults(call_pb.ReportCallResultsRequest(results=[refusal, leave]))
    verdicts = [receipt.verdict for receipt in answer.receipts]
    assert verdicts == [call_pb.CALL_VERDICT_TAKEN, call_pb.CALL_VERDICT_DO_NOT_DIAL]
    assert await rig.states(newspapers) == {"cancelled": 1}


async def test_a_platform_of_other_cities_knows_nothing_of_a_call(rig: Rig, desk: Desk) -> None:
    plan = await rig.call_plan([call_row(1)])
    (call,) = await desk.lease(plan, new_id())
    with acting_as(Caller("platform B", Role.CALL_PLATFORM, frozenset({"B"}))):
        assert await desk.finished(call, "ANSWERED", "DO_NOT_CALL") == "UNKNOWN_CALL"
    assert await rig.states(plan) == {"leased": 1}
    with acting_as(Caller("platform A", Role.CALL_PLATFORM, frozenset({"A"}))):
        assert await desk.started(call) == "TAKEN"


async def test_numbers_are_lent_to_call_platforms_only(rig: Rig, desk: Desk) -> None:
    plan = await rig.call_plan([call_row(1)])
    with acting_as(Caller("li", Role.CLERK)):
        with pytest.raises(Denied):
            await desk.lease(plan, new_id())
        with pytest.raises(Denied):
            await desk.started(call_pb.LeasedCall(name="calls/1"))


@pytest.mark.parametrize("duration", [Duration(seconds=30, nanos=500_000_000), Duration(seconds=3600)])
async def test_a_lease_is_the_same_however_its_id_and_duration_are_written(
    rig: Rig, desk: Desk, duration: Duration
) -> None:
    plan, request_id = await rig.call_plan([call_row(1)]), new_id()
    name = f"pushPlans/{plan.plan_id}"
    asked = call_pb.LeaseCallsRequest(request_id=request_id, push_plan=name, max_calls=1, lease_duration=duration)
    first = await desk.calls.LeaseCalls(asked)
    asked.request_id = request_id.upper()
    assert await desk.calls.LeaseCalls(asked) == first
    asked.lease_duration.seconds = 1 << 60
    with pytest.raises(InvalidInput, match="lease_duration"):
        await desk.calls.LeaseCalls(asked)
