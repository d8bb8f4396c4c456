"""Leases are kept for longer, or given back at once, by those whose they are."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import contact_service_pb2 as contact_pb

from services.dispatch.domain.plans import Channel, Plan
from services.dispatch.worker.housekeeping import Housekeeping
from shared.errors import AlreadyExists, Denied, InvalidInput, NotFound, WrongState
from shared.rpc.identity import Caller, Role, acting_as
from tests.factories.dispatch import CONTRACT, MORNING, plan_request, target_row
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.rig import Rig

TEN = timedelta(minutes=10)


async def leased(
    desk: Desk, plan: Plan, *, size: int = 10, request_id: str = ""
) -> tuple[str, list[call_pb.LeasedCall]]:
    """Lease for ten minutes; return the lease's name and its calls."""
    asked = call_pb.LeaseCallsRequest(
        request_id=request_id or str(uuid.uuid4()), push_plan=f"pushPlans/{plan.plan_id}", max_calls=size
    )
    answer = await desk.calls.LeaseCalls(asked)
    return answer.lease, list(answer.calls)


async def plan_of(rig: Rig, count: int, **changes: object) -> Plan:
    rows = [target_row(number, policy=CONTRACT.policy) for number in range(1, count + 1)]
    return await rig.plan(rows, plan_request(Channel.CALL, **changes))  # type: ignore[arg-type]  # names of its own parameters


def ends(calls: list[call_pb.LeasedCall]) -> set[timedelta]:
    """Return how long after the morning each call may be dialled."""
    return {call.not_after_time.ToDatetime(MORNING.tzinfo) - MORNING for call in calls}


async def test_a_renewed_lease_lasts_longer_once_for_each_request(rig: Rig, desk: Desk, rounds: Housekeeping) -> None:
    plan, request_id = await plan_of(rig, 2), str(uuid.uuid4())
    lease, calls = await leased(desk, plan)
    assert ends(calls) == {TEN}
    rig.clock.advance(timedelta(minutes=9))
    for _ in range(2):
        still, end_time = await desk.renew(lease, request_id=request_id)
        assert end_time == MORNING + timedelta(minutes=19)
        assert ends(still) == {timedelta(minutes=19)}
        assert [call.name for call in still] == [call.name for call in calls]
        rig.clock.advance(timedelta(minutes=1))
    await rounds.go_round()
    assert await rig.states(plan) == {"leased": 2}
    assert await desk.started(calls[0]) == "TAKEN"
    still, _ = await desk.renew(lease)
    assert [call.name for call in still] == [calls[1].name]


async def test_a_lease_is_renewed_up_to_four_hours_in_all(rig: Rig, desk: Desk) -> None:
    lease, _ = await leased(desk, await plan_of(rig, 0))
    ends_at = []
    for _ in range(6):
        _, end_time = await desk.renew(lease, seconds=3600)
        ends_at.append(end_time - MORNING)
        rig.clock.advance(timedelta(minutes=45))
    assert ends_at == [timedelta(minutes=minutes) for minutes in (60, 105, 150, 195, 240, 240)]
    with pytest.raises(WrongState, match="has ended"):
        await desk.renew(lease)


async def test_no_call_of_a_renewed_lease_outlives_the_plan_or_the_hours(rig: Rig, desk: Desk) -> None:
    short = await plan_of(rig, 1, expire_time=MORNING + timedelta(minutes=15))
    lease, _ = await leased(desk, short)
    calls, end_time = await desk.renew(lease, seconds=3600)
    assert (ends(calls), end_time - MORNING) == ({timedelta(minutes=15)}, timedelta(hours=1))
    rig.clock.advance(timedelta(hours=10))
    lease, calls = await leased(desk, await rig.call_plan([target_row(9, policy=CONTRACT.policy)]))
    assert ends(calls) == {timedelta(hours=10, minutes=10)}
    calls, _ = await desk.renew(lease, seconds=3600)
    assert ends(calls) == {timedelta(hours=10, minutes=30)}
    rig.clock.advance(timedelta(minutes=30))
    assert await desk.renew(lease) == ([], MORNING + timedelta(hours=11))


async def test_what_was_not_dialled_is_given_back_at_once(rig: Rig, desk: Desk) -> None:
    plan, request_id = await plan_of(rig, 3), str(uuid.uuid4())
    lease, calls = await leased(desk, plan, request_id=request_id)
    assert await desk.started(calls[0]) == "TAKEN"
    assert await desk.release(lease) == (2, 1)
    assert await desk.release(lease) == (0, 1)
    assert await rig.states(plan) == {"leased": 1, "planned": 2}
    assert await desk.started(calls[1]) == "DO_NOT_DIAL"
    assert (await leased(desk, plan, request_id=request_id))[1] == []
    _, again = await leased(desk, plan)
    assert [(call.customer_id, call.attempt) for call in again] == [("c-2", 1), ("c-3", 1)]
    assert await desk.finished(calls[0], "ANSWERED", "ACCEPTED") == "TAKEN"
    assert await desk.release(lease) == (0, 0)
    assert await rig.states(plan) == {"sent": 1, "leased": 2}


async def test_a_withdrawn_call_is_missing_from_the_renewed_lease(rig: Rig, desk: Desk) -> None:
    lease, calls = await leased(desk, await plan_of(rig, 2))
    await desk.contacts.CreateOptOut(contact_pb.CreateOptOutRequest(customer_id="c-1", source="desk"))
    still, _ = await desk.renew(lease)
    assert [call.name for call in still] == [calls[1].name]


async def test_a_lease_is_the_callers_own(rig: Rig, desk: Desk) -> None:
    plan, request_id = await plan_of(rig, 1), str(uuid.uuid4())
    with acting_as(Caller("dialer A", Role.CALL_PLATFORM, None)):
        lease, _ = await leased(desk, plan, request_id=request_id)
    with acting_as(Caller("dialer B", Role.CALL_PLATFORM, None)):
        with pytest.raises(NotFound):
            await desk.renew(lease)
        with pytest.raises(NotFound):
            await desk.release(lease)
        with pytest.raises(AlreadyExists):
            await leased(desk, plan, request_id=request_id)
    with acting_as(Caller("li", Role.CLERK, None)):
        with pytest.raises(Denied):
            await desk.renew(lease)
        with pytest.raises(Denied):
            await desk.release(lease)
    with acting_as(Caller("dialer A", Role.CALL_PLATFORM, None)):
        assert await desk.release(lease) == (1, 0)


async def test_what_is_no_lease_is_told_so(rig: Rig, desk: Desk) -> None:
    for name in ("leases/7", "calls/7", ""):
        with pytest.raises(InvalidInput, match="lease"):
            await desk.release(name)
    with pytest.raises(NotFound):
        await desk.release(f"leases/{uuid.uuid4()}")
    with pytest.raises(InvalidInput) as wrong:
        await desk.renew(f"leases/{uuid.uuid4()}", request_id="x", seconds=7200)
    assert [violation.field for violation in wrong.value.violations] == ["request_id", "lease_duration"]


async def test_an_agent_sees_what_the_customer_answered_lately(rig: Rig, desk: Desk) -> None:
    contracts = await plan_of(rig, 1)
    _, (first,) = await leased(desk, contracts)
    assert await desk.finished(first, "ANSWERED", "NOT_INTERESTED") == "TAKEN"
    rig.clock.advance(timedelta(days=1))
    gifts = plan_request(Channel.CALL, offers=[type(CONTRACT)("gift", "", "A gift for you.", "")])
    _, (second,) = await leased(desk, await rig.plan([target_row(1, policy="gift")], gifts))
    (earlier,) = second.earlier_answers
    assert (earlier.policy, earlier.channel, earlier.answer) == (CONTRACT.policy, 2, 3)
    assert earlier.answer_time.ToDatetime(MORNING.tzinfo) == MORNING
    assert first.earlier_answers == []


async def test_an_agent_reads_the_script_with_the_customers_city(rig: Rig, desk: Desk) -> None:
    offers = [replace(CONTRACT, text="{city}尾号{last4}的客户您好")]
    plan = await rig.plan([target_row(2, policy=CONTRACT.policy)], plan_request(Channel.CALL, offers=offers))
    _, (call,) = await leased(desk, plan)
    assert call.script == "B尾号0002的客户您好"
