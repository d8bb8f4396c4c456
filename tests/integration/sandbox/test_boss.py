"""The simulated BOSS against a dispatch and a feedback on a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, timedelta

import pytest
from visavis.dispatch.v1 import contact_pb2
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1.push_plan_service_pb2_grpc import PushPlanServiceStub
from visavis.feedback.v1.feedback_service_pb2_grpc import FeedbackServiceStub

from services.sandbox.boss import ORDERING_TIME, Boss
from services.sandbox.rounds import StartedPlans
from services.sandbox.world.catalogue import Subject
from shared.clock import ManualClock
from shared.errors import Unavailable
from shared.rpc.client import open_channel
from tests.factories.sandbox import oracle
from tests.integration.sandbox.operator_side import START, Operator, plan

PAPER = (("paper", "mobile_newspaper"),)
LATER = START + timedelta(hours=1)


@asynccontextmanager
async def boss_of(operator: Operator, *, customers: int = 2000) -> AsyncIterator[Boss]:
    async with open_channel(operator.address, client_name="sandbox", deadline_seconds=5) as channel:
        yield Boss(
            oracle=oracle(customers),
            plans=StartedPlans(PushPlanServiceStub(channel)),
            feedback=FeedbackServiceStub(channel),
            clock=ManualClock(LATER),
        )


def an_operator(*plans: plan_pb.PushPlan) -> Operator:
    operator = Operator()
    operator.plans.plans = list(plans)
    return operator


async def test_each_started_plan_brings_its_unasked_orders_once() -> None:
    operator = an_operator(plan("1", contact_pb2.CHANNEL_SMS, offers=PAPER), plan("2"))
    async with operator.running(), boss_of(operator) as boss:
        assert await boss.round()
        assert not await boss.round()
    orders = list(operator.feedback.orders.values())
    expected = dict(oracle().order_unasked(Subject.MOBILE_NEWSPAPER, "paper", earlier_plans=0))
    assert {order.customer_id for order in orders if order.policy == "paper"} == expected.keys()
    assert {order.policy for order in orders} == {"paper", "keep-1"}
    assert sum(len(request.outcomes) for request in operator.feedback.requests) == len(orders)


async def test_orders_come_after_the_start_and_are_not_told_before_they_happen() -> None:
    operator = an_operator(plan("1", offers=PAPER))
    async with operator.running(), boss_of(operator) as boss:
        boss.clock = ManualClock(START + ORDERING_TIME / 2)
        assert not await boss.round()
        assert operator.feedback.requests == []
        boss.clock = ManualClock(START + ORDERING_TIME)
        assert await boss.round()
    times = [order.order_time.ToDatetime(UTC) for order in operator.feedback.orders.values()]
    assert all(START <= time < START + ORDERING_TIME for time in times)


async def test_after_a_kill_the_same_orders_are_told_under_the_same_ids() -> None:
    operator = an_operator(plan("1", offers=PAPER))
    async with operator.running():
        async with boss_of(operator) as boss:
            await boss.round()
        known = dict(operator.feedback.orders)
        async with boss_of(operator) as after_the_kill:
            await after_the_kill.round()
    assert operator.feedback.orders == known
    assert len(operator.feedback.requests) == 2


async def test_a_plan_that_is_not_started_brings_nothing() -> None:
    operator = an_operator(plan("1", state=plan_pb.PushPlan.STATE_READY))
    async with operator.running(), boss_of(operator) as boss:
        assert not await boss.round()
    assert operator.feedback.requests == []


async def test_a_second_plan_of_the_same_policy_finds_other_customers_even_after_a_kill() -> None:
    first, second = plan("1", offers=PAPER), plan("0", offers=PAPER, started=START + timedelta(minutes=5))
    operator = an_operator(first)
    async with operator.running():
        async with boss_of(operator) as boss:
            await boss.round()
            operator.plans.plans = [first, second]
            await boss.round()
        known = dict(operator.feedback.orders)
        async with boss_of(operator) as after_the_kill:
            await after_the_kill.round()
    customers = [order.customer_id for order in known.values()]
    assert len(customers) == len(set(customers))
    assert operator.feedback.orders == known


async def test_many_orders_travel_in_portions_that_the_contract_allows() -> None:
    offers = tuple((f"keep-{number}", "") for number in range(6))
    operator = an_operator(plan("1", offers=offers))
    async with operator.running(), boss_of(operator, customers=12_000) as boss:
        await boss.round()
    assert len(operator.feedback.orders) > 1000
    assert max(len(request.outcomes) for request in operator.feedback.requests) <= 1000


async def test_while_feedback_is_down_the_plan_stays_to_be_told() -> None:
    operator = an_operator(plan("1", offers=PAPER))
    async with (
        operator.running(),
        boss_of(operator) as boss,
        open_channel("127.0.0.1:1", client_name="sandbox") as down,
    ):
        working, boss.feedback = boss.feedback, FeedbackServiceStub(down)
        with pytest.raises(Unavailable):
            await boss.round()
        boss.feedback = working
        assert await boss.round()
    assert operator.feedback.orders


async def test_a_plan_whose_orders_are_refused_does_not_hold_up_the_others() -> None:
    operator = an_operator(plan("1"), plan("2", offers=PAPER, started=START + timedelta(minutes=1)))
    operator.feedback.refused_policies = {"keep-1"}
    async with operator.running(), boss_of(operator) as boss:
        await boss.round()
        assert not await boss.round()
    assert {order.policy for order in operator.feedback.orders.values()} == {"paper"}
