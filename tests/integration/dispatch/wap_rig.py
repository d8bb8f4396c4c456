"""A push gateway, its people, and workers that serve WAP push."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.dispatch.channels.wap import WapChannel
from services.dispatch.channels.wap_wire import WapAccount
from services.dispatch.domain.plans import Channel
from services.dispatch.ports import IncomingMessages, Line
from services.dispatch.worker.sender import MessageSender
from services.sandbox.ppg.audience import Arrival
from services.sandbox.ppg.journal import PushJournal, ReceivedPush, read_push_journal
from services.sandbox.ppg.server import PpgAccount, PushGateway
from shared.clock import Clock
from shared.wire.pap.endpoints import Endpoint
from shared.wire.pap.indication import ServiceIndication
from tests.integration.dispatch.rig import LineOpener, Rig, line_worker

PPG_ACCOUNT = PpgAccount("visavis", "sandbox-only")


@dataclass
class ScriptedPushAudience:
    """A `PushAudience` that gets everything as the script says, and remembers what it saw and who refused."""

    arrival: Arrival = field(default_factory=lambda: Arrival(after=0.0))
    seen: list[tuple[str, ServiceIndication]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def receive(self, msisdn: str, indication: ServiceIndication) -> Arrival:
        self.seen.append((msisdn, indication))
        return self.arrival

    def refuse(self, msisdn: str) -> None:
        self.refused.append(msisdn)


@dataclass
class PushProvince:
    """A push gateway and its people."""

    gateway: PushGateway
    audience: ScriptedPushAudience
    journal: Path

    def received(self) -> list[ReceivedPush]:
        return list(read_push_journal(self.journal))

    def taken(self) -> Counter[str]:
        """Return number -> pushes that the gateway took."""
        return Counter(each.dest for each in self.received() if each.code < 2000 and not each.is_cancel)

    @property
    def account(self) -> WapAccount:
        return wap_account(self.gateway.url)


def wap_account(url: str) -> WapAccount:
    """Return an account that is fast to try again."""
    return WapAccount(
        "visavis@ppg.example.com",
        Endpoint(url, PPG_ACCOUNT.username, PPG_ACCOUNT.password, connect_within=2.0, answer_within=5.0),
        gateway="ppg.example.com",
        initiator="visavis.example.com",
        rate=100_000.0,
        throttle_pause=0.1,
        retry_first=0.02,
        retry_longest=0.1,
    )


def impatient(account: WapAccount, answer_within: float) -> WapAccount:
    """Return the account with another time limit for answers."""
    return replace(account, endpoint=replace(account.endpoint, answer_within=answer_within))


@asynccontextmanager
async def push_province_in(folder: Path, clock: Clock, *, port: int = 0) -> AsyncIterator[PushProvince]:
    audience = ScriptedPushAudience()
    with closing(PushJournal(folder / "pushes.jsonl")) as journal:
        async with PushGateway(PPG_ACCOUNT, audience, journal=journal, clock=clock, port=port) as gateway:
            yield PushProvince(gateway, audience, folder / "pushes.jsonl")


def wap_worker(rig: Rig, account: WapAccount, *, batches: int = 2) -> AbstractAsyncContextManager[MessageSender]:
    """Run a worker for WAP push in this process."""
    return line_worker(rig, wap_line(rig, account), batches=batches)


def wap_line(rig: Rig, account: WapAccount) -> LineOpener:
    """Return what opens a worker's line for WAP push."""

    async def opened(incoming: IncomingMessages, stack: AsyncExitStack) -> Line:
        channel = await stack.enter_async_context(WapChannel(account, incoming, clock=rig.clock))
        return Line(Channel.WAP_PUSH, channel, account.name, recalling=channel)

    return opened
