"""The simulated gateway towards those who do not behave, or are killed."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from services.sandbox.gateway.admission import GatewayAccount
from services.sandbox.gateway.audience import Reaction
from services.sandbox.gateway.faults import Faults
from services.sandbox.gateway.journal import Journal, read_journal
from services.sandbox.gateway.server import Gateway
from shared.clock import ManualClock
from shared.wire.cmpp.auth import source_authenticator
from shared.wire.cmpp.codec import decode, decode_report, encode
from shared.wire.cmpp.frames import read_frame
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.login import Credentials
from shared.wire.cmpp.parts import to_submits
from shared.wire.cmpp.pdus import (
    ActiveTest,
    ActiveTestResp,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Pdu,
    Query,
    Submit,
    SubmitResp,
    Terminate,
)
from shared.wire.cmpp.session import ClientSession, connect
from shared.wire.cmpp.versions import Version
from tests.fakes.audience import ScriptedAudience
from tests.integration.wire.sessions import BOTH, CLOCK, LIMITS, ignore
from tests.integration.wire.waiting import eventually

SECRET = "888888"  # noqa: S105 - shared with nobody but the tests
ACCOUNT = GatewayAccount("900001", SECRET, service_id="MKT", src_id="10658000")
NOW = datetime(2026, 1, 9, 1, 2, 3, tzinfo=UTC)
TIMESTAMP = 109090203
SUBMIT = Submit("10658000", ("13800000001",), "你好".encode("utf-16-be"), "900001", "MKT")


class HandPlayedSp:
    """An SP that says exactly what a test tells it to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def say(self, pdu: Pdu, sequence: int = 1) -> None:
        self.writer.write(encode(pdu, sequence))

    async def hear(self) -> tuple[int, Pdu] | None:
        async with asyncio.timeout(10):
            frame = await read_frame(self._reader)
        return None if frame is None else (frame.sequence, decode(frame))

    async def log_in(self, *, secret: str = SECRET, version: int = 0x20, sp_id: str = "900001") -> int:
        authenticator = source_authenticator(sp_id, secret, TIMESTAMP)
        self.say(Connect(sp_id, authenticator, TIMESTAMP, version))
        heard = await self.hear()
        assert heard is not None
        assert isinstance(heard[1], ConnectResp)
        return heard[1].status


@asynccontextmanager
async def gateway_in(
    folder: Path,
    *,
    limits: LinkLimits | None = None,
    audience: ScriptedAudience | None = None,
    account: GatewayAccount = ACCOUNT,
) -> AsyncIterator[Gateway]:
    journal = Journal(folder / "received.jsonl")
    audience = audience or ScriptedAudience()
    try:
        async with Gateway([account], audience, journal=journal, clock=ManualClock(NOW), limits=limits) as gateway:
            yield gateway
    finally:
        journal.close()


@asynccontextmanager
async def sp_at(gateway: Gateway) -> AsyncIterator[HandPlayedSp]:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        yield HandPlayedSp(reader, writer)
    finally:
        writer.close()


async def test_a_login_is_checked_for_account_secret_and_version(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        async with sp_at(gateway) as sp:
            assert await sp.log_in(sp_id="900009") == 2
            assert await sp.hear() is None
        async with sp_at(gateway) as sp:
            assert await sp.log_in(secret="wrong") == 3  # noqa: S106 - wrong on purpose
        async with sp_at(gateway) as sp:
            assert await sp.log_in(version=0x30) == 4
        async with sp_at(gateway) as sp:
            assert await sp.log_in() == 0


@BOTH
async def test_a_line_speaks_the_version_that_was_asked_for_and_the_account_may(
    tmp_path: Path, version: Version
) -> None:
    async with gateway_in(tmp_path, account=replace(ACCOUNT, version=Version.CMPP_3)) as gateway:
        credentials = Credentials("900001", SECRET, version, demand_proof=True)
        session = await connect("127.0.0.1", gateway.port, credentials, on_delivers=ignore, clock=CLOCK, limits=LIMITS)
        answer = await (await session.submit(SUBMIT)).response()
        assert (session.version, answer.result) == (version, 0)
        await session.close()
    (received,) = read_journal(tmp_path / "received.jsonl")
    assert received.version == f"{version >> 4}.0"


@BOTH
async def test_a_message_that_nobody_read_yet_is_taken_back_and_counted_as_failed(
    tmp_path: Path, version: Version
) -> None:
    audience = ScriptedAudience()
    reports: list[str] = []

    async def keep(delivers: Sequence[Deliver]) -> None:
        reports.extend(decode_report(deliver.content).stat for deliver in delivers)

    async with gateway_in(tmp_path, audience=audience, account=replace(ACCOUNT, version=version)) as gateway:
        gateway.misbehave(Faults(pass_on_after=0.1))
        credentials = Credentials("900001", SECRET, version)
        session = await connect("127.0.0.1", gateway.port, credentials, on_delivers=keep, clock=CLOCK, limits=LIMITS)
        first, second = [await (await session.submit(SUBMIT)).response() for _ in range(2)]
        waiting = await (await session.query(Query("20260109"))).response()
        assert (waiting.mt_tl_msg, waiting.mt_scs, waiting.mt_wt, waiting.mt_fl) == (2, 0, 2, 0)
        assert [await _cancelled(session, first.msg_id) for _ in range(2)] == [0, 1]
        await eventually(lambda: len(reports) == 2)
        assert await _cancelled(session, second.msg_id) == 1
        gateway.post_reply("900001", "13800000001", "好")
        ended = await (await session.query(Query("20260109", 1, "MKT"))).response()
        assert (ended.mt_tl_msg, ended.mt_scs, ended.mt_wt, ended.mt_fl) == (2, 1, 0, 1)
        assert ended.mo_scs + ended.mo_wt == 1
        others = await (await session.query(Query("20260109", 1, "OTHER"))).response()
        assert others.mt_tl_msg == 0
        await session.close()
    assert sorted(reports) == ["DELETED", "DELIVRD"]
    assert len(audience.read) == 1


async def _cancelled(session: ClientSession, msg_id: int) -> int:
    return (await (await session.cancel(msg_id)).response()).success_id


async def test_parts_of_a_text_that_never_becomes_whole_are_reported_and_read_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sandbox.gateway.exchange._REST_SECONDS", 0.05)
    audience = ScriptedAudience()
    async with gateway_in(tmp_path, audience=audience) as gateway, sp_at(gateway) as sp:
        await sp.log_in()
        sp.say(to_submits(partial(replace, SUBMIT), "办" * 100, reference=lambda: 3)[0])
        heard = [await sp.hear() for _ in range(2)]
        assert [type(each[1]) for each in heard if each is not None] == [SubmitResp, Deliver]
    assert audience.read == []


async def test_nothing_is_taken_before_the_login(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway, sp_at(gateway) as sp:
        sp.say(SUBMIT)
        assert await sp.hear() is None
        assert list(read_journal(tmp_path / "received.jsonl")) == []


async def test_a_report_without_an_acknowledgement_comes_three_times_and_then_over_the_next_line(
    tmp_path: Path,
) -> None:
    limits = LinkLimits(response_timeout=0.05)
    async with gateway_in(tmp_path, limits=limits) as gateway:
        async with sp_at(gateway) as sp:
            await sp.log_in()
            sp.say(SUBMIT)
            heard = [await sp.hear() for _ in range(4)]
            (_, answer), *reports = [each for each in heard if each is not None]
            assert isinstance(answer, SubmitResp)
            assert len(reports) == 3
            assert reports[0] == reports[1] == reports[2]
        async with sp_at(gateway) as sp:
            await sp.log_in()
            again = await sp.hear()
            assert again is not None
            assert again[1] == reports[0][1]
            assert isinstance(again[1], Deliver)
            sp.say(DeliverResp(again[1].msg_id, 0), again[0])


async def test_a_report_refused_for_now_comes_again_later(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway, sp_at(gateway) as sp:
        await sp.log_in()
        gateway.post_reply("900001", "13800000001", "TD")
        first = await sp.hear()
        assert first is not None
        assert isinstance(first[1], Deliver)
        sp.say(DeliverResp(first[1].msg_id, 8), first[0])
        second = await sp.hear()
        assert second is not None
        assert second[1] == first[1]
        assert second[0] != first[0]


async def test_the_gateway_tests_a_quiet_line_and_drops_a_mute_one(tmp_path: Path) -> None:
    limits = LinkLimits(idle=0.05, response_timeout=0.05, attempts=2)
    async with gateway_in(tmp_path, limits=limits) as gateway, sp_at(gateway) as sp:
        await sp.log_in()
        first = await sp.hear()
        assert first is not None
        assert isinstance(first[1], ActiveTest)
        sp.say(ActiveTestResp(), first[0])
        heard: list[tuple[int, Pdu]] = []
        while (each := await sp.hear()) is not None:
            heard.append(each)
        assert [type(pdu) for _, pdu in heard] == [ActiveTest, ActiveTest]
        await eventually(lambda: gateway.connections == 0)


async def test_no_report_is_made_where_none_was_asked_for_and_a_failing_audience_is_survived(tmp_path: Path) -> None:
    class Absent(ScriptedAudience):
        async def receive(self, msisdn: str, text: str, src_id: str) -> Reaction:
            if not self.read:
                self.read.append((msisdn, text, src_id))
                raise LookupError("nobody by this number")
            return await super().receive(msisdn, text, src_id)

    audience = Absent(Reaction(report_after=0.0, replies=("好",), reply_after=0.0))
    async with gateway_in(tmp_path, audience=audience) as gateway, sp_at(gateway) as sp:
        await sp.log_in()
        sp.say(SUBMIT, 1)
        sp.say(Submit("10658000", ("13800000001",), b"hi", "900001", "MKT", msg_fmt=0, registered_delivery=0), 2)
        heard = [await sp.hear() for _ in range(3)]
        kinds = [type(each[1]) for each in heard if each is not None]
        assert kinds == [SubmitResp, SubmitResp, Deliver]
        assert heard[2] is not None
        assert isinstance(heard[2][1], Deliver)
        assert heard[2][1].registered_delivery == 0


async def test_a_stopping_gateway_says_terminate(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        sp = HandPlayedSp(*await asyncio.open_connection("127.0.0.1", gateway.port))
        await sp.log_in()
    heard = await sp.hear()
    assert heard is not None
    assert heard[1] == Terminate()
    assert await sp.hear() is None
    sp.writer.close()


_JOURNAL_AND_DIE = """
import os, signal, sys
from pathlib import Path
from services.sandbox.gateway.journal import Journal, Received
journal = Journal(Path(sys.argv[1]))
for n in range(3):
    journal.append(Received("2026-11-21T00:00:00+00:00", "900001", f"{n:016x}", "13800000001", "10658000", "你好", 0))
os.kill(os.getpid(), signal.SIGKILL)
"""


def _journal_and_die(path: Path) -> int:
    return subprocess.run([sys.executable, "-c", _JOURNAL_AND_DIE, str(path)], check=False, timeout=60).returncode


def test_the_journal_outlives_a_kill_and_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "received.jsonl"
    assert _journal_and_die(path) == -signal.SIGKILL
    assert _journal_and_die(path) == -signal.SIGKILL
    assert [received.msg_id[-1] for received in read_journal(path)] == ["0", "1", "2", "0", "1", "2"]
