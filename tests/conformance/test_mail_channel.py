"""The promises of every channel for messages, kept by mail whatever its gateway does: the balance is exact, nothing leaves
twice, nobody gets anything after their refusal was acknowledged, and the plan's page says in words what is wrong."""

import re
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from services.dispatch.channels.mail_doors import open_mail
from services.dispatch.domain.plans import Channel, Plan
from services.dispatch.domain.pushes import PushState
from services.dispatch.ports import Line, Refusals
from services.dispatch.worker.incoming import StoredIncoming
from services.sandbox.mail.faults import MailFaults
from tests.conformance.mail_cases import MAIL_MISBEHAVIOURS
from tests.factories.dispatch import msisdn, target_row
from tests.integration.dispatch.mail_rig import OFFER, MailProvince, mail_plan, mail_province_in, mail_worker
from tests.integration.dispatch.rig import Rig, line_worker

ROWS = [target_row(n) for n in range(1, 25)]
ENDED = {"sent", "failed", "indeterminate", "cancelled", "suppressed", "expired", "held"}


async def until_ended(rig: Rig, plan: Plan) -> None:
    async def ended() -> bool:
        return set(await rig.states(plan)) <= ENDED

    await rig.until(ended)


async def until_said(rig: Rig, pattern: str) -> None:
    async def said() -> bool:
        notice = await rig.notice(Channel.MAIL_139)
        return bool(re.search(pattern, notice)) if pattern else notice == ""

    try:
        await rig.until(said, within=15)
    except TimeoutError:
        raise AssertionError(f"expected {pattern!r}, the notice is {await rig.notice(Channel.MAIL_139)!r}") from None


async def sent_numbers(rig: Rig, plan: Plan) -> set[str]:
    async with rig.reading() as reading:
        pushes = await reading.contacts.pushes(plan.plan_id, state=PushState.SENT, after_rank=0, limit=100, cities=None)
    return {msisdn(push.rank) for push in pushes}


@pytest.mark.parametrize("name", MAIL_MISBEHAVIOURS)
async def test_a_mail_gateway_that_misbehaves_is_survived_and_named(rig: Rig, tmp_path: Path, name: str) -> None:
    case = MAIL_MISBEHAVIOURS[name]
    async with mail_province_in(tmp_path, rig.clock) as province:
        province.gateway.misbehave(case.faults)
        plan = await rig.plan(ROWS, mail_plan())

        async def came_back() -> bool:
            return (await rig.balance(plan)).undelivered == case.undelivered

        account = replace(province.account, patience=case.patience, answer_within=case.answer_within)
        async with mail_worker(rig, account):
            await until_ended(rig, plan)
            await until_said(rig, case.says)
            await rig.until(came_back)
        taken = province.taken()
    states = await rig.states(plan)
    assert sum(states.values()) == len(ROWS)
    assert set(states) <= case.ends
    assert max(taken.values()) == 1
    assert await sent_numbers(rig, plan) <= set(taken)


async def test_a_gateway_that_hangs_up_keeps_every_push_and_is_named(rig: Rig, tmp_path: Path) -> None:
    async with mail_province_in(tmp_path, rig.clock) as province:
        province.gateway.misbehave(MailFaults(hang_up=True))
        plan = await rig.plan(ROWS, mail_plan())
        async with mail_worker(rig, province.account):
            await until_said(rig, r"too busy for \d+ of \d+ mails")
            province.gateway.misbehave(MailFaults())
            await rig.until_states(plan, sent=len(ROWS))
        assert set(province.taken().values()) == {1}


async def test_a_gateway_that_cannot_be_reached_keeps_every_push_and_is_named(rig: Rig, tmp_path: Path) -> None:
    async with mail_province_in(tmp_path, rig.clock) as province:
        account = province.account
    plan = await rig.plan(ROWS, mail_plan())
    async with mail_worker(rig, account):
        await until_said(rig, "connecting since .*, last error: .*")
    assert await rig.states(plan) == {"planned": len(ROWS)}


class Acknowledging:
    """A `Refusals` that notes how much the gateway had taken when it learnt that a refusal is stored."""

    def __init__(self, inner: Refusals, province: MailProvince) -> None:
        self._inner = inner
        self._province = province
        self.acknowledged: dict[str, int] = {}

    async def on_refusal(self, push_id: str, source: str) -> bool:
        known = await self._inner.on_refusal(push_id, source)
        self.acknowledged.setdefault(push_id, len(self._province.received()))
        return known


async def test_nobody_gets_mail_after_the_acknowledgement_of_a_refusal_that_comes_during_a_blast(
    rig: Rig, tmp_path: Path
) -> None:
    second = replace(OFFER, policy="second")
    async with mail_province_in(tmp_path, rig.clock) as province:
        noting: list[Acknowledging] = []

        async def open_line(incoming: StoredIncoming, closing: AsyncExitStack) -> Line:
            noting.append(Acknowledging(incoming, province))
            account = replace(province.account, rate=250.0)
            channel = await closing.enter_async_context(open_mail(account, incoming, noting[0], clock=rig.clock))
            return Line(Channel.MAIL_139, channel, account.name)

        province.gateway.misbehave(MailFaults(opt_out_every=3))
        first = await rig.plan([target_row(n) for n in range(129, 189)], mail_plan())
        again = await rig.plan([target_row(n, policy=second.policy) for n in range(1, 189)], mail_plan(second))
        async with line_worker(rig, open_line, batches=1):
            await until_ended(rig, first)
            await until_ended(rig, again)
        received = province.received()
    states = await rig.states(again)
    assert sum(states.values()) == 188
    assert states.get("cancelled", 0) + states.get("suppressed", 0) >= 5
    readers = {mail.message_id.partition(".")[0]: mail.dest for mail in received}
    acknowledged = {readers[push_id]: count for push_id, count in noting[0].acknowledged.items()}
    late = [mail.dest for n, mail in enumerate(received) if n >= acknowledged.get(mail.dest, len(received))]
    assert len(acknowledged) >= 10
    assert late == []
