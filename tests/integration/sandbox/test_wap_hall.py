"""The people who get WAP pushes, and the pages that these open, against a dispatch and a feedback on a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from visavis.dispatch.v1 import contact_pb2
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1.push_plan_service_pb2_grpc import PushPlanServiceStub
from visavis.feedback.v1.feedback_service_pb2_grpc import FeedbackServiceStub

from services.sandbox.audience import TastePushAudience
from services.sandbox.rounds import StartedPlans
from services.sandbox.wap_hall import WapHall
from services.sandbox.world.catalogue import Subject
from services.sandbox.world.oracle import Answer
from shared.clock import ManualClock
from shared.errors import Unavailable
from shared.rpc.client import open_channel
from shared.wire.pap.indication import ServiceIndication
from shared.wire.pap.messages import MessageState
from tests.factories.sandbox import oracle, secret
from tests.integration.sandbox.operator_side import START, Operator, plan

HREF = "http://wap.example.com/offers/paper"
NUMBERS = [str(number) for number in secret().msisdn[:400]]


def newspaper() -> plan_pb.PushPlan:
    made = plan("1", contact_pb2.CHANNEL_WAP_PUSH, offers=(("paper", "mobile_newspaper"),))
    made.offers[0].href = HREF
    return made


def indication(number: int) -> ServiceIndication:
    return ServiceIndication("手机报", HREF, f"{number}@v")


@asynccontextmanager
async def hall_of(operator: Operator, refused: list[str]) -> AsyncIterator[WapHall]:
    async with open_channel(operator.address, client_name="sandbox", deadline_seconds=5) as channel:
        yield WapHall(
            oracle=oracle(),
            plans=StartedPlans(PushPlanServiceStub(channel)),
            feedback=FeedbackServiceStub(channel),
            clock=ManualClock(START + timedelta(minutes=1)),
            refuse=refused.append,
        )


async def test_whoever_opens_a_page_orders_or_refuses_by_their_tastes_once() -> None:
    operator, refused = Operator(), list[str]()
    operator.plans.plans = [newspaper()]
    async with operator.running(), hall_of(operator, refused) as hall:
        for _ in range(2):
            for n, number in enumerate(NUMBERS):
                hall.open_page(number, indication(n))
        while await hall.round():
            pass
    answers = {}
    for number in NUMBERS:
        place = oracle().place_of_number(number)
        assert place is not None
        answers[number] = (
            oracle().answer_by_page(place, Subject.MOBILE_NEWSPAPER, "paper"),
            oracle().customer_at(place),
        )
    orders = operator.feedback.orders.values()
    assert {order.customer_id for order in orders} == {who for answer, who in answers.values() if answer is Answer.YES}
    assert len(orders) > 0
    assert {order.policy for order in orders} == {"paper"}
    assert set(refused) == {number for number, (answer, _) in answers.items() if answer is Answer.OPT_OUT}


async def test_a_page_that_no_plan_offers_orders_nothing_and_a_hall_without_visits_asks_nobody() -> None:
    operator, refused = Operator(port=1), list[str]()
    async with hall_of(operator, refused) as hall:
        assert not await hall.round()
    operator = Operator()
    async with operator.running(), hall_of(operator, refused) as hall:
        hall.open_page(NUMBERS[0], indication(0))
        assert await hall.round()
    assert not operator.feedback.orders


async def test_visits_are_kept_while_nobody_answers() -> None:
    refused = list[str]()
    async with hall_of(Operator(port=1), refused) as hall:
        for n, number in enumerate(NUMBERS):
            hall.open_page(number, indication(n))
        with pytest.raises(Unavailable):
            await hall.round()
        operator = Operator()
        operator.plans.plans = [newspaper()]
        async with operator.running(), hall_of(operator, refused) as other:
            hall.plans, hall.feedback = other.plans, other.feedback
            assert await hall.round()
    assert operator.feedback.orders


async def test_a_push_reaches_nearly_everybody_who_has_a_number_and_opens_its_page() -> None:
    opened: list[str] = []
    people = TastePushAudience(oracle(), open_page=lambda number, _: opened.append(number), refuse=lambda _: None)
    arrivals = {number: await people.receive(number, indication(0)) for number in [*NUMBERS, "19999999999"]}
    reached = {number for number, arrival in arrivals.items() if arrival.state is MessageState.DELIVERED}
    assert opened == [number for number in NUMBERS if number in reached]
    assert 0.9 * len(NUMBERS) < len(reached) < len(NUMBERS)
