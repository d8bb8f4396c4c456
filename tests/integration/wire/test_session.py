"""The SP's end keeps its promises on a real socket: written once, known what was written, acknowledged when kept."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from structlog.testing import capture_logs

from shared.clock import ManualClock
from shared.wire.cmpp.auth import ismg_authenticator, source_authenticator
from shared.wire.cmpp.codec import encode
from shared.wire.cmpp.errors import (
    CmppError,
    DecodeError,
    FieldError,
    GatewayUnprovenError,
    LineClosedError,
    LoginRefusedError,
    NoAnswerError,
)
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.login import Credentials
from shared.wire.cmpp.pdus import (
    ActiveTest,
    ActiveTestResp,
    Cancel,
    CancelResp,
    ConnectResp,
    Deliver,
    DeliverResp,
    Pdu,
    Query,
    QueryResp,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
)
from shared.wire.cmpp.session import ClientSession, DeliverHandler, SubmitTicket, connect
from shared.wire.cmpp.versions import Version
from tests.integration.wire.peer import SECRET, HandPlayedGateway, listening
from tests.integration.wire.waiting import eventually

CLOCK = ManualClock(datetime(2026, 1, 9, 1, 2, 3, tzinfo=UTC))
BOTH = pytest.mark.parametrize("version", Version)
LIMITS = LinkLimits(window=16, response_timeout=30.0, idle=60.0, attempts=3)
SUBMIT = Submit("10658000", ("13800000001",), b"\x4f\x60", "900001", "MKT")


async def ignore(_: Sequence[Deliver]) -> None:
    return


@asynccontextmanager
async def session_with(
    gateway: HandPlayedGateway,
    *,
    limits: LinkLimits = LIMITS,
    on_delivers: DeliverHandler = ignore,
    asks: Version | None = None,
    demand_proof: bool = False,
) -> AsyncIterator[ClientSession]:
    async with listening(gateway):
        session = await connect(
            "127.0.0.1",
            gateway.port,
            Credentials("900001", SECRET, asks or gateway.version, demand_proof),
            on_delivers=on_delivers,
            clock=CLOCK,
            limits=limits,
            within=2.0,
        )
        try:
            yield session
        finally:
            gateway.writer.close()
            await session.wait_closed()


def has_heard(gateway: HandPlayedGateway, kind: type[Pdu], count: int) -> bool:
    return len(gateway.heard(kind)) == count


async def submit_many(session: ClientSession, count: int) -> list[SubmitTicket]:
    return [await session.submit(SUBMIT) for _ in range(count)]


@pytest.mark.parametrize(("status", "permanent"), [(1, False), (2, True), (3, True), (4, True), (9, False)])
async def test_a_refused_login_says_why_and_whether_to_try_again(status: int, permanent: bool) -> None:
    with pytest.raises(LoginRefusedError, match=f"status {status}") as refused:
        async with session_with(HandPlayedGateway(status=status)):
            pass
    assert refused.value.permanent is permanent


@pytest.mark.parametrize(
    ("instead", "failure"),
    [
        (b"", LineClosedError),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", DecodeError),
        (encode(SubmitResp(1, 0), 1), DecodeError),
        (bytes(5), DecodeError),
    ],
)
async def test_a_peer_that_is_no_gateway_is_refused(instead: bytes, failure: type[CmppError]) -> None:
    with pytest.raises(failure):
        async with session_with(HandPlayedGateway(instead=instead)):
            pass


async def test_a_gateway_that_does_not_prove_itself_is_used_with_a_warning() -> None:
    with capture_logs() as logs:
        async with session_with(HandPlayedGateway(proves_itself=False)):
            pass
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == ["cmpp_gateway_not_authenticated"]


async def test_an_account_that_demands_proof_does_not_use_a_gateway_without() -> None:
    async with session_with(HandPlayedGateway(), demand_proof=True) as session:
        assert session.is_open
    with pytest.raises(GatewayUnprovenError, match="did not prove"):
        async with session_with(HandPlayedGateway(proves_itself=False), demand_proof=True):
            pass


@BOTH
async def test_the_version_asked_for_is_spoken_where_the_gateway_speaks_it(version: Version) -> None:
    gateway = HandPlayedGateway(version=version)
    async with session_with(gateway) as session:
        assert session.version is version
    assert [login.version for login in gateway.logins] == [version]


async def test_a_gateway_that_answers_3_0_in_the_layout_of_2_0_is_spoken_to_in_2_0() -> None:
    gateway = HandPlayedGateway(version=Version.CMPP_2)
    with capture_logs() as logs:
        async with session_with(gateway, asks=Version.CMPP_3) as session:
            assert session.version is Version.CMPP_2
            ticket = await session.submit(SUBMIT)
            await eventually(lambda: gateway.pdus == [SUBMIT])
            gateway.say(SubmitResp(5, 0), gateway.heard(Submit)[0])
            assert await ticket.response() == SubmitResp(5, 0)
    assert "cmpp_gateway_speaks_older_version" in [each["event"] for each in logs]


async def test_a_gateway_that_finds_3_0_too_high_is_asked_once_more_for_2_0() -> None:
    gateway = HandPlayedGateway(version=Version.CMPP_2, refuses_higher=True)
    async with session_with(gateway, asks=Version.CMPP_3) as session:
        assert session.version is Version.CMPP_2
    assert [login.version for login in gateway.logins] == [Version.CMPP_3, Version.CMPP_2]


async def test_a_gateway_that_finds_every_version_too_high_is_asked_no_third_time() -> None:
    gateway = HandPlayedGateway(status=4)
    with pytest.raises(LoginRefusedError, match="protocol version not supported"):
        async with session_with(gateway, asks=Version.CMPP_3):
            pass
    assert len(gateway.logins) == 2


async def test_2_0_is_spoken_to_a_gateway_that_speaks_3_0_too() -> None:
    gateway = HandPlayedGateway(version=Version.CMPP_2)
    proof = ismg_authenticator(0, source_authenticator("900001", SECRET, 109090203), SECRET, status_octets=1)
    gateway.instead = encode(ConnectResp(0, proof, version=0x30), 0)
    async with session_with(gateway, asks=Version.CMPP_2) as session:
        assert session.version is Version.CMPP_2


@BOTH
async def test_a_submit_is_answered_by_its_sequence_whatever_the_order(version: Version) -> None:
    gateway = HandPlayedGateway(version=version)
    async with session_with(gateway) as session:
        tickets = await submit_many(session, 3)
        await eventually(lambda: len(gateway.pdus) == 3)
        for sequence in reversed(gateway.heard(Submit)):
            gateway.say(SubmitResp(100 + sequence, 0), sequence)
        answers = [await ticket.response() for ticket in tickets]
    assert answers == [SubmitResp(100 + sequence, 0) for sequence in gateway.heard(Submit)]


async def test_no_more_than_the_window_is_written_without_an_answer() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway) as session:
        await submit_many(session, 16)
        seventeenth = asyncio.create_task(session.submit(SUBMIT))
        await eventually(lambda: len(gateway.pdus) == 16)
        await asyncio.sleep(0.05)
        assert len(gateway.pdus) == 16
        assert not seventeenth.done()
        gateway.say(SubmitResp(1, 0), gateway.heard(Submit)[0])
        await seventeenth
        await eventually(lambda: len(gateway.pdus) == 17)


async def test_a_cancelled_wait_for_the_window_writes_nothing_and_keeps_its_place_free() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway, limits=replace(LIMITS, window=1)) as session:
        await session.submit(SUBMIT)
        waiting = asyncio.create_task(session.submit(SUBMIT))
        await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.wait([waiting])
        await eventually(lambda: len(gateway.pdus) == 1)
        gateway.say(SubmitResp(1, 0), gateway.heard(Submit)[0])
        await session.submit(SUBMIT)
        await eventually(lambda: len(gateway.pdus) == 2)
    assert len(gateway.heard(Submit)) == 2


async def test_an_unanswered_submit_is_written_once_and_gives_its_place_back() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway, limits=replace(LIMITS, window=1, response_timeout=0.05)) as session:
        ticket = await session.submit(SUBMIT)
        with pytest.raises(NoAnswerError):
            await ticket.response()
        await session.submit(SUBMIT)
        await eventually(lambda: len(gateway.pdus) == 2)
        await asyncio.sleep(0.15)
    first, second = gateway.heard(Submit)
    assert first != second


async def test_when_the_line_breaks_what_has_a_ticket_was_written_and_what_raised_was_not() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway) as session:
        tickets = await submit_many(session, 16)
        waiting = [asyncio.create_task(session.submit(SUBMIT)) for _ in range(5)]
        await eventually(lambda: len(gateway.pdus) == 16)
        gateway.writer.transport.abort()
        for ticket in tickets:
            with pytest.raises(NoAnswerError):
                await ticket.response()
        for each in waiting:
            with pytest.raises(LineClosedError):
                await each
        with pytest.raises(LineClosedError):
            await session.submit(SUBMIT)
    assert len(gateway.heard(Submit)) == 16


async def test_a_value_that_does_not_fit_is_refused_without_losing_a_place_in_the_window() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway, limits=replace(LIMITS, window=1)) as session:
        for _ in range(2):
            with pytest.raises(FieldError, match="service_id"):
                await session.submit(replace(SUBMIT, service_id="x" * 11))
        await session.submit(SUBMIT)
        await eventually(lambda: len(gateway.pdus) == 1)


async def test_a_quiet_line_is_tested_and_a_mute_one_given_up_after_three_tries_of_one_sequence() -> None:
    gateway = HandPlayedGateway()
    limits = replace(LIMITS, idle=0.05, response_timeout=0.05)
    async with session_with(gateway, limits=limits) as session:
        assert await session.wait_closed() == "no answer to 3 ACTIVE_TESTs"
    tests = gateway.heard(ActiveTest)
    assert len(tests) == 3
    assert len(set(tests)) == 1


async def test_an_answered_test_keeps_the_line_up() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway, limits=replace(LIMITS, idle=0.03)) as session:
        for count in (1, 2, 3):
            await eventually(partial(has_heard, gateway, ActiveTest, count))
            gateway.say(ActiveTestResp(), gateway.heard(ActiveTest)[-1])
        await session.submit(SUBMIT)


async def test_the_peers_test_is_answered_even_with_a_full_window() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway) as session:
        await submit_many(session, 16)
        gateway.say(ActiveTest(), 4711)
        await eventually(lambda: gateway.heard(ActiveTestResp) == [4711])


@BOTH
async def test_a_deliver_is_acknowledged_only_after_its_handler_returned(version: Version) -> None:
    gateway, kept = HandPlayedGateway(version=version), asyncio.Event()

    async def keep(_: Sequence[Deliver]) -> None:
        await kept.wait()

    async with session_with(gateway, on_delivers=keep):
        gateway.say(Deliver(7, "10658000", "13800000001", b"T"), 3)
        await asyncio.sleep(0.05)
        assert gateway.pdus == []
        kept.set()
        await eventually(lambda: gateway.pdus == [DeliverResp(7, 0)])
    assert gateway.heard(DeliverResp) == [3]


async def test_a_handler_that_fails_leaves_its_delivers_unacknowledged_and_the_line_alive() -> None:
    gateway, calls = HandPlayedGateway(), 0

    async def fail_once(_: Sequence[Deliver]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("the database is away")

    async with session_with(gateway, on_delivers=fail_once):
        gateway.say(Deliver(7, "10658000", "13800000001", b"T"), 3)
        await eventually(lambda: calls == 1)
        gateway.say(Deliver(7, "10658000", "13800000001", b"T"), 3)
        await eventually(lambda: calls == 2)
        await eventually(lambda: len(gateway.pdus) == 1)
    assert gateway.heard(DeliverResp) == [3]


async def test_a_handler_that_waits_for_the_sender_does_not_keep_the_sender_from_its_answers() -> None:
    gateway, answered = HandPlayedGateway(), asyncio.Event()

    async def wait_for_the_sender(_: Sequence[Deliver]) -> None:
        await answered.wait()

    async with session_with(gateway, on_delivers=wait_for_the_sender) as session:
        ticket = await session.submit(SUBMIT)
        await eventually(lambda: len(gateway.pdus) == 1)
        gateway.say(Deliver(7, "10658000", "13800000001", b"T"), 3)
        gateway.say(SubmitResp(1, 0), gateway.heard(Submit)[0])
        async with asyncio.timeout(5):
            await ticket.response()
        answered.set()
        await eventually(lambda: gateway.heard(DeliverResp) == [3])


async def test_more_delivers_than_can_be_held_are_asked_to_come_later() -> None:
    gateway, release = HandPlayedGateway(), asyncio.Event()

    async def hold(_: Sequence[Deliver]) -> None:
        await release.wait()

    async with session_with(gateway, on_delivers=hold):
        for sequence in range(1, 301):
            gateway.say(Deliver(sequence, "10658000", "13800000001", b"T"), sequence)
        await eventually(lambda: len(gateway.pdus) > 0)
        assert {pdu.result for pdu in gateway.pdus if isinstance(pdu, DeliverResp)} == {8}
        release.set()
        await eventually(lambda: len(gateway.pdus) == 300)
    results = [pdu.result for pdu in gateway.pdus if isinstance(pdu, DeliverResp)]
    assert results.count(0) >= 256


async def test_a_peer_that_terminates_is_answered_and_nothing_more_is_written() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway) as session:
        gateway.say(Terminate(), 9)
        assert await session.wait_closed() == "terminated by the peer"
        with pytest.raises(LineClosedError):
            await session.submit(SUBMIT)
        await gateway.hung_up.wait()
    assert gateway.pdus == [TerminateResp()]


async def test_closing_says_terminate_and_waits_for_the_answer() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway) as session:
        closing = asyncio.create_task(session.close())
        await eventually(lambda: len(gateway.heard(Terminate)) == 1)
        await asyncio.sleep(0.02)
        assert not closing.done()
        gateway.say(TerminateResp(), gateway.heard(Terminate)[0])
        await closing


@BOTH
async def test_octets_that_come_one_by_one_are_understood(version: Version) -> None:
    gateway = HandPlayedGateway(version=version)
    async with session_with(gateway) as session:
        ticket = await session.submit(SUBMIT)
        await eventually(lambda: len(gateway.pdus) == 1)
        for octet in encode(SubmitResp(5, 0), gateway.heard(Submit)[0], version):
            gateway.writer.write(bytes((octet,)))
            await asyncio.sleep(0.001)
        assert await ticket.response() == SubmitResp(5, 0)


@BOTH
async def test_a_message_is_taken_back_and_a_days_counts_are_asked_for(version: Version) -> None:
    gateway = HandPlayedGateway(version=version)
    async with session_with(gateway) as session:
        taking_back = await session.cancel(0x7B20_0288_B679_0007)
        asking = await session.query(Query("20261121", 1, "MKT"))
        await eventually(lambda: len(gateway.pdus) == 2)
        assert gateway.pdus == [Cancel(0x7B20_0288_B679_0007), Query("20261121", 1, "MKT")]
        counts = QueryResp("20261121", 1, "MKT", 9, 8, 7, 1, 1, 3, 0, 0)
        gateway.say(counts, gateway.heard(Query)[0])
        gateway.say(CancelResp(1), gateway.heard(Cancel)[0])
        assert await taking_back.response() == CancelResp(1)
        assert await asking.response() == counts


@pytest.mark.parametrize("kept", [1, 11, 12, 15])
async def test_a_line_cut_in_the_middle_of_an_answer_leaves_the_submit_without_one(kept: int) -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway) as session:
        ticket = await session.submit(SUBMIT)
        await eventually(lambda: len(gateway.pdus) == 1)
        gateway.writer.write(encode(SubmitResp(5, 0), gateway.heard(Submit)[0])[:kept])
        gateway.writer.close()
        assert "ended inside a PDU" in await session.wait_closed()
        with pytest.raises(NoAnswerError):
            await ticket.response()


async def test_what_is_not_understood_is_passed_over_and_the_line_stays_in_use() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway) as session:
        ticket = await session.submit(SUBMIT)
        await eventually(lambda: len(gateway.pdus) == 1)
        sequence = gateway.heard(Submit)[0]
        gateway.writer.write(bytes.fromhex("0000000c 00000099 00000001"))  # an unknown command
        gateway.writer.write(bytes.fromhex("0000000d 80000004 00000001 00"))  # a truncated SUBMIT_RESP
        gateway.say(DeliverResp(1, 0), sequence)  # the wrong kind of answer
        gateway.say(SubmitResp(1, 0), sequence + 1)  # an answer to nothing
        gateway.say(SUBMIT, 5)  # a request that gateways do not make
        gateway.say(SubmitResp(6, 0), sequence)
        assert await ticket.response() == SubmitResp(6, 0)


async def test_a_line_that_lost_its_framing_is_closed() -> None:
    gateway = HandPlayedGateway()
    async with session_with(gateway) as session:
        ticket = await session.submit(SUBMIT)
        await eventually(lambda: len(gateway.pdus) == 1)
        gateway.writer.write(bytes(12))
        assert "a PDU of 0 octets" in await session.wait_closed()
        with pytest.raises(NoAnswerError):
            await ticket.response()
