"""The SP's end keeps its promises on a real socket: written once, known what was written, acknowledged when kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from shared.wire.cmpp.codec import encode
from shared.wire.cmpp.errors import (
    FieldError,
    LineClosedError,
    NoAnswerError,
)
from shared.wire.cmpp.pdus import (
    ActiveTest,
    ActiveTestResp,
    Cancel,
    CancelResp,
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
from shared.wire.cmpp.session import ClientSession, SubmitTicket
from shared.wire.cmpp.versions import Version
from tests.integration.wire.peer import HandPlayedGateway
from tests.integration.wire.sessions import BOTH, LIMITS, SUBMIT, session_with
from tests.integration.wire.waiting import eventually


def has_heard(gateway: HandPlayedGateway, kind: type[Pdu], count: int) -> bool:
    return len(gateway.heard(kind)) == count


async def submit_many(session: ClientSession, count: int) -> list[SubmitTicket]:
    return [await session.submit(SUBMIT) for _ in range(count)]


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
