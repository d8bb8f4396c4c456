"""Pushes with the database, from a plan's start to recorded answers, beside bare clients on the same gateways."""

import asyncio
import statistics
import time
import uuid
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

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
from tests.bench import bare
from tests.bench.figures import Figure

ROUNDS = 3
MESSAGES = 4_000
OTHER_MESSAGES = 1_500
POLICY, PRODUCT = "bench", "mobile_newspaper"
TEXT = "手机报免费看一个月，回复{keyword}订购。"


@dataclass(frozen=True)
class Way:
    """A channel, what is offered by it, and its bare client: messages -> messages a second."""

    name: str
    channel: contact_pb.Channel.ValueType
    offer: plan_pb.PlanOffer
    bare: Callable[[int, SystemClock], Awaitable[float]]
    messages: int


def _ways(gateway: SandboxSettings) -> Sequence[Way]:
    by_sms = plan_pb.PlanOffer(policy=POLICY, product=PRODUCT, text=TEXT, order_keyword="DZB")
    by_wap = plan_pb.PlanOffer(policy=POLICY, product=PRODUCT, text=bare.TEXT, href=bare.PAGE)
    by_mail = plan_pb.PlanOffer(policy=POLICY, product=PRODUCT, text=TEXT, order_keyword="DZB", title="手机报免费体验")
    return (
        Way("SMS (CMPP)", contact_pb.CHANNEL_SMS, by_sms, partial(_bare_sms, gateway), MESSAGES),
        Way("WAP pushes (PAP)", contact_pb.CHANNEL_WAP_PUSH, by_wap, partial(bare.wap_pushes, gateway), OTHER_MESSAGES),
        Way("mails (SMTP)", contact_pb.CHANNEL_MAIL_139, by_mail, bare.mails, OTHER_MESSAGES),
    )


async def measure(settings: ConsoleSettings, gateway: SandboxSettings, clock: SystemClock) -> list[Figure]:
    """Alternate plans of people who were never contacted with as many bare messages, channel by channel."""
    lake = Lake(settings.home / "lake")
    async with connect(settings) as clients:
        return [figure for way in _ways(gateway) for figure in await _measure(way, clients, lake, clock)]


async def _measure(way: Way, clients: Clients, lake: Lake, clock: SystemClock) -> list[Figure]:
    alone, pushed = [], []
    for round_ in range(ROUNDS):
        alone.append(await way.bare(way.messages, clock))
        targets = publish_targets(lake, clock, f"{way.channel}-{round_}", way.messages)
        name = await ready_plan(clients, targets, way.channel, way.offer, clock)
        pushed.append(await _sent(clients, name))
    ratio = statistics.median(one / other for one, other in zip(pushed, alone, strict=True))
    return [
        Figure(f"bare client, {way.name}", alone, "messages/s"),
        Figure(f"{way.name}, claimed to recorded", pushed, "pushes/s", ratio, "the bare client"),
    ]


async def _bare_sms(gateway: SandboxSettings, count: int, clock: SystemClock) -> float:
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
        for n in range(count)
    ]
    await asyncio.gather(*(ticket.response() for ticket in tickets))
    rate = count / (time.perf_counter() - begun)
    await asyncio.sleep(5)  # for the receipts, which dispatch's own line shares, so that their number says nothing
    await session.close()
    return rate


async def _ignore(_delivers: Sequence[Deliver]) -> None:
    return


def publish_targets(lake: Lake, clock: SystemClock, label: str, count: int) -> Dataset:
    """Publish people nobody else knows, of a label of its own, so that no cap and no earlier contact holds them back."""
    rows = [
        TargetRow(
            rank=n + 1,
            customer_id=f"bench-{label}-{n}",
            owner_id=f"bench-{label}-{n}",
            msisdn=f"19{zlib.crc32(label.encode()) % 100_000:05}{n:04}",
            city="bench",
            arm="targeted",
            policy=POLICY,
            product=PRODUCT,
        )
        for n in range(count)
    ]
    uri, schema = f"bench/targets/{uuid.uuid4()}", TargetRow.DESCRIPTOR.full_name
    with lake.publish(uri, schema=schema, created_at=clock.now()) as draft:
        pq.write_table(messages_to_table(rows, TargetRow), draft.path("targets.parquet"))
        return draft.commit(len(rows))


async def ready_plan(
    clients: Clients,
    targets: Dataset,
    channel: contact_pb.Channel.ValueType,
    offer: plan_pb.PlanOffer,
    clock: SystemClock,
) -> str:
    """Create a plan, wait until it is loaded, and return its name."""
    asked = plan_pb.CreatePushPlanRequest(
        request_id=str(uuid.uuid4()), display_name=targets.uri, channel=channel, targets=to_ref(targets), offers=[offer]
    )
    asked.expire_time.FromDatetime(clock.now() + timedelta(days=1))
    name = (await clients.plans.CreatePushPlan(asked)).push_plan.name
    await _until(clients, name, lambda plan: plan.state == plan_pb.PushPlan.STATE_READY)
    return name


async def _sent(clients: Clients, name: str) -> float:
    """Start a plan and wait until all has left; return pushes a second."""
    begun = time.perf_counter()
    await clients.plans.StartPushPlan(plan_pb.StartPushPlanRequest(name=name))
    plan = await _until(clients, name, lambda plan: plan.balance.planned_count + plan.balance.claimed_count == 0)
    return plan.balance.sent_count / (time.perf_counter() - begun)


async def _until(clients: Clients, name: str, is_so: Callable[[plan_pb.PushPlan], bool]) -> plan_pb.PushPlan:
    while True:
        plan = (await clients.plans.GetPushPlan(plan_pb.GetPushPlanRequest(name=name))).push_plan
        if is_so(plan):
            return plan
        await asyncio.sleep(0.2)  # a look counts all pushes of the plan, and is not what is measured
