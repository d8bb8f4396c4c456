"""Opt-outs while plans of all channels are leaving: who was told that it is heard gets nothing any more, by no channel."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest
from visavis.dispatch.v1 import contact_service_pb2 as contact_pb
from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from services.dispatch.domain.plans import Channel, Plan
from services.dispatch.domain.pushes import PushState
from services.dispatch.ports.channels import Reply
from services.dispatch.worker.incoming import StoredIncoming
from services.sandbox.gateway.faults import Faults
from shared.clock import Clock, SystemClock
from tests.factories.dispatch import CONTRACT, MORNING, NEWSPAPER, PAGE, msisdn, plan_request, target_row
from tests.integration.dispatch.desk import Desk, desk_of
from tests.integration.dispatch.mail_rig import OFFER, MailProvince, mail_line, mail_plan, mail_province_in
from tests.integration.dispatch.rig import UNCOUNTED, LineOpener, Province, Rig, lines_worker, province_in, sms_line
from tests.integration.dispatch.wap_rig import PushProvince, push_province_in, wap_line

pytestmark = [pytest.mark.timeout(90)]

TOTAL = 160
SECONDS = 1.5
"""How long the blast takes by the rate of each line, and within which people refuse."""
WORKERS = 2
AGENTS = 5
LETTER = replace(OFFER, policy="newspaper-by-mail")
"""Of a policy of its own: nobody is offered one twice."""
BY_RPC, BY_SMS, BY_LINK, BY_PHONE = (frozenset(map(msisdn, range(n, TOTAL + 1, 8))) for n in (1, 3, 5, 7))
"""Who refuses in which way; the others refuse nothing."""
OPEN = {"planned", "held", "claimed", "leased"}


@dataclass
class World:
    """All gateways, on a clock that runs; whom they reached is known from their journals, and from who was dialled."""

    sms: Province
    wap: PushProvince
    mail: MailProvince
    clock: Clock
    dialled: list[tuple[str, datetime]] = field(default_factory=list)
    """Who was dialled, and when leave to do so was asked for."""
    acknowledged: dict[str, datetime] = field(default_factory=dict)
    """Number -> when its opt-out was acknowledged."""

    def acknowledge(self, number: str) -> None:
        self.acknowledged.setdefault(number, self.clock.now())

    def reached(self) -> Mapping[Channel, list[tuple[str, datetime]]]:
        return {
            Channel.SMS: [(each.dest, datetime.fromisoformat(each.time)) for each in self.sms.received()],
            Channel.WAP_PUSH: [
                (each.dest, datetime.fromisoformat(each.time)) for each in self.wap.received() if not each.is_cancel
            ],
            Channel.MAIL_139: [(each.dest, datetime.fromisoformat(each.time)) for each in self.mail.received()],
            Channel.CALL: self.dialled,
        }


@dataclass(frozen=True)
class Heard(StoredIncoming):
    """Takes note of each SMS that refuses before the gateway hears that it has arrived."""

    world: World

    async def on_reply(self, reply: Reply) -> None:
        await super().on_reply(reply)
        self.world.acknowledge(reply.msisdn)


def heard_by(world: World, open_line: LineOpener) -> LineOpener:
    """Return what opens the same line, with `Heard` behind it."""
    return lambda incoming, closing: open_line(Heard(incoming.work, incoming.receipts, incoming.clock, world), closing)


@asynccontextmanager
async def world_in(folder: Path) -> AsyncIterator[World]:
    clock = SystemClock(MORNING - SystemClock().now())
    async with (
        province_in(folder, clock) as sms,
        push_province_in(folder, clock) as wap,
        mail_province_in(folder, clock) as mail,
    ):
        sms.gateway.misbehave(Faults(answer_after=0.02))
        yield World(sms, wap, mail, clock)


@asynccontextmanager
async def workers(rig: Rig, world: World) -> AsyncIterator[None]:
    """Run workers that serve all channels, so slowly that the blast lasts."""
    rate = TOTAL / SECONDS / WORKERS
    openers = [
        heard_by(world, sms_line(rig, replace(world.sms.account, rate=rate))),
        wap_line(rig, replace(world.wap.account, rate=rate)),
        mail_line(rig, replace(world.mail.account, rate=rate)),
    ]
    async with AsyncExitStack() as running:
        for _ in range(WORKERS):
            await running.enter_async_context(lines_worker(rig, openers, batches=1))
        yield


def shuffled(noise: random.Random, policy: str) -> list[TargetRow]:
    """Return a target for each customer, in an order of its own."""
    rows = [target_row(number, policy=policy) for number in range(1, TOTAL + 1)]
    for rank, row in enumerate(noise.sample(rows, TOTAL), start=1):
        row.rank = rank
    return rows


async def refuse_by_rpc(world: World, desk: Desk, number: str, after: float) -> None:
    await asyncio.sleep(after)
    asked = contact_pb.CreateOptOutRequest(customer_id=f"c-{int(number[3:])}", msisdn=number, source="desk")
    await desk.contacts.CreateOptOut(asked)
    world.acknowledge(number)


async def refuse_by_sms(world: World, number: str, after: float) -> None:
    await asyncio.sleep(after)
    world.sms.gateway.post_reply("901234", number, "TD")


async def refuse_by_link(world: World, numbers: Collection[str]) -> None:
    """Unsubscribe as mail programs do (RFC 8058), each as soon as the mail is there, until all have."""
    async with aiohttp.ClientSession() as browser:
        while waiting := numbers - world.acknowledged.keys():
            for mail in world.mail.received():
                if mail.dest in waiting:
                    async with browser.post(mail.unsubscribe, data={"List-Unsubscribe": "One-Click"}) as answer:
                        assert answer.status == 200
                    world.acknowledge(mail.dest)
            await asyncio.sleep(0.02)


async def call_everybody(world: World, desk: Desk, plan: Plan, refusing: Collection[str]) -> None:
    """Be an agent: lease and dial until there is nobody left to call; `refusing` want no calls any more."""
    while calls := await desk.lease(plan, str(uuid.uuid4()), size=10):
        for call in calls:
            asked_at = world.clock.now()
            if await desk.started(call) != "TAKEN":
                continue
            world.dialled.append((call.msisdn, asked_at))
            said = "DO_NOT_CALL" if call.msisdn in refusing else "NOT_INTERESTED"
            assert await desk.finished(call, "ANSWERED", said) == "TAKEN"
            if call.msisdn in refusing:
                world.acknowledge(call.msisdn)


async def people(world: World, desk: Desk, calls: Plan, noise: random.Random) -> None:
    """Let everybody refuse who does, in their own way, while calls are made."""
    async with asyncio.TaskGroup() as group:
        for _ in range(AGENTS):
            group.create_task(call_everybody(world, desk, calls, BY_PHONE))
        group.create_task(refuse_by_link(world, BY_LINK))
        for number in sorted(BY_RPC):
            group.create_task(refuse_by_rpc(world, desk, number, noise.random() * SECONDS))
        for number in sorted(BY_SMS):
            group.create_task(refuse_by_sms(world, number, noise.random() * SECONDS))


async def open_pushes(rig: Rig, plans: Collection[Plan]) -> int:
    states = [await rig.states(plan) for plan in plans]
    return sum(count for found in states for state, count in found.items() if state in OPEN)


async def numbers_in(rig: Rig, plan: Plan, *states: PushState) -> set[str]:
    """Return the numbers of the pushes in these states."""
    async with rig.reading() as reading:
        pushes = [
            push
            for state in states
            for push in await reading.contacts.pushes(plan.plan_id, state=state, after_rank=0, limit=TOTAL, cities=None)
        ]
    return {msisdn(int(push.customer_id.removeprefix("c-"))) for push in pushes}


async def test_nobody_is_reached_by_any_channel_after_an_opt_out_by_whatever_way_was_acknowledged(
    rig: Rig, tmp_path: Path
) -> None:
    noise, rig.rules = random.Random(4), UNCOUNTED
    asked = {
        Channel.SMS: (NEWSPAPER.policy, plan_request()),
        Channel.WAP_PUSH: (PAGE.policy, plan_request(Channel.WAP_PUSH)),
        Channel.MAIL_139: (LETTER.policy, mail_plan(LETTER)),
        Channel.CALL: (CONTRACT.policy, plan_request(Channel.CALL)),
    }
    async with world_in(tmp_path) as world, desk_of(rig) as desk:
        plans = {
            channel: await rig.plan(shuffled(noise, policy), request) for channel, (policy, request) in asked.items()
        }
        async with workers(rig, world):
            await people(world, desk, plans[Channel.CALL], noise)
            await rig.until(lambda: _all_done(rig, world, plans.values()))
        reached = world.reached()
    assert late(reached, world.acknowledged) == []
    for channel, plan in plans.items():
        await assert_exact(rig, plan, Counter(number for number, _ in reached[channel]))


async def _all_done(rig: Rig, world: World, plans: Collection[Plan]) -> bool:
    return world.acknowledged.keys() >= BY_RPC | BY_SMS | BY_LINK | BY_PHONE and await open_pushes(rig, plans) == 0


def late(
    reached: Mapping[Channel, list[tuple[str, datetime]]], acknowledged: Mapping[str, datetime]
) -> list[tuple[Channel, str]]:
    """Return who was reached, and by which channel, after their opt-out was acknowledged."""
    return [
        (channel, number)
        for channel, found in reached.items()
        for number, at in found
        if number in acknowledged and at > acknowledged[number]
    ]


async def assert_exact(rig: Rig, plan: Plan, taken: Counter[str]) -> None:
    """Assert that nobody got it twice, that each push is accounted for, and that opt-outs really came in between."""
    states = await rig.states(plan)
    sent = await numbers_in(rig, plan, PushState.SENT)
    unknown = await numbers_in(rig, plan, PushState.INDETERMINATE)
    withdrawn = await numbers_in(rig, plan, PushState.CANCELLED, PushState.SUPPRESSED)
    assert set(taken.values()) == {1}
    assert sent <= taken.keys() <= sent | unknown
    assert sum(states.values()) == TOTAL == len(sent | unknown | withdrawn)
    assert withdrawn
    assert withdrawn <= BY_RPC | BY_SMS | BY_LINK | BY_PHONE
