"""Messages leave once each, and whatever the gateway does to them is known."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from services.dispatch.channels.tracing import PushTraces
from services.dispatch.domain.plans import Plan
from services.dispatch.domain.pushes import ContactState, Push, PushState
from services.dispatch.ports.store import Work
from services.dispatch.tables import CLAIMS, PUSHES
from services.dispatch.use_cases.admission import Destination, admit
from services.dispatch.use_cases.sending import bury_worker
from services.sandbox.gateway.faults import Faults
from tests.factories.dispatch import MORNING, NEWSPAPER, msisdn, plan_request, target_row
from tests.integration.dispatch.rig import Province, Rig, worker
from tests.integration.wire.waiting import eventually


async def pushes_in(rig: Rig, plan: Plan, state: PushState) -> list[Push]:
    async with rig.reading() as reading:
        found = await reading.contacts.pushes(plan.plan_id, state=state, after_rank=0, limit=1000, cities=None)
    return list(found)


async def test_every_push_of_a_plan_is_sent_once_and_reported_on(rig: Rig, province: Province) -> None:
    plan = await rig.plan([target_row(n) for n in range(1, 201)])
    async with worker(rig, province.account):
        await rig.until_states(plan, sent=200)

        async def all_reported() -> bool:
            async with rig.reading() as reading:
                return (await reading.plans.balances([plan.plan_id]))[plan.plan_id].delivered == 200

        await rig.until(all_reported)
    assert province.taken() == {msisdn(n): 1 for n in range(1, 201)}
    assert province.received()[0].content == "【中国移动】手机报免费体验，回复DGSJB开通。拒收请回复TD"


async def test_a_plan_that_was_not_started_sends_nothing(rig: Rig, province: Province) -> None:
    waiting = await rig.plan([target_row(1)], start=False)
    started = await rig.plan([target_row(2)])
    async with worker(rig, province.account):
        await rig.until_states(started, sent=1)
    assert await rig.states(waiting) == {"planned": 1}
    assert province.taken() == {msisdn(2): 1}


async def test_messages_lost_with_a_cut_line_are_indeterminate_and_never_sent_again(
    rig: Rig, province: Province
) -> None:
    province.gateway.misbehave(Faults(cut_at=20, answer_after=0.5))
    plan = await rig.plan([target_row(n) for n in range(1, 151)])
    async with worker(rig, province.account):
        await eventually(lambda: len(province.received()) >= 20)
        province.gateway.misbehave(Faults())
        await rig.until(lambda: _settled(rig, plan))
    states = await rig.states(plan)
    assert states.get("sent", 0) + states.get("indeterminate", 0) == 150
    assert 1 <= states["indeterminate"] <= 16
    assert max(province.taken().values()) == 1


async def _settled(rig: Rig, plan: Plan) -> bool:
    return not {"planned", "claimed", "held"} & set(await rig.states(plan))


async def test_throttled_messages_are_sent_later_and_count_once(rig: Rig, province: Province) -> None:
    province.gateway.misbehave(Faults(throttle_first=30))
    plan = await rig.plan([target_row(n) for n in range(1, 101)])
    async with worker(rig, province.account):
        await rig.until_states(plan, sent=100)
    assert province.taken() == {msisdn(n): 1 for n in range(1, 101)}
    contacts = await rig.contacts("c-1")
    assert [contact.state for contact in contacts].count(ContactState.SENT) == 1


async def test_unanswered_messages_are_settled_as_sent_by_their_late_receipts(rig: Rig, province: Province) -> None:
    province.gateway.misbehave(Faults(silent_first=5))
    account = replace(province.account, limits=replace(province.account.limits, response_timeout=0.3))
    plan = await rig.plan([target_row(n) for n in range(1, 11)])
    async with worker(rig, account):
        await rig.until_states(plan, sent=10)
        late = [push for push in await pushes_in(rig, plan, PushState.SENT) if "receipt" in push.detail]
        assert len(late) == 5
    assert max(province.taken().values()) == 1


async def test_a_number_that_the_gateway_does_not_serve_fails_and_its_contact_counts_no_more(
    rig: Rig, province: Province
) -> None:
    province.gateway.misbehave(Faults(unknown_numbers=frozenset({msisdn(2)})))
    plan = await rig.plan([target_row(n) for n in (1, 2, 3)])
    async with worker(rig, province.account):
        await rig.until_states(plan, sent=2, failed=1)
    assert "does not serve this number" in (await pushes_in(rig, plan, PushState.FAILED))[0].detail
    contacts = await rig.contacts("c-2")
    assert [contact.state for contact in contacts] == ["released"]


async def test_a_misconfigured_account_stops_sending_and_says_why_without_losing_a_push(
    rig: Rig, province: Province
) -> None:
    plan = await rig.plan([target_row(n) for n in range(1, 301)])
    async with worker(rig, replace(province.account, service_id="WRONG")) as sender:
        await eventually(lambda: "service" in sender.notice)
        await rig.until_states(plan, planned=300)
        assert "correct the settings" in sender.notice
    assert province.received() == []


async def test_outside_the_hours_everything_is_held_until_the_next_opening(rig: Rig, province: Province) -> None:
    rig.clock.advance(timedelta(hours=11))
    plan = await rig.plan([target_row(n) for n in (1, 2)])
    async with worker(rig, province.account):
        await rig.until_states(plan, held=2)
        held = (await pushes_in(rig, plan, PushState.HELD))[0]
        assert (held.detail, held.hold_until) == ("hours: outside 08:00-21:00", MORNING + timedelta(hours=22))
        assert province.received() == []
        rig.clock.advance(timedelta(hours=11))
        await rig.until_states(plan, sent=2)


async def test_what_is_not_out_before_the_end_of_its_plan_expires(rig: Rig, province: Province) -> None:
    ends = MORNING + timedelta(hours=12)
    night = await rig.plan([target_row(1)], plan_request(expire_time=ends))
    unstarted = await rig.plan([target_row(2)], plan_request(expire_time=ends), start=False)
    rig.clock.advance(timedelta(hours=11, minutes=30))
    async with worker(rig, province.account):
        await rig.until_states(night, expired=1)
        rig.clock.advance(timedelta(hours=1))
        await rig.until_states(unstarted, expired=1)
    assert province.received() == []


async def test_an_owner_over_the_cap_is_held_until_the_window_frees(rig: Rig, province: Province) -> None:
    other = replace(NEWSPAPER, policy="ring-tone")
    third = replace(NEWSPAPER, policy="weather")
    offers = (NEWSPAPER, other, third)
    rows = [
        target_row(1, owner="o"),
        target_row(2, owner="o", policy=other.policy),
        target_row(3, owner="o", policy=third.policy),
    ]
    plan = await rig.plan(rows, plan_request(offers=offers, expire_time=MORNING + timedelta(days=30)))
    async with worker(rig, province.account):
        await rig.until_states(plan, sent=2, held=1)
        held = (await pushes_in(rig, plan, PushState.HELD))[0]
        assert held.detail == "cap: 2 contacts in 7 days"
        assert held.hold_until == MORNING + timedelta(days=7)
        rig.clock.advance(timedelta(days=7))
        await rig.until_states(plan, sent=3)


async def test_a_worker_that_is_told_to_stop_records_all_that_it_has_under_way(rig: Rig, province: Province) -> None:
    province.gateway.misbehave(Faults(answer_after=0.3))
    plan = await rig.plan([target_row(n) for n in range(1, 301)])
    async with worker(rig, province.account):
        await eventually(lambda: len(province.received()) > 20)
    states = await rig.states(plan)
    assert sum(states.values()) == 300
    assert "claimed" not in states
    assert states["sent"] == len(province.received())


async def test_a_claim_that_was_taken_away_before_writing_is_planned_again_and_sent_once(
    rig: Rig, province: Province
) -> None:
    plan = await rig.plan([target_row(n) for n in (1, 2)])
    buried: list[int] = []

    @asynccontextmanager
    async def bury_first() -> AsyncIterator[Work]:
        """Let another worker take this one for dead in the moment between "writing begins" and the first byte."""
        async with rig.database.write() as tx:
            phases = [row.phase for row in await tx.connection.execute(select(CLAIMS))]
        if "writing" in phases and not buried:
            async with rig.work() as work:
                (worker_key,) = await work.claims.worker_keys()
                buried.append(await bury_worker(worker_key, work=work, now=rig.clock.now()))
        async with rig.work() as work:
            yield work

    async with worker(rig, province.account, batches=1, work=bury_first):
        await rig.until_states(plan, sent=2)
    assert buried == [2]
    assert province.taken() == {msisdn(1): 1, msisdn(2): 1}


async def test_what_a_worker_of_an_earlier_release_wrote_is_settled_by_the_times_at_its_pushes(rig: Rig) -> None:
    plan = await rig.plan([target_row(n) for n in (1, 2)])
    async with rig.work() as work:
        destination = Destination(PushState.CLAIMED, "k", "account")
        now = rig.clock.now()
        admission = await admit(plan, destination, limit=2, work=work, traces=PushTraces(), rules=rig.rules, now=now)
        await work.claims.begin("k", "worker")
    written = admission.admitted[0].target.push_id
    async with rig.database.write() as tx:
        await tx.connection.execute(update(CLAIMS).values(phase="written"))
        await tx.connection.execute(update(PUSHES).where(PUSHES.c.push_id == written).values(write_time=now))
    async with rig.work() as work:
        assert await bury_worker("worker", work=work, now=now) == 1
    assert await rig.states(plan) == {"indeterminate": 1, "planned": 1}


async def test_each_customer_reads_the_own_city_and_the_last_digits_of_the_own_number(
    rig: Rig, province: Province
) -> None:
    offer = replace(NEWSPAPER, text="{city}尾号{last4}的客户，回复{keyword}开通。")
    plan = await rig.plan([target_row(1), target_row(2)], plan_request(offers=[offer]))
    async with worker(rig, province.account):
        await rig.until_states(plan, sent=2)
    assert {received.dest: received.content for received in province.received()} == {
        msisdn(1): "【中国移动】A尾号0001的客户，回复DGSJB开通。拒收请回复TD",
        msisdn(2): "【中国移动】B尾号0002的客户，回复DGSJB开通。拒收请回复TD",
    }
