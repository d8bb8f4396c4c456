"""WAP pushes in the ledger: taken back when their customers refuse, recognised when they come again, found by what is told
of them, and neither twice nor lost whatever is killed."""

import asyncio
import random
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from visavis.dispatch.v1 import contact_service_pb2 as contact_pb
from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from services.dispatch.channels.wap_wire import to_push
from services.dispatch.domain.plans import Channel, Plan
from services.dispatch.domain.pushes import PushState
from services.dispatch.ports import Message, Reply
from services.dispatch.use_cases.plans import start_plan
from services.dispatch.worker.incoming import StoredIncoming
from services.sandbox.ppg.faults import PpgFaults
from shared.db.roles import service_url
from shared.wire.pap.client import PpgClient
from tests.conformance.test_message_channels import sent_numbers
from tests.databases import ROLE_SECRET
from tests.factories.dispatch import MORNING, PAGE, msisdn, plan_request, target_row
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.nursery import nursery_of
from tests.integration.dispatch.rig import Rig
from tests.integration.dispatch.wap_rig import PushProvince, push_province_in, wap_worker

PLAN = plan_request(Channel.WAP_PUSH)
OPEN = {"planned", "held", "claimed"}


def rows(count: int, *, policy: str = PAGE.policy) -> list[TargetRow]:
    return [target_row(n, policy=policy) for n in range(1, count + 1)]


async def refuse(rig: Rig, number: int) -> None:
    """Let a customer write the word that refuses."""
    reply = Reply("901234", f"{number:016x}", msisdn(number), "TD")
    await StoredIncoming(rig.work, rig.receipts, rig.clock).on_reply(reply)


async def test_what_waits_at_the_gateway_is_taken_back_when_its_customer_refuses(rig: Rig, tmp_path: Path) -> None:
    async with push_province_in(tmp_path, rig.clock) as province:
        province.gateway.misbehave(PpgFaults(pass_on_after=3600))
        plan = await rig.plan(rows(3), PLAN)
        async with wap_worker(rig, province.account):
            await rig.until_states(plan, sent=3)
            await refuse(rig, 2)
            await rig.until(lambda: told(rig, plan, delivered=0, undelivered=1))
        assert [(each.code, each.dest) for each in province.received() if each.is_cancel] == [(1000, msisdn(2))]
        assert await rig.states(plan) == {"sent": 3}


async def told(rig: Rig, plan: Plan, *, delivered: int, undelivered: int) -> bool:
    balance = await rig.balance(plan)
    return (balance.delivered, balance.undelivered) == (delivered, undelivered)


async def test_a_gateway_is_asked_once_for_what_it_cannot_take_back(rig: Rig, tmp_path: Path) -> None:
    async with push_province_in(tmp_path, rig.clock) as province:
        province.gateway.misbehave(PpgFaults(no_reports=True))
        plan = await rig.plan(rows(2), PLAN)
        async with wap_worker(rig, province.account):
            await rig.until_states(plan, sent=2)
            await rig.until(lambda: seen(province, 2))
            for _ in range(2):
                await refuse(rig, 2)
                await rig.until(lambda: asked(province))
                await asyncio.sleep(0.7)  # more than a round of what is due
        assert [each.code for each in province.received() if each.is_cancel] == [2008]
    assert await told(rig, plan, delivered=0, undelivered=0)


async def seen(province: PushProvince, count: int) -> bool:
    return len(province.audience.seen) == count


async def asked(province: PushProvince) -> bool:
    return any(each.is_cancel for each in province.received())


async def test_a_push_that_the_gateway_knows_already_is_sent_and_not_delivered_again(rig: Rig, tmp_path: Path) -> None:
    """As after a refusal (4001) of a gateway that took the push all the same."""
    async with push_province_in(tmp_path, rig.clock) as province:
        plan = await rig.plan(rows(1), PLAN, start=False)
        async with rig.reading() as reading:
            (push,) = await reading.contacts.pushes(plan.plan_id, state=None, after_rank=0, limit=1, cities=None)
        account = province.account
        message = Message(str(push.push_id), msisdn(1), "x", MORNING.replace(hour=20), plan_id=plan.plan_id)
        earlier = to_push(message, account, created=MORNING, reports_url="http://127.0.0.1:1/")
        async with PpgClient(account.endpoint) as client:
            await client.post(earlier.content_type, earlier.body).answer()
        async with rig.work() as work:
            await start_plan(plan.plan_id, work=work, by="test", traceparent="", now=rig.clock.now())
        async with wap_worker(rig, account):
            await rig.until_states(plan, sent=1)
        assert [each.code for each in province.received()] == [1001, 2007]
        assert len(province.audience.seen) == 1


async def test_pushes_beyond_the_hours_are_held(rig: Rig, tmp_path: Path) -> None:
    rig.clock.advance(timedelta(hours=11))
    async with push_province_in(tmp_path, rig.clock) as province:
        plan = await rig.plan(rows(2), PLAN)
        async with wap_worker(rig, province.account):
            await rig.until_states(plan, held=2)
            rig.clock.advance(timedelta(hours=12))
            await rig.until_states(plan, sent=2)


async def test_nobody_is_contacted_after_the_acknowledgement_of_an_opt_out_that_comes_during_a_blast(
    rig: Rig, desk: Desk, tmp_path: Path
) -> None:
    total, noise, acknowledged = 300, random.Random(3), {}
    async with push_province_in(tmp_path, rig.clock) as province:
        province.gateway.misbehave(PpgFaults(answer_after=0.03))
        plan = await rig.plan(rows(total), PLAN)

        async def opt_out(number: int) -> None:
            await asyncio.sleep(noise.random())
            await desk.contacts.CreateOptOut(
                contact_pb.CreateOptOutRequest(customer_id=f"c-{number}", msisdn=msisdn(number), source="desk")
            )
            acknowledged[msisdn(number)] = len(province.received())

        async with wap_worker(rig, province.account), asyncio.TaskGroup() as group:
            for number in noise.sample(range(1, total + 1), 80):
                group.create_task(opt_out(number))
            await rig.until(lambda: none_open(rig, plan))
        order = {each.dest: place for place, each in enumerate(province.received()) if not each.is_cancel}
    assert {number for number, place in acknowledged.items() if order.get(number, -1) >= place} == set()
    states = await rig.states(plan)
    assert states.get("cancelled", 0) + states.get("suppressed", 0) == len(set(acknowledged) - set(order)) > 0
    assert sum(states.values()) == total


async def none_open(rig: Rig, plan: Plan) -> bool:
    return not OPEN & set(await rig.states(plan))


async def test_workers_killed_at_random_moments_push_nothing_twice_and_lose_nothing(
    admin_url: str, rig: Rig, tmp_path: Path
) -> None:
    noise, total, kills = random.Random(5), 500, 0
    url = service_url(admin_url, "dispatch", ROLE_SECRET)
    async with push_province_in(tmp_path, rig.clock) as province:
        province.gateway.misbehave(PpgFaults(answer_after=0.03))
        plan = await rig.plan(rows(total), PLAN)
        with nursery_of(url, province.gateway.port, tmp_path / "workers.log", Channel.WAP_PUSH) as nursery:
            for _ in range(2):
                await asyncio.to_thread(nursery.spawn)
            deadline = time.monotonic() + 60
            while OPEN & set(states := await rig.states(plan)):
                assert sum(states.values()) == total
                assert time.monotonic() < deadline, (states, (tmp_path / "workers.log").read_text()[-3000:])
                await asyncio.sleep(noise.random() * 0.2)
                if kills < 4 and states.get("planned", 0) < total:
                    nursery.kill(noise.randrange(2))
                    await asyncio.to_thread(nursery.spawn)
                    kills += 1
        taken = province.taken()
    assert kills >= 2
    assert max(taken.values()) == 1
    sent = await sent_numbers(rig, plan, most=total)
    unknown = await sent_numbers(rig, plan, most=total, state=PushState.INDETERMINATE)
    assert sent <= set(taken) <= sent | unknown
    assert len(sent) + len(unknown) == total


@pytest.fixture(autouse=True)
def uncounted(rig: Rig) -> None:
    """Let the cap alone."""
    rig.rules = replace(rig.rules, cap=1000)
