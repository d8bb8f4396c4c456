"""SMS pushes with the database, from a plan's start to recorded answers, beside a bare CMPP client on the same gateway."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

from services.console.clients import Clients, connect
from services.console.plans import PlanRequest, create_plan, latest_lists
from services.console.runs import Follower
from services.console.settings import ConsoleSettings
from shared.clock import SystemClock
from tests.bench.figures import Figure

ROUNDS = 3


async def measure(settings: ConsoleSettings, clock: SystemClock, bare: Sequence[float]) -> list[Figure]:
    """Push one plan a round, and return the rate of those that left; `bare` is the yardstick's rate per round."""
    async with connect(settings) as clients:
        rates = [await _one_plan(clients, clock, round_) for round_ in range(ROUNDS)]
    figure = Figure("SMS pushes, claimed to recorded", rates, "pushes/s")
    yardstick = Figure("bare CMPP client, same gateway", bare, "submits/s")
    return [yardstick, Figure(figure.name, rates, figure.unit, figure.median / yardstick.median, "the bare client")]


async def _one_plan(clients: Clients, clock: SystemClock, round_: int) -> float:
    request = PlanRequest(
        display_name=f"bench {round_}",
        assembly_run=await latest_lists(clients),
        channel="sms",
        zone="new_service",
        policy="",
        limit=0,
        cities=(),
        expire_time=clock.now() + timedelta(days=3 + round_),
    )
    plan = await create_plan(request, clients=clients, follower=Follower(lambda step, status: None))
    begun = time.perf_counter()
    await clients.plans.StartPushPlan(plan_pb.StartPushPlanRequest(name=plan.name))
    while True:
        balance = (await clients.plans.GetPushPlan(plan_pb.GetPushPlanRequest(name=plan.name))).push_plan.balance
        if balance.planned_count + balance.claimed_count == 0:
            return float(balance.sent_count) / (time.perf_counter() - begun)
        await asyncio.sleep(0.02)
