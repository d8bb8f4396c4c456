"""The mail gateway of a test, an account at it, and a worker that serves mail."""

import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.dispatch.channels.mail_account import Address, MailAccount
from services.dispatch.channels.mail_doors import open_mail
from services.dispatch.channels.watch import Patience
from services.dispatch.domain.plans import Channel, Offer, PlanRequest
from services.dispatch.ports import Line
from services.dispatch.worker.incoming import StoredIncoming
from services.dispatch.worker.sender import MessageSender
from services.sandbox.mail.journal import MailJournal, ReceivedMail, read_mail_journal
from services.sandbox.mail.server import MailGateway
from shared.clock import Clock
from tests.factories.dispatch import plan_request
from tests.fakes.mail_audience import ScriptedReaders
from tests.integration.dispatch.rig import LineOpener, Rig, line_worker

PATIENCE = Patience(answer=3.0)
OFFER = Offer(
    "newspaper-trial", "mobile_newspaper", "手机报免费体验，回复{keyword}开通。", "DGSJB", title="手机报免费体验"
)


@dataclass
class MailProvince:
    """A mail gateway and its readers."""

    gateway: MailGateway
    readers: ScriptedReaders
    journal: Path
    account: MailAccount

    def received(self) -> list[ReceivedMail]:
        """Return what the gateway took."""
        return [received for received in read_mail_journal(self.journal) if received.code == 250]

    def taken(self) -> Counter[str]:
        """Return number -> mails that the gateway took."""
        return Counter(received.dest for received in self.received())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def mail_account(port: int, *, returns: int, pages: int) -> MailAccount:
    """Return an account that is fast to try again, at a gateway of ours."""
    return MailAccount(
        "push.example.com",
        "127.0.0.1",
        port,
        domain="push.example.com",
        sender="marketing",
        sender_name="中国移动",
        customer_domain="139.com",
        unsubscribe_url=f"http://127.0.0.1:{pages}/unsubscribe",
        secret=b"sandbox-only",
        returns=Address("127.0.0.1", returns),
        pages=Address("127.0.0.1", pages),
        rate=100_000.0,
        answer_within=5.0,
        throttle_pause=0.1,
        retry_first=0.02,
        retry_longest=0.1,
        patience=PATIENCE,
    )


@asynccontextmanager
async def mail_province_in(folder: Path, clock: Clock) -> AsyncIterator[MailProvince]:
    readers, path = ScriptedReaders(), folder / "mails.jsonl"
    returns, pages = free_port(), free_port()
    journal = MailJournal(path)
    async with MailGateway(readers, journal=journal, clock=clock, return_port=returns) as gateway:
        yield MailProvince(gateway, readers, path, mail_account(gateway.port, returns=returns, pages=pages))
    journal.close()


def mail_worker(rig: Rig, account: MailAccount, *, batches: int = 2) -> AbstractAsyncContextManager[MessageSender]:
    """Run a worker for mail in this process, all but its plan loader."""
    return line_worker(rig, mail_line(rig, account), batches=batches)


def mail_line(rig: Rig, account: MailAccount) -> LineOpener:
    """Return what opens a worker's line for mail, with the doors for what comes back."""

    async def opened(incoming: StoredIncoming, closing: AsyncExitStack) -> Line:
        channel = await closing.enter_async_context(open_mail(account, incoming, incoming, clock=rig.clock))
        return Line(Channel.MAIL_139, channel, account.name)

    return opened


def mail_plan(*offers: Offer) -> PlanRequest:
    return plan_request(Channel.MAIL_139, offers=offers or (OFFER,))
