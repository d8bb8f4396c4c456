"""The SMS channel against the simulated gateway: what left is known, nothing leaves twice, and what comes back is kept."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.dispatch.channels.sms import SmsChannel
from services.dispatch.channels.sms_wire import SmsAccount
from services.dispatch.ports import IncomingMessages, MessageChannel, Verdict
from services.sandbox.gateway.admission import GatewayAccount
from services.sandbox.gateway.audience import Audience, Reaction
from services.sandbox.gateway.faults import Faults
from shared.clock import ManualClock
from shared.wire.cmpp.link import LinkLimits
from tests.fakes.audience import ScriptedAudience
from tests.fakes.incoming import IncomingInMemory
from tests.integration.wire.channel_rig import GATEWAY_ACCOUNT, NOW, TEXT, messages, rig_in, verdicts
from tests.integration.wire.waiting import eventually


async def test_messages_are_taken_read_and_reported_on(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        batch = await rig.channel.write(messages(40))
        assert batch.written == {f"push-{n}" for n in range(1, 41)}
        results = await batch.results()
        assert verdicts(results) == [Verdict.SENT] * 40
        await eventually(lambda: len(rig.incoming.receipts) == 40)
    sent = {result.gateway_message_ids[0]: result.push_id for result in results}
    assert sorted(sent[receipt.gateway_message_id] for receipt in rig.incoming.receipts) == sorted(sent.values())
    assert {(receipt.status, receipt.account, receipt.done_time) for receipt in rig.incoming.receipts} == {
        ("DELIVRD", "city-1", NOW)
    }
    assert rig.audience.read == [(message.msisdn, TEXT, "10658000") for message in messages(40)]


async def test_a_message_that_was_not_delivered_is_reported_with_the_gateways_word(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.audience.default = Reaction("UNDELIV", report_after=0.0)
        await rig.send(messages(1))
        await eventually(lambda: len(rig.incoming.receipts) == 1)
    assert rig.incoming.receipts[0].status == "UNDELIV"
    assert rig.incoming.receipts[0].msisdn == "13800000001"


async def test_replies_and_messages_out_of_the_blue_reach_dispatch(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.audience.default = Reaction(report_after=0.0, replies=("TD", "不要再发了👎"), reply_after=0.01)
        await rig.send(messages(1))
        rig.gateway.post_reply("900001", "13911112222", "退订")
        await eventually(lambda: len(rig.incoming.replies) == 3)
    assert {(reply.msisdn, reply.text) for reply in rig.incoming.replies} == {
        ("13800000001", "TD"),
        ("13800000001", "不要再发了👎"),
        ("13911112222", "退订"),
    }
    assert len({reply.gateway_message_id for reply in rig.incoming.replies}) == 3


async def test_what_can_never_be_sent_is_refused_without_a_byte_on_the_wire(tmp_path: Path) -> None:
    good = messages(1)[0]
    bad = [replace(good, push_id="short", msisdn="10086"), replace(good, push_id="long", text="办" * 67 * 256)]
    async with rig_in(tmp_path) as rig:
        batch = await rig.channel.write([bad[0], good, bad[1]])
        assert batch.written == {"push-1"}
        short, taken, long = await batch.results()
        assert len(rig.received()) == 1
    assert (short.verdict, taken.verdict) == (Verdict.REJECTED_RECIPIENT, Verdict.SENT)
    assert long.verdict is Verdict.REJECTED
    assert "256 parts, at most 255 expected" in long.detail
    assert "10086" not in short.detail


async def test_numbers_are_sent_in_one_form(tmp_path: Path) -> None:
    forms = ["+8613800000001", "8613800000001", "13800000001"]
    batch = [replace(messages(1)[0], push_id=form, msisdn=form) for form in forms]
    async with rig_in(tmp_path) as rig:
        await rig.send(batch)
        assert [received.dest for received in rig.received()] == ["13800000001"] * 3


async def test_nothing_is_written_after_the_last_moment_it_may_be_received(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        late, timely = messages(1, not_after=NOW)[0], messages(1, first=2)[0]
        results = await rig.send([late, timely])
        assert verdicts(results) == [Verdict.NOT_WRITTEN, Verdict.SENT]
        assert [received.dest for received in rig.received()] == ["13800000002"]


async def test_the_gateway_is_told_until_when_it_may_deliver(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.gateway.misbehave(Faults(answer_after=0.05))
        batch = await rig.channel.write(messages(1, not_after=NOW + timedelta(seconds=1)))
        rig.clock.advance(timedelta(seconds=2))
        await batch.results()
        await eventually(lambda: len(rig.incoming.receipts) == 1)
    assert rig.incoming.receipts[0].status == "EXPIRED"
    assert rig.audience.read == []


async def test_a_burst_of_flow_control_is_provably_not_sent_and_slows_the_channel_down(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.gateway.misbehave(Faults(throttle_first=3))
        first = await rig.send(messages(3))
        assert verdicts(first) == [Verdict.THROTTLED] * 3
        began = asyncio.get_running_loop().time()
        assert verdicts(await rig.send(messages(3))) == [Verdict.SENT] * 3
        assert asyncio.get_running_loop().time() - began > 0.15
        assert [received.result for received in rig.received()] == [8, 8, 8, 0, 0, 0]


async def test_an_unknown_number_is_the_recipients_fault_and_no_one_elses(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.gateway.misbehave(Faults(unknown_numbers=frozenset({"13800000002"})))
        results = await rig.send(messages(3))
    assert verdicts(results) == [Verdict.SENT, Verdict.REJECTED_RECIPIENT, Verdict.SENT]
    assert not any(result.configuration_fault for result in results)


@pytest.mark.parametrize(
    ("account", "word"),
    [
        (replace(GATEWAY_ACCOUNT, service_id="OTHER"), "service_id"),
        (replace(GATEWAY_ACCOUNT, src_id="10659999"), "src_id"),
    ],
)
async def test_a_refusal_of_the_accounts_settings_says_which(
    tmp_path: Path, account: GatewayAccount, word: str
) -> None:
    async with rig_in(tmp_path, account=account) as rig:
        (result,) = await rig.send(messages(1))
    assert (result.verdict, result.configuration_fault) == (Verdict.REJECTED, True)
    assert word in result.detail


async def test_a_message_without_an_answer_is_indeterminate_and_its_report_still_comes(tmp_path: Path) -> None:
    async with rig_in(tmp_path, limits=LinkLimits(response_timeout=0.1)) as rig:
        rig.gateway.misbehave(Faults(silent_first=2))
        results = await rig.send(messages(3))
        assert verdicts(results) == [Verdict.INDETERMINATE, Verdict.INDETERMINATE, Verdict.SENT]
        await eventually(lambda: len(rig.incoming.receipts) == 3)
        assert [received.dest for received in rig.received()] == [message.msisdn for message in messages(3)]


async def test_a_report_may_come_before_the_answer(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.gateway.misbehave(Faults(answer_after=0.2))
        batch = await rig.channel.write(messages(1))
        await eventually(lambda: len(rig.incoming.receipts) == 1)
        (result,) = await batch.results()
    assert result.gateway_message_ids == (rig.incoming.receipts[0].gateway_message_id,)


async def test_a_report_that_comes_twice_can_be_told_by_its_id(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.gateway.misbehave(Faults(duplicate_reports=True))
        await rig.send(messages(1))
        await eventually(lambda: len(rig.incoming.receipts) == 2)
    first, second = rig.incoming.receipts
    assert first == second


@pytest.mark.parametrize("cut_at", [1, 7, 16, 17, 64, 90])
async def test_a_line_cut_in_mid_window_loses_nothing_and_sends_nothing_twice(tmp_path: Path, cut_at: int) -> None:
    async with rig_in(tmp_path) as rig:
        rig.gateway.misbehave(Faults(cut_at=cut_at, answer_after=0.002))
        batch = await rig.channel.write(messages(100))
        results = {result.push_id: result for result in await batch.results()}
        left = {f"push-{int(received.dest[3:])}" for received in rig.received()}
        assert left <= batch.written
        assert {push for push, result in results.items() if result.verdict is Verdict.SENT} <= left
        not_written = [push for push, result in results.items() if result.verdict is Verdict.NOT_WRITTEN]
        assert batch.written.isdisjoint(not_written)
        assert Verdict.INDETERMINATE in verdicts(list(results.values()))

        again = [message for message in messages(100) if message.push_id in not_written]
        await eventually(lambda: rig.channel.ready)
        assert set(verdicts(await rig.send(again))) <= {Verdict.SENT}
        numbers = [received.dest for received in rig.received()]
        assert len(numbers) == len(set(numbers))
        await eventually(lambda: len(rig.incoming.receipts) >= len(numbers))


async def test_reports_and_replies_wait_for_the_next_line(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.audience.default = Reaction(report_after=0.1)
        await rig.send(messages(5))
        rig.gateway.cut_lines()
        await eventually(lambda: not rig.channel.ready)
        rig.gateway.post_reply("900001", "13800000001", "TD")
        await eventually(lambda: len(rig.incoming.receipts) == 5 and len(rig.incoming.replies) == 1)


async def test_what_dispatch_could_not_keep_is_brought_again(tmp_path: Path) -> None:
    limits = LinkLimits(response_timeout=0.05)
    async with rig_in(tmp_path, limits=limits, incoming=IncomingInMemory(refuse_first=5)) as rig:
        await rig.send(messages(2))
        await eventually(lambda: len({receipt.msisdn for receipt in rig.incoming.receipts}) == 2)
        assert rig.incoming.refused == 5


async def test_without_a_line_nothing_is_written_and_the_status_says_why(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        unreachable = SmsChannel(replace(rig.account, port=1), rig.incoming, clock=rig.clock)
        async with unreachable:
            await eventually(lambda: "last error" in unreachable.status)
            assert not unreachable.ready
            batch = await unreachable.write(messages(2))
            results = await batch.results()
            assert unreachable.status.startswith("connecting since 2026-11-23 01:00:00 UTC")
    assert batch.written == frozenset()
    assert verdicts(results) == [Verdict.NOT_WRITTEN] * 2
    assert "last error" in results[0].detail
    assert unreachable.status == "stopped"


async def test_a_wrong_secret_stops_the_channel_instead_of_locking_the_account(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        wrong = SmsChannel(replace(rig.account, secret="wrong"), rig.incoming, clock=rig.clock)  # noqa: S106 - wrong
        with capture_logs() as logs:
            async with wrong:
                await eventually(lambda: wrong.status.startswith("stopped"))
                await asyncio.sleep(0.1)
                assert "authentication failed" in wrong.status
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["sms_login_refused"]


async def test_the_line_comes_up_again_by_itself(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        for _ in range(3):
            rig.gateway.cut_lines()
            await eventually(lambda: not rig.channel.ready)
            await eventually(lambda: rig.channel.ready)
        assert verdicts(await rig.send(messages(2))) == [Verdict.SENT] * 2
        assert rig.channel.status.startswith(f"connected to 127.0.0.1:{rig.gateway.port}")


async def test_two_lines_of_one_account_share_the_work(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig, SmsChannel(rig.account, rig.incoming, clock=rig.clock) as second:
        await eventually(lambda: second.ready)
        assert rig.gateway.connections == 2
        await asyncio.gather(rig.send(messages(30)), second.write(messages(30, first=31)))
        await eventually(lambda: len(rig.incoming.receipts) == 60)
    assert len({receipt.gateway_message_id for receipt in rig.incoming.receipts}) == 60


async def test_the_contracts_rate_is_kept_and_a_slow_batch_given_back(tmp_path: Path) -> None:
    async with rig_in(tmp_path, rate=50.0, write_within=0.3) as rig:
        batch = await rig.channel.write(messages(64))
        results = await batch.results()
        received = rig.received()
    assert 5 <= len(batch.written) <= 21
    assert len(received) == len(batch.written)
    assert "not written within 0.3 seconds" in results[-1].detail


async def test_no_number_and_no_text_reaches_the_log(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with rig_in(tmp_path, incoming=IncomingInMemory(refuse_first=1)) as rig:
            rig.gateway.misbehave(Faults(cut_at=5))
            rig.audience.default = Reaction(report_after=0.0, replies=("TD",))
            await rig.send(messages(20))
            await eventually(lambda: rig.incoming.refused == 1)
    assert {"sms_line_up", "sms_line_down", "cmpp_delivers_not_handled"} <= {each["event"] for each in logs}
    assert "1380000" not in str(logs)
    assert "移动" not in str(logs)


def test_the_adapters_fit_their_ports() -> None:
    account = SmsAccount("a", "127.0.0.1", 1, sp_id="9", secret="s", service_id="M", src_id="1")  # noqa: S106 - none
    incoming: IncomingMessages = IncomingInMemory()
    channel: MessageChannel = SmsChannel(account, incoming, clock=ManualClock(NOW))
    audience: Audience = ScriptedAudience()
    assert (channel.ready, channel.status) == (False, "not started")
    assert audience is not None
    assert "secret" not in repr(account)
