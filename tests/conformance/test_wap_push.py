"""What the channel for WAP pushes promises, whatever its gateway does: the balance is exact, nothing leaves twice, and the
plan's page says in words what is wrong. Held against a gateway that speaks PAP over real sockets."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.dispatch.channels.wap_wire import Reports
from services.dispatch.domain.plans import Channel
from services.sandbox.ppg.faults import PpgFaults
from tests.conformance.test_message_channels import ENDED, sent_numbers, until_ended
from tests.conformance.wap_cases import MISBEHAVIOURS, PushMisbehaviour
from tests.factories.dispatch import PAGE, plan_request, target_row
from tests.integration.dispatch.rig import Rig
from tests.integration.dispatch.wap_rig import impatient, push_province_in, wap_account, wap_worker

ROWS = [target_row(n, policy=PAGE.policy) for n in range(1, 25)]
PLAN = plan_request(Channel.WAP_PUSH)


async def until_said(rig: Rig, pattern: str) -> None:
    async def said() -> bool:
        notice = await rig.notice(Channel.WAP_PUSH)
        return bool(re.search(pattern, notice)) if pattern else notice == ""

    try:
        await rig.until(said, within=10)
    except TimeoutError:
        raise AssertionError(f"expected {pattern!r}, the notice is {await rig.notice(Channel.WAP_PUSH)!r}") from None


@pytest.mark.parametrize("name", MISBEHAVIOURS)
async def test_a_push_gateway_that_misbehaves_is_survived_and_named(rig: Rig, tmp_path: Path, name: str) -> None:
    case: PushMisbehaviour = MISBEHAVIOURS[name]
    async with push_province_in(tmp_path, rig.clock) as province:
        province.gateway.misbehave(case.faults)
        plan = await rig.plan(ROWS, PLAN)
        account = replace(impatient(province.account, case.answer_within), patience=case.patience)

        async def settled() -> bool:
            """Whether every push has ended as it is to, and as much is delivered as is to be."""
            balance = await rig.balance(plan)
            ended = set(balance.states) <= case.ends
            return ended and balance.delivered == (balance.states["sent"] if case.delivered else 0)

        async with wap_worker(rig, account):
            await until_ended(rig, plan)
            await until_said(rig, case.says)
            await rig.until(settled)
        taken = province.taken()
    assert sum((await rig.states(plan)).values()) == len(ROWS)
    assert max(taken.values()) == 1
    assert await sent_numbers(rig, plan) <= set(taken)


async def test_a_gateway_that_fails_at_a_push_is_given_a_rest_for_that_push_alone(rig: Rig, tmp_path: Path) -> None:
    async with push_province_in(tmp_path, rig.clock) as province:
        province.gateway.misbehave(PpgFaults(fail_first=2))
        plan = await rig.plan(ROWS, PLAN)
        async with wap_worker(rig, province.account, batches=1):
            await rig.until_states(plan, sent=22, held=2)
            rig.clock.advance(timedelta(seconds=90))
            await rig.until_states(plan, sent=24)
        assert max(province.taken().values()) == 1


async def test_a_gateway_that_refuses_the_password_keeps_every_push_and_is_named(rig: Rig, tmp_path: Path) -> None:
    async with push_province_in(tmp_path, rig.clock) as province:
        plan = await rig.plan(ROWS, PLAN)
        wrong = replace(province.account.endpoint, password="wrong")  # noqa: S106 - wrong on purpose
        async with wap_worker(rig, replace(province.account, endpoint=wrong)):
            await until_said(rig, r"sending rests.*\(HTTP 401\): correct the settings")
            assert await rig.states(plan) == {"planned": len(ROWS)}
        assert province.received() == []


async def test_a_gateway_that_is_away_gets_every_push_once_when_it_comes(rig: Rig, tmp_path: Path) -> None:
    plan = await rig.plan(ROWS, PLAN)
    async with push_province_in(tmp_path, rig.clock) as before:
        port = before.gateway.port
    async with wap_worker(rig, wap_account(before.gateway.url)):
        await until_said(rig, r"connecting since .*, last error: cannot connect: ")
        assert await rig.states(plan) == {"planned": len(ROWS)}
        async with push_province_in(tmp_path, rig.clock, port=port) as province:
            await rig.until_states(plan, sent=len(ROWS))
            await until_said(rig, r"^$|the line was lost")
            assert province.taken() == dict.fromkeys(province.taken(), 1)


async def test_a_gateway_that_never_tells_anything_is_not_missed_where_the_account_says_so(
    rig: Rig, tmp_path: Path
) -> None:
    async with push_province_in(tmp_path, rig.clock) as province:
        plan = await rig.plan(ROWS, PLAN)
        account = replace(province.account, reports=Reports.NONE, patience=MISBEHAVIOURS["never reports"].patience)
        async with wap_worker(rig, account):
            await rig.until_states(plan, sent=len(ROWS))
            await until_said(rig, "")
    balance = await rig.balance(plan)
    assert (balance.delivered, balance.undelivered) == (0, 0)
    assert set(balance.states) <= ENDED
