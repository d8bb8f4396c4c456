"""Whatever is killed and whenever: nobody gets a message twice, no push is lost, and none leaves after an opt-out."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from visavis.dispatch.v1 import contact_service_pb2 as contact_pb

import services.dispatch
from services.dispatch.domain.plans import Plan, PlanRequest
from services.dispatch.domain.pushes import PushState
from services.sandbox.gateway.faults import Faults
from shared.clock import ManualClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import open_database
from shared.db.migrate import migrate
from shared.db.roles import provision, service_url
from shared.errors import Unavailable
from tests.databases import ROLE_SECRET
from tests.factories.dispatch import MORNING, NEWSPAPER, msisdn, plan_request, target_row
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.nursery import nursery_of
from tests.integration.dispatch.rig import Province, Rig, province_in, worker

OPEN = {"planned", "held", "claimed"}


async def numbers_in(rig: Rig, plan: Plan, state: PushState) -> set[str]:
    """Return the numbers of the pushes in a state."""
    async with rig.reading() as reading:
        pushes = await reading.contacts.pushes(plan.plan_id, state=state, after_rank=0, limit=10_000, cities=None)
    return {msisdn(push.rank) for push in pushes}


async def assert_nothing_twice_and_nothing_lost(rig: Rig, plan: Plan, province: Province, total: int) -> None:
    taken = province.taken()
    assert max(taken.values()) == 1
    sent = await numbers_in(rig, plan, PushState.SENT)
    unknown = await numbers_in(rig, plan, PushState.INDETERMINATE)
    assert sent <= set(taken)
    assert set(taken) <= sent | unknown
    states = await rig.states(plan)
    assert states.get("sent", 0) + states.get("indeterminate", 0) == total == sum(states.values())


@pytest.mark.parametrize("seed", [1, 2])
async def test_workers_killed_at_random_moments_send_nothing_twice_and_lose_nothing(
    admin_url: str, rig: Rig, province: Province, tmp_path: Path, seed: int
) -> None:
    noise, total, kills = random.Random(seed), 1200, 0
    province.gateway.misbehave(Faults(answer_after=0.02))
    plan = await rig.plan([target_row(n) for n in range(1, total + 1)])
    url = service_url(admin_url, "dispatch", ROLE_SECRET)
    with nursery_of(url, province.gateway.port, tmp_path / "workers.log") as nursery:
        for _ in range(3):
            await asyncio.to_thread(nursery.spawn)
        deadline = time.monotonic() + 60
        while OPEN & set(states := await rig.states(plan)):
            assert sum(states.values()) == total
            assert time.monotonic() < deadline, (states, (tmp_path / "workers.log").read_text()[-3000:])
            await asyncio.sleep(noise.random() * 0.2)
            if kills < 8 and states.get("planned", 0) < total:
                nursery.kill(noise.randrange(3))
                await asyncio.to_thread(nursery.spawn)
                kills += 1
    assert kills >= 4
    await assert_nothing_twice_and_nothing_lost(rig, plan, province, total)
    assert (await rig.states(plan))["sent"] > total / 2


async def test_no_message_leaves_after_an_opt_out_was_acknowledged(rig: Rig, province: Province, desk: Desk) -> None:
    province.gateway.misbehave(Faults(answer_after=0.03))
    total = 600
    plan = await rig.plan([target_row(n) for n in range(1, total + 1)])
    noise, acknowledged = random.Random(3), {}
    async with worker(rig, province.account), worker(rig, province.account):

        async def opt_out(number: int) -> None:
            await asyncio.sleep(noise.random() * 1.2)
            await desk.contacts.CreateOptOut(
                contact_pb.CreateOptOutRequest(customer_id=f"c-{number}", msisdn=msisdn(number), source="desk")
            )
            acknowledged[msisdn(number)] = len(province.received())

        async with asyncio.TaskGroup() as group:
            for number in noise.sample(range(1, total + 1), 150):
                group.create_task(opt_out(number))
        await rig.until(lambda: _none_open(rig, plan))
    order = {received.dest: place for place, received in enumerate(province.received())}
    late = {number for number, place in acknowledged.items() if order.get(number, -1) >= place}
    assert late == set()
    states = await rig.states(plan)
    assert states.get("cancelled", 0) + states.get("suppressed", 0) > 0
    assert sum(states.values()) == total
    withdrawn = await numbers_in(rig, plan, PushState.CANCELLED) | await numbers_in(rig, plan, PushState.SUPPRESSED)
    assert withdrawn == set(acknowledged) - set(order)


async def _none_open(rig: Rig, plan: Plan) -> bool:
    return not OPEN & set(await rig.states(plan))


async def test_a_reply_that_refuses_is_acknowledged_when_nothing_can_leave_any_more(
    rig: Rig, province: Province
) -> None:
    province.gateway.misbehave(Faults(answer_after=0.05))
    earlier = await rig.plan([target_row(n) for n in range(1, 41)])
    async with worker(rig, province.account):
        await rig.until_states(earlier, sent=40)
        later = await rig.plan([target_row(n, policy="weather") for n in range(1, 41)], _weather())
        for number in range(1, 41):
            province.gateway.post_reply("901234", msisdn(number), "ｔｄ ")
        await rig.until(lambda: _none_open(rig, later))
        await rig.until(lambda: _all_opted_out(rig, 40))
        told = len(province.received())
        last = await rig.plan([target_row(n, policy="weather") for n in range(1, 41)], _weather())
        await rig.until_states(last, suppressed=40)
    assert len(province.received()) == told
    assert sum((await rig.states(later)).values()) == 40


async def _all_opted_out(rig: Rig, count: int) -> bool:
    async with rig.reading() as reading:
        found = [await reading.contacts.opt_out_of(f"c-{number}") for number in range(1, count + 1)]
    return all(opt_out is not None and opt_out.source == "sms" for opt_out in found)


async def test_a_restart_of_postgresql_in_the_middle_loses_no_result_and_sends_nothing_twice(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres", max_connections=60)
    await asyncio.to_thread(server.start)
    try:
        admin = server.address().url()
        await provision(admin, "dispatch", ROLE_SECRET)
        url = service_url(admin, "dispatch", ROLE_SECRET)
        await migrate(url, service="dispatch", script_location=_migrations())
        async with open_database(url, application_name="test-dispatch", pool_size=16) as database:
            rig = Rig(database, ManualClock(MORNING))
            async with province_in(tmp_path, rig.clock) as province:
                await _restart_in_the_middle(rig, province, server)
    finally:
        await asyncio.to_thread(server.stop)


async def _restart_in_the_middle(rig: Rig, province: Province, server: EmbeddedPostgres) -> None:
    province.gateway.misbehave(Faults(answer_after=0.02))
    total = 900
    plan = await rig.plan([target_row(n) for n in range(1, total + 1)])
    async with worker(rig, province.account):
        for part in (total // 4, total // 2):
            while len(province.received()) < part:  # noqa: ASYNC110 - looks at a file
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)

        async def settled() -> bool:
            try:
                return await _none_open(rig, plan)
            except Unavailable:
                return False

        await rig.until(settled, within=40)
    await assert_nothing_twice_and_nothing_lost(rig, plan, province, total)
    assert Counter(await rig.states(plan))["indeterminate"] == 0


def _weather() -> PlanRequest:
    return plan_request(offers=[replace(NEWSPAPER, policy="weather", order_keyword="DGTQ")], display_name="Weather")


def _migrations() -> Path:
    return Path(services.dispatch.__file__).parent / "migrations"
