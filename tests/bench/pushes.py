"""SMS pushes with the database, from a plan's start to recorded answers, beside a bare CMPP client on the same gateway."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

from services.console.clients import Clients, connect
from services.console.plans import Channel, PlanRequest, Zone, create_plan, latest_lists
from services.console.runs import Follower
from services.console.settings import ConsoleSettings
from services.sandbox.settings import SandboxSettings
from shared.clock import SystemClock
from shared.wire.cmpp import session as cmpp
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.pdus import Deliver, Submit
from shared.wire.cmpp.texts import encode_ucs2
from tests.bench.figures import Figure

ROUNDS = 3
SUBMITS = 3_000


async def measure(settings: ConsoleSettings, gateway: SandboxSettings, clock: SystemClock) -> list[Figure]:
    """Alternate a plan of everyone who may be pushed to, and as many bare submits; return both rates."""
    bare, pushed = [], []
    async with connect(settings) as clients:
        for round_ in range(ROUNDS):
            bare.append(await _bare(gateway, clock))
            pushed.append(await _one_plan(clients, clock, round_))
    yardstick = Figure("bare CMPP client, same gateway", bare, "submits/s")
    pushes = Figure("SMS pushes, claimed to recorded", pushed, "pushes/s")
    return [
        yardstick,
        Figure(pushes.name, pushed, pushes.unit, pushes.median / yardstick.median, "the bare client"),
    ]


async def _bare(gateway: SandboxSettings, clock: SystemClock) -> float:
    credentials = cmpp.Credentials(gateway.sandbox_sp_id, gateway.sandbox_sp_secret.get_secret_value())
    session = await cmpp.connect(
        "127.0.0.1",
        gateway.sandbox_gateway_port,
        credentials,
        on_delivers=_ignore,
        clock=clock,
        limits=LinkLimits(),
        within=5.0,
    )
    content = encode_ucs2("【中国移动】手机报免费看一个月，回复DZB订购。拒收请回复TD")
    begun = time.perf_counter()
    tickets = [
        await session.submit(
            Submit(
                gateway.sandbox_src_id, (f"1990000{n:04}",), content, gateway.sandbox_sp_id, gateway.sandbox_service_id
            )
        )
        for n in range(SUBMITS)
    ]
    await asyncio.gather(*(ticket.response() for ticket in tickets))
    rate = SUBMITS / (time.perf_counter() - begun)
    await session.close()
    return rate


async def _ignore(_delivers: Sequence[Deliver]) -> None:
    return


async def _one_plan(clients: Clients, clock: SystemClock, round_: int) -> float:
    request = PlanRequest(
        display_name=f"bench {round_}",
        assembly_run=await latest_lists(clients),
        channel=Channel.SMS,
        zone=Zone.NEW_SERVICE,
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
