"""SMS pushes with the database, from a plan's start to recorded answers, beside a bare CMPP client on the same gateway."""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

import pyarrow.parquet as pq
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from services.console.clients import Clients, connect
from services.console.settings import ConsoleSettings
from services.sandbox.settings import SandboxSettings
from shared.clock import SystemClock
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.messages import messages_to_table
from shared.lake.refs import to_ref
from shared.wire.cmpp import session as cmpp
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.login import Credentials
from shared.wire.cmpp.pdus import Deliver, Submit
from shared.wire.cmpp.texts import encode_ucs2
from tests.bench.figures import Figure

ROUNDS = 3
MESSAGES = 4_000
POLICY = "bench"
TEXT = "手机报免费看一个月，回复{keyword}订购。"


async def measure(settings: ConsoleSettings, gateway: SandboxSettings, clock: SystemClock) -> list[Figure]:
    """Alternate plans of people who were never contacted with as many bare submits; return both rates."""
    bare, pushed = [], []
    lake = Lake(settings.home / "lake")
    async with connect(settings) as clients:
        for round_ in range(ROUNDS):
            bare.append(await _bare(gateway, clock))
            pushed.append(await _one_plan(clients, _publish_targets(lake, clock, round_), clock))
    yardstick = Figure("bare CMPP client, same gateway", bare, "submits/s")
    pushes = Figure("SMS pushes, claimed to recorded", pushed, "pushes/s")
    return [
        yardstick,
        Figure(pushes.name, pushed, pushes.unit, pushes.median / yardstick.median, "the bare client"),
    ]


async def _bare(gateway: SandboxSettings, clock: SystemClock) -> float:
    """Submit as many messages as a plan has, one line, the protocol's window; then take the receipts, untimed."""
    credentials = Credentials(gateway.sandbox_sp_id, gateway.sandbox_sp_secret.get_secret_value())
    session = await cmpp.connect(
        "127.0.0.1", gateway.sandbox_gateway_port, credentials, on_delivers=_ignore, clock=clock, limits=LinkLimits()
    )
    content = encode_ucs2(f"【中国移动】{TEXT.format(keyword='DZB')}拒收请回复TD")
    sender = (gateway.sandbox_sp_id, gateway.sandbox_service_id)
    begun = time.perf_counter()
    tickets = [
        await session.submit(Submit(gateway.sandbox_src_id, (f"1990000{n:04}",), content, *sender))
        for n in range(MESSAGES)
    ]
    await asyncio.gather(*(ticket.response() for ticket in tickets))
    rate = MESSAGES / (time.perf_counter() - begun)
    await asyncio.sleep(5)  # for the receipts, which dispatch's own line shares, so that their number says nothing
    await session.close()
    return rate


async def _ignore(_delivers: Sequence[Deliver]) -> None:
    return


def _publish_targets(lake: Lake, clock: SystemClock, round_: int) -> Dataset:
    """Publish people nobody else knows, so that no cap and no earlier contact holds them back."""
    rows = [
        TargetRow(
            rank=n + 1,
            customer_id=f"bench-{round_}-{n}",
            owner_id=f"bench-{round_}-{n}",
            msisdn=f"19{round_ + 1}0000{n:04}",
            city="bench",
            arm="targeted",
            policy=POLICY,
            product="mobile_newspaper",
        )
        for n in range(MESSAGES)
    ]
    uri, schema = f"bench/targets/{uuid.uuid4()}", TargetRow.DESCRIPTOR.full_name
    with lake.publish(uri, schema=schema, created_at=clock.now()) as draft:
        pq.write_table(messages_to_table(rows, TargetRow), draft.path("targets.parquet"))
        return draft.commit(len(rows))


async def _one_plan(clients: Clients, targets: Dataset, clock: SystemClock) -> float:
    offer = plan_pb.PlanOffer(policy=POLICY, product="mobile_newspaper", text=TEXT, order_keyword="DZB")
    asked = plan_pb.CreatePushPlanRequest(
        request_id=str(uuid.uuid4()),
        display_name=targets.uri,
        channel=contact_pb.CHANNEL_SMS,
        targets=to_ref(targets),
        offers=[offer],
    )
    asked.expire_time.FromDatetime(clock.now() + timedelta(days=1))
    name = (await clients.plans.CreatePushPlan(asked)).push_plan.name
    await _until(clients, name, lambda plan: plan.state == plan_pb.PushPlan.STATE_READY)
    begun = time.perf_counter()
    await clients.plans.StartPushPlan(plan_pb.StartPushPlanRequest(name=name))
    plan = await _until(clients, name, lambda plan: plan.balance.planned_count + plan.balance.claimed_count == 0)
    return plan.balance.sent_count / (time.perf_counter() - begun)


async def _until(clients: Clients, name: str, is_so: Callable[[plan_pb.PushPlan], bool]) -> plan_pb.PushPlan:
    while True:
        plan = (await clients.plans.GetPushPlan(plan_pb.GetPushPlanRequest(name=name))).push_plan
        if is_so(plan):
            return plan
        await asyncio.sleep(0.05)
