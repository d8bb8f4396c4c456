"""The SMS channel and the simulated gateway, with all that passes between them to be looked at."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.dispatch.channels.sms import SmsChannel
from services.dispatch.channels.sms_wire import SmsAccount
from services.dispatch.ports import Message, SendResult, Verdict
from services.sandbox.gateway.admission import GatewayAccount
from services.sandbox.gateway.journal import Journal, Received, read_journal
from services.sandbox.gateway.server import Gateway
from shared.clock import ManualClock
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.versions import Version
from tests.fakes.audience import ScriptedAudience
from tests.fakes.incoming import IncomingInMemory
from tests.integration.wire.waiting import eventually

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
BOTH = pytest.mark.parametrize("version", Version)
LONG = "【移动】" + "本月流量加倍，" * 25 + "拒收请回复R"
TEXT = "【移动】本月流量加倍，回复1办理，拒收请回复R"
GATEWAY_ACCOUNT = GatewayAccount("900001", "888888", service_id="MKT", src_id="10658000")
PATIENT = LinkLimits(response_timeout=30.0)


@dataclass
class Rig:
    """A gateway, its audience, a channel to it and what the channel brought back."""

    gateway: Gateway
    audience: ScriptedAudience
    incoming: IncomingInMemory
    channel: SmsChannel
    account: SmsAccount
    clock: ManualClock
    journal: Path

    def received(self) -> list[Received]:
        return list(read_journal(self.journal))

    async def send(self, messages: Sequence[Message]) -> Sequence[SendResult]:
        return await (await self.channel.write(messages)).results()


def messages(count: int, *, first: int = 1, not_after: datetime = NOW + timedelta(hours=2)) -> list[Message]:
    return [Message(f"push-{n}", f"138{n:08d}", TEXT, not_after) for n in range(first, first + count)]


def verdicts(results: Sequence[SendResult]) -> list[Verdict]:
    return [result.verdict for result in results]


@asynccontextmanager
async def rig_in(
    folder: Path,
    *,
    limits: LinkLimits = PATIENT,
    incoming: IncomingInMemory | None = None,
    account: GatewayAccount = GATEWAY_ACCOUNT,
    rate: float = 100_000.0,
    write_within: float = 10.0,
    version: Version = Version.CMPP_2,
) -> AsyncIterator[Rig]:
    clock, audience, incoming = ManualClock(NOW), ScriptedAudience(), incoming or IncomingInMemory()
    journal = Journal(folder / "received.jsonl")
    async with AsyncExitStack() as stack:
        stack.callback(journal.close)
        gateway = await stack.enter_async_context(
            Gateway([replace(account, version=version)], audience, journal=journal, clock=clock, limits=limits)
        )
        sms = SmsAccount(
            "city-1",
            "127.0.0.1",
            gateway.port,
            sp_id="900001",
            secret="888888",  # noqa: S106 - shared with nobody but the tests
            service_id="MKT",
            src_id="10658000",
            version=version,
            rate=rate,
            write_within=write_within,
            limits=limits,
            throttle_pause=0.2,
            retry_first=0.02,
            retry_longest=0.1,
        )
        channel = SmsChannel(sms, incoming, clock=clock, rng=random.Random(7))
        await stack.enter_async_context(channel)
        await eventually(lambda: channel.ready)
        yield Rig(gateway, audience, incoming, channel, sms, clock, folder / "received.jsonl")
