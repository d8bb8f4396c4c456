"""What every channel for messages promises, whatever its gateway does: the balance is exact, nothing leaves twice, and the
plan's page says in words what is wrong. Held against CMPP 2.0 and 3.0 over real sockets, and against the channel in memory."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.dispatch.channels.sms import SmsChannel
from services.dispatch.channels.sms_wire import SmsAccount
from services.dispatch.domain.plans import Offer, Plan
from services.dispatch.domain.pushes import PushState
from services.dispatch.ports import IncomingMessages, Receipt, Reply
from services.sandbox.gateway.faults import Faults
from services.sandbox.gateway.journal import Received
from shared.clock import ManualClock
from shared.wire.cmpp.versions import Version
from tests.conformance.sms_cases import KNOWN_IN_MEMORY, MISBEHAVIOURS, Misbehaviour
from tests.factories.dispatch import NEWSPAPER, msisdn, plan_request, target_row
from tests.fakes.channel import ChannelInMemory
from tests.integration.dispatch.rig import Province, Rig, province_in, sms_account, worker

LONG = Offer("long", "", "本月流量加倍，" * 12 + "回复{keyword}开通。", "LL")
"""Two parts."""
ROWS = [target_row(n, policy=LONG.policy if n % 2 else NEWSPAPER.policy) for n in range(1, 25)]
ENDED = {"sent", "failed", "indeterminate", "cancelled", "suppressed", "expired"}
VERSIONS = pytest.mark.parametrize("version", Version)


def account_at(province: Province, version: Version, case: Misbehaviour) -> SmsAccount:
    account = sms_account(province.gateway.port)
    limits = replace(account.limits, response_timeout=case.answer_within)
    return replace(account, version=version, patience=case.patience, limits=limits)


async def until_ended(rig: Rig, plan: Plan) -> None:
    async def ended() -> bool:
        return set(await rig.states(plan)) <= ENDED

    await rig.until(ended)


async def until_said(rig: Rig, pattern: str) -> None:
    async def said() -> bool:
        notice = await rig.notice()
        return bool(re.search(pattern, notice)) if pattern else notice == ""

    try:
        await rig.until(said, within=10)
    except TimeoutError:
        raise AssertionError(f"expected {pattern!r}, the notice is {await rig.notice()!r}") from None


async def until_reported(rig: Rig, plan: Plan, case: Misbehaviour) -> None:
    """Wait until as much is delivered as is to be."""

    async def reported() -> bool:
        balance = await rig.balance(plan)
        return balance.delivered == (balance.states["sent"] if case.delivered else 0)

    if case.delivered is not None:
        await rig.until(reported)


async def sent_numbers(rig: Rig, plan: Plan, *, most: int = 100, state: PushState = PushState.SENT) -> set[str]:
    async with rig.reading() as reading:
        pushes = await reading.contacts.pushes(plan.plan_id, state=state, after_rank=0, limit=most, cities=None)
    return {msisdn(push.rank) for push in pushes}


def whole(received: Sequence[Received]) -> set[str]:
    """Return the numbers of which every part was taken."""
    parts = Counter(each.dest for each in received)
    return {each.dest for each in received if parts[each.dest] == each.parts}


@VERSIONS
@pytest.mark.parametrize("name", MISBEHAVIOURS)
async def test_a_gateway_that_misbehaves_is_survived_and_named(
    rig: Rig, tmp_path: Path, version: Version, name: str
) -> None:
    case = MISBEHAVIOURS[name]
    async with province_in(tmp_path, rig.clock, version=version) as province:
        province.gateway.misbehave(case.faults)
        plan = await rig.plan(ROWS, plan_request(offers=[NEWSPAPER, LONG]))
        async with worker(rig, account_at(province, version, case)):
            await until_ended(rig, plan)
            await until_said(rig, case.says)
            await until_reported(rig, plan, case)
        received = province.received()
    states = await rig.states(plan)
    assert sum(states.values()) == len(ROWS)
    assert set(states) <= case.ends
    assert max(Counter((each.dest, each.part) for each in received).values()) == 1
    assert await sent_numbers(rig, plan) <= whole(received)
    assert {each.version for each in received} == {f"{version >> 4}.0"}


@pytest.mark.parametrize("name", KNOWN_IN_MEMORY)
async def test_the_channel_in_memory_keeps_the_same_promises(rig: Rig, name: str) -> None:
    case = MISBEHAVIOURS[name]
    opened: list[ChannelInMemory] = []

    def in_memory(account: SmsAccount, incoming: IncomingMessages, _: ManualClock) -> ChannelInMemory:
        opened.append(ChannelInMemory(account.name, incoming, patience=case.patience))
        opened[0].faults = case.faults
        return opened[0]

    plan = await rig.plan(ROWS, plan_request(offers=[NEWSPAPER, LONG]))
    async with worker(rig, sms_account(1), channel_of=in_memory):
        await until_ended(rig, plan)
        await until_said(rig, case.says)
        await until_reported(rig, plan, case)
    states = await rig.states(plan)
    assert sum(states.values()) == len(ROWS)
    assert set(states) <= case.ends
    assert max(Counter(opened[0].taken).values()) == 1
    assert await sent_numbers(rig, plan) <= set(opened[0].taken)


@VERSIONS
async def test_a_gateway_that_refuses_the_login_keeps_every_push_and_is_named(
    rig: Rig, tmp_path: Path, version: Version
) -> None:
    async with province_in(tmp_path, rig.clock, version=version) as province:
        plan = await rig.plan(ROWS, plan_request(offers=[NEWSPAPER, LONG]))
        wrong = replace(province.account, version=version, secret="wrong")  # noqa: S106 - wrong on purpose
        async with worker(rig, wrong):
            await until_said(rig, "stopped: login refused with status 3: authentication failed; correct the account's")
            assert await rig.states(plan) == {"planned": len(ROWS)}
        assert province.received() == []


class Acknowledging:
    """An `IncomingMessages` that notes how much the gateway had taken when it learnt that a reply is stored."""

    def __init__(self, inner: IncomingMessages, province: Province) -> None:
        self._inner = inner
        self._province = province
        self.acknowledged: dict[str, int] = {}

    async def on_receipts(self, receipts: Sequence[Receipt]) -> None:
        await self._inner.on_receipts(receipts)

    async def on_reply(self, reply: Reply) -> None:
        await self._inner.on_reply(reply)
        self.acknowledged.setdefault(reply.msisdn, len(self._province.received()))


def late(received: Sequence[Received], acknowledged: dict[str, int]) -> Collection[Received]:
    """Return what was taken for somebody after the opt-out was acknowledged."""
    return [each for n, each in enumerate(received) if n >= acknowledged.get(each.dest, len(received))]


@VERSIONS
async def test_nobody_is_contacted_after_the_acknowledgement_of_an_opt_out_that_comes_during_a_blast(
    rig: Rig, tmp_path: Path, version: Version
) -> None:
    second = replace(NEWSPAPER, policy="second")
    async with province_in(tmp_path, rig.clock, version=version) as province:
        noting: list[Acknowledging] = []

        def noted(account: SmsAccount, incoming: IncomingMessages, clock: ManualClock) -> SmsChannel:
            noting.append(Acknowledging(incoming, province))
            return SmsChannel(account, noting[0], clock=clock)

        province.gateway.misbehave(Faults(opt_out_every=3))
        first = await rig.plan([target_row(n) for n in range(129, 189)])
        again = await rig.plan(
            [target_row(n, policy=second.policy) for n in range(1, 189)], plan_request(offers=[second])
        )
        slow = replace(province.account, version=version, rate=250.0)
        async with worker(rig, slow, batches=1, channel_of=noted):
            await until_ended(rig, first)
            await until_ended(rig, again)
        received = province.received()
    states = await rig.states(again)
    assert sum(states.values()) == 188
    assert states.get("cancelled", 0) + states.get("suppressed", 0) >= 5
    assert len(noting[0].acknowledged) >= 10
    assert late(received, noting[0].acknowledged) == []
