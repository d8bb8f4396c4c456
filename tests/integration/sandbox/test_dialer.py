"""The simulated call platform against a dispatch on a real socket."""

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from visavis.dispatch.v1 import call_list_service_pb2 as pb
from visavis.dispatch.v1 import contact_pb2
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1.call_list_service_pb2_grpc import CallListServiceStub
from visavis.dispatch.v1.push_plan_service_pb2_grpc import PushPlanServiceStub

from services.sandbox.dialer import Dialer, Pace
from services.sandbox.dialled import CallJournal, read_call_journal
from services.sandbox.rounds import StartedPlans
from services.sandbox.world.catalogue import Subject
from shared.errors import Unavailable
from shared.rpc.client import open_channel
from tests.factories.sandbox import oracle, secret
from tests.integration.sandbox.operator_side import START, Operator, plan

CUSTOMERS = [str(customer) for customer in secret().customer_id]


@asynccontextmanager
async def dialing(operator: Operator, journal: Path = Path(os.devnull)) -> AsyncIterator[Dialer]:
    with closing(CallJournal(journal)) as noted:
        async with open_channel(operator.address, client_name="sandbox", deadline_seconds=5) as channel:
            yield Dialer(
                oracle=oracle(),
                plans=StartedPlans(PushPlanServiceStub(channel)),
                calls=CallListServiceStub(channel),
                journal=noted,
                clock=operator.calls.clock,
                pace=Pace(agents=20, call_seconds=0.001, lease_seconds=30),
            )


def an_operator(*customers: str) -> Operator:
    operator = Operator()
    operator.plans.plans = [plan("1")]
    for customer in customers:
        operator.calls.add(customer)
    return operator


async def test_every_call_lent_is_made_once_and_answered_by_taste() -> None:
    operator = an_operator(*CUSTOMERS[:400])
    async with operator.running(), dialing(operator) as dialer:
        while await dialer.round():
            pass
    calls = operator.calls
    assert Counter(calls.started) == Counter(f"calls/{place}" for place in range(400))
    assert calls.finished.keys() == set(calls.started)
    answered = [result for result in calls.finished.values() if result.system_result == pb.SYSTEM_RESULT_ANSWERED]
    assert 0.65 < len(answered) / 400 < 0.85
    said = Counter(result.business_result for result in answered)
    assert said[pb.BUSINESS_RESULT_ACCEPTED] > 0
    assert said[pb.BUSINESS_RESULT_NOT_INTERESTED] > said[pb.BUSINESS_RESULT_CONSIDERING] > 0
    back = [result for result in answered if result.business_result == pb.BUSINESS_RESULT_CALL_BACK]
    assert 0 < len(back) < said[pb.BUSINESS_RESULT_CONSIDERING]
    assert {result.call_back_time.ToDatetime(UTC) for result in back} == {START + timedelta(seconds=5)}
    unanswered = [result for result in calls.finished.values() if result not in answered]
    assert {result.business_result for result in unanswered} == {pb.BUSINESS_RESULT_UNSPECIFIED}


async def test_leases_are_small_short_and_each_of_its_own() -> None:
    operator = an_operator(*CUSTOMERS[:120])
    async with operator.running(), dialing(operator) as dialer:
        while await dialer.round():
            pass
    asked = operator.calls.asked
    assert len(asked) == len({request.request_id for request in asked}) == 4
    assert {request.max_calls for request in asked} == {50}
    assert {request.lease_duration.seconds for request in asked} == {30}


async def test_who_is_called_back_is_not_called_back_again() -> None:
    operator = an_operator(*CUSTOMERS[:400])
    for call in operator.calls.waiting:
        call.call_back_time.FromDatetime(START)
    async with operator.running(), dialing(operator) as dialer:
        while await dialer.round():
            pass
    said = {result.business_result for result in operator.calls.finished.values()}
    assert pb.BUSINESS_RESULT_CONSIDERING in said
    assert pb.BUSINESS_RESULT_CALL_BACK not in said


async def test_a_lease_is_renewed_while_its_calls_are_made_and_what_was_withdrawn_is_not_dialled() -> None:
    operator = an_operator(*CUSTOMERS[:50])
    operator.calls.withdrawn = {"calls/30"}
    async with operator.running(), dialing(operator) as dialer:
        hand = await dialer._lease(operator.plans.plans[0])
        dialer._in_hand[operator.plans.plans[0].name] = hand
        await dialer._make_calls(operator.plans.plans[0], hand)
        operator.calls.clock.advance(timedelta(seconds=20))
        await dialer.round()
    (renewed,) = operator.calls.renewed
    assert renewed.lease_duration.seconds == 30
    assert operator.calls.finished.keys() == {f"calls/{place}" for place in range(50) if place != 30}


async def test_who_stops_gives_back_what_was_not_dialled() -> None:
    operator = an_operator(*CUSTOMERS[:50])
    async with operator.running(), dialing(operator) as dialer:
        hand = await dialer._lease(operator.plans.plans[0])
        dialer._in_hand[operator.plans.plans[0].name] = hand
        await dialer._make_calls(operator.plans.plans[0], hand)
        await dialer.release()
        await dialer.release()
    assert operator.calls.released == [hand.lease]


async def test_a_call_without_leave_to_dial_is_not_made_and_every_other_is_noted_once(tmp_path: Path) -> None:
    operator, journal = an_operator(*CUSTOMERS[:5]), tmp_path / "calls.jsonl"
    operator.calls.forbidden = {"calls/2"}
    async with operator.running(), dialing(operator, journal) as dialer:
        assert await dialer.round()
    assert sorted(dialled.call for dialled in read_call_journal(journal)) == [f"calls/{n}" for n in (0, 1, 3, 4)]
    assert len(operator.calls.started) == 5
    assert operator.calls.finished.keys() == {"calls/0", "calls/1", "calls/3", "calls/4"}


async def test_a_call_whose_time_is_over_is_left_alone() -> None:
    operator = an_operator()
    operator.calls.add(CUSTOMERS[0], in_time=False)
    async with operator.running(), dialing(operator) as dialer:
        assert await dialer.round()
    assert operator.calls.started == []


async def test_only_started_call_plans_are_served_however_many_pages_they_take() -> None:
    operator = an_operator(CUSTOMERS[0])
    operator.plans.plans += [
        plan("2", contact_pb2.CHANNEL_SMS),
        plan("3", state=plan_pb.PushPlan.STATE_READY),
        plan("4", state=plan_pb.PushPlan.STATE_LOADING),
        plan("5"),
    ]
    async with operator.running(), dialing(operator) as dialer:
        await dialer.round()
    assert {request.push_plan for request in operator.calls.asked} == {"pushPlans/1", "pushPlans/5"}


async def test_what_is_offered_decides_the_answer() -> None:
    wanting = secret().tastes.yes_by_call[Subject.MOBILE_NEWSPAPER]
    unable = [CUSTOMERS[place] for place in range(len(CUSTOMERS)) if wanting[place] == 0][:60]
    operator = an_operator()
    operator.plans.plans = [plan("1", offers=(("paper", "mobile_newspaper"),))]
    for customer in unable:
        operator.calls.add(customer, policy="paper")
    async with operator.running(), dialing(operator) as dialer:
        while await dialer.round():
            pass
    results = {result.business_result for result in operator.calls.finished.values()}
    assert pb.BUSINESS_RESULT_NOT_INTERESTED in results
    assert pb.BUSINESS_RESULT_ACCEPTED not in results


async def test_a_customer_unknown_to_the_province_has_no_number() -> None:
    operator = an_operator("nobody")
    async with operator.running(), dialing(operator) as dialer:
        await dialer.round()
    assert operator.calls.finished["calls/0"].system_result == pb.SYSTEM_RESULT_INVALID_NUMBER


async def test_a_lease_whose_answer_was_lost_is_asked_for_again_not_taken_twice() -> None:
    operator = an_operator(*CUSTOMERS[:60])
    operator.calls.answers_to_lose = ["lease"]
    async with operator.running(), dialing(operator) as dialer:
        with pytest.raises(Unavailable):
            await dialer.round()
        await dialer.round()
    first, second = operator.calls.asked
    assert first.request_id == second.request_id
    assert len(operator.calls.finished) == 50


async def test_results_that_dispatch_did_not_hear_are_told_again_and_nobody_is_called_twice() -> None:
    operator = an_operator(*CUSTOMERS[:10])
    operator.calls.answers_to_lose = ["finished"]
    async with operator.running(), dialing(operator) as dialer:
        with pytest.raises(Unavailable):
            await dialer.round()
        operator.calls.end_leases()
        await dialer.round()
    assert Counter(operator.calls.started).most_common(1)[0][1] == 1
    assert operator.calls.reports == ["started", "finished", "finished"]


async def test_without_an_answer_about_the_leave_to_dial_nobody_is_called() -> None:
    operator = an_operator(*CUSTOMERS[:10])
    operator.calls.answers_to_lose = ["started"]
    async with operator.running(), dialing(operator) as dialer:
        with pytest.raises(Unavailable):
            await dialer.round()
    assert operator.calls.finished == {}


async def test_leave_to_dial_whose_word_was_lost_is_asked_for_again_and_each_call_is_made() -> None:
    operator = an_operator(*CUSTOMERS[:10])
    operator.calls.answers_to_lose = ["started"]
    async with operator.running(), dialing(operator) as dialer:
        with pytest.raises(Unavailable):
            await dialer.round()
        await dialer.round()
    assert operator.calls.reports == ["started", "started", "finished"]
    assert len(operator.calls.finished) == 10


async def test_a_dialer_killed_in_the_middle_leaves_calls_that_the_next_one_makes_with_the_same_answers() -> None:
    operator, undisturbed = an_operator(*CUSTOMERS[:50]), an_operator(*CUSTOMERS[:50])
    async with undisturbed.running(), dialing(undisturbed) as dialer:
        await dialer.round()
    async with operator.running():
        async with dialing(operator) as killed:
            hand = await killed._lease(operator.plans.plans[0])
            await killed._make_calls(operator.plans.plans[0], hand)
        operator.calls.end_leases()
        async with dialing(operator) as next_one:
            while await next_one.round():
                pass
    assert operator.calls.finished == undisturbed.calls.finished
    assert len(operator.calls.finished) == 50


async def test_a_plan_that_is_refused_does_not_hold_up_the_others() -> None:
    operator = an_operator(CUSTOMERS[0])
    operator.plans.plans = [plan("1"), plan("2", started=START + timedelta(minutes=1))]
    operator.calls.refused_plans = {"pushPlans/1"}
    async with operator.running(), dialing(operator) as dialer:
        assert await dialer.round()
        assert not await dialer.round()
    assert operator.calls.finished.keys() == {"calls/0"}
