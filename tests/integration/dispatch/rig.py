"""Dispatch in one process: its store, a gateway, and as many workers as a test wants."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from services.dispatch.channels.forms import forms_of
from services.dispatch.channels.sms import SmsChannel
from services.dispatch.channels.sms_wire import SmsAccount
from services.dispatch.channels.tracing import PushTraces
from services.dispatch.domain.plans import Balance, Channel, Plan, PlanId, PlanRequest
from services.dispatch.domain.pushes import Contact
from services.dispatch.domain.rules import ContactRules
from services.dispatch.ports.channels import IncomingMessages, Line, MessageChannel
from services.dispatch.ports.records import Records
from services.dispatch.ports.store import ReadingOpener, ReceiptKeeper, WorkOpener
from services.dispatch.postgres import reading_opener, receipt_keeper, work_opener
from services.dispatch.postgres.records import ContactRecords
from services.dispatch.settings import MailSettings, SmsSettings, WapSettings
from services.dispatch.use_cases.plans import create_plan, start_plan
from services.dispatch.worker.housekeeping import Housekeeping
from services.dispatch.worker.incoming import StoredIncoming
from services.dispatch.worker.open_plans import OpenPlans
from services.dispatch.worker.presence import Presence
from services.dispatch.worker.process import WorkerParts, run_worker
from services.dispatch.worker.recalls import Recaller
from services.dispatch.worker.sender import MessageSender, notices_of
from services.sandbox.gateway.admission import GatewayAccount
from services.sandbox.gateway.journal import Journal, Received, read_journal
from services.sandbox.gateway.server import Gateway
from shared.clock import Clock, ManualClock
from shared.db.engine import Database
from shared.db.single_reads import SingleReads
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.versions import Version
from tests.factories.dispatch import MORNING, plan_request, rules, values
from tests.fakes.audience import ScriptedAudience

FORMS = forms_of(SmsSettings(), WapSettings(), MailSettings())
GATEWAY_ACCOUNT = GatewayAccount("901234", "sandbox-only", service_id="VISAVIS", src_id="10658899")
UNCOUNTED = rules(cap=1000)


@dataclass
class Rig:
    """A store and its clock; with `gateway`, also a province that receives."""

    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(MORNING))
    rules: ContactRules = field(default_factory=rules)
    reads: SingleReads | None = None

    @property
    def records(self) -> Records:
        """What the desk reads; of rigs that have connections for it."""
        assert self.reads is not None
        return ContactRecords(self.reads)

    @property
    def work(self) -> WorkOpener:
        return work_opener(self.database)

    @property
    def receipts(self) -> ReceiptKeeper:
        return receipt_keeper(self.database)

    @property
    def reading(self) -> ReadingOpener:
        return reading_opener(self.database)

    async def plan(self, rows: Sequence[TargetRow], request: PlanRequest | None = None, *, start: bool = True) -> Plan:
        """Store a plan with these targets, as the loader does, and start it."""
        plan_id = PlanId(str(uuid.uuid4()))
        now = self.clock.now()
        async with self.work() as work:
            await create_plan(
                plan_id, request or plan_request(), violations=(), work=work, forms=FORMS, principal="test", now=now
            )
            await work.plans.load(plan_id, [values(row) for row in rows], traceparent="")
            if start:
                return await start_plan(plan_id, work=work, by="test", traceparent="", now=now)
            return await work.plans.get(plan_id)

    async def call_plan(self, rows: Sequence[TargetRow]) -> Plan:
        return await self.plan(rows, plan_request(Channel.CALL))

    async def contacts(self, customer: str, since: datetime = MORNING) -> Sequence[Contact]:
        """Return a customer's contacts, newest first, as the desk is told of them."""
        return (await self.records.of(customer, since=since, after=None, limit=10, cities=None)).contacts

    async def states(self, plan: Plan) -> dict[str, int]:
        """Return the plan's balance: state -> pushes."""
        async with self.reading() as reading:
            return dict((await reading.plans.balances([plan.plan_id]))[plan.plan_id].states)

    async def balance(self, plan: Plan) -> Balance:
        """Return the plan's balance with its deliveries."""
        async with self.reading() as reading:
            return (await reading.plans.balances([plan.plan_id]))[plan.plan_id]

    async def notice(self, channel: Channel = Channel.SMS) -> str:
        """Return what the worker said last about its channel."""
        async with self.reading() as reading:
            told = await reading.plans.notice(channel)
        return told[0] if told else "nothing yet"

    async def until(self, condition: Callable[[], Awaitable[bool]], *, within: float = 20.0) -> None:
        async with asyncio.timeout(within):
            while not await condition():  # noqa: ASYNC110 - tests look from outside, at the database
                await asyncio.sleep(0.02)

    async def until_states(self, plan: Plan, **expected: int) -> None:
        """Wait until the balance is exactly this."""

        async def reached() -> bool:
            return await self.states(plan) == expected

        try:
            await self.until(reached)
        except TimeoutError:
            raise AssertionError(f"expected {expected}, found {await self.states(plan)}") from None


@dataclass
class Province:
    """A gateway and its people."""

    gateway: Gateway
    audience: ScriptedAudience
    journal: Path

    def received(self) -> list[Received]:
        """Return what the gateway took."""
        return [received for received in read_journal(self.journal) if received.result == 0]

    def taken(self) -> Counter[str]:
        """Return number -> messages that the gateway took."""
        return Counter(received.dest for received in self.received())

    @property
    def account(self) -> SmsAccount:
        return sms_account(self.gateway.port)


def sms_account(port: int) -> SmsAccount:
    """Return an account that is fast to try again, at a gateway of ours."""
    return SmsAccount(
        "901234",
        "127.0.0.1",
        port,
        sp_id="901234",
        secret=GATEWAY_ACCOUNT.secret,
        service_id="VISAVIS",
        src_id="10658899",
        rate=100_000.0,
        write_within=4.0,
        limits=LinkLimits(response_timeout=2.0),
        throttle_pause=0.1,
        retry_first=0.02,
        retry_longest=0.1,
    )


@asynccontextmanager
async def province_in(folder: Path, clock: Clock, *, version: Version = Version.CMPP_2) -> AsyncIterator[Province]:
    audience = ScriptedAudience()
    journal = Journal(folder / "received.jsonl")
    account = replace(GATEWAY_ACCOUNT, version=version)
    async with Gateway([account], audience, journal=journal, clock=clock) as gateway:
        yield Province(gateway, audience, folder / "received.jsonl")
    journal.close()


ChannelOpener: TypeAlias = Callable[
    [SmsAccount, IncomingMessages, ManualClock], AbstractAsyncContextManager[MessageChannel]
]


def _sms_channel(account: SmsAccount, incoming: IncomingMessages, clock: ManualClock) -> SmsChannel:
    return SmsChannel(account, incoming, clock=clock)


async def _load_nothing(stop: asyncio.Event) -> None:
    """Stand in for the plan loader where the test loads plans itself."""
    await stop.wait()


@asynccontextmanager
async def worker(
    rig: Rig,
    account: SmsAccount,
    *,
    batches: int = 2,
    work: WorkOpener | None = None,
    channel_of: ChannelOpener = _sms_channel,
) -> AsyncIterator[MessageSender]:
    """Run a worker for SMS in this process, all but its plan loader; its sender works by `work`, and on another channel than
    that of the account, where these are given."""

    async with line_worker(rig, sms_line(rig, account, channel_of), batches=batches, work=work) as sender:
        yield sender


LineOpener: TypeAlias = Callable[[StoredIncoming, AsyncExitStack], Awaitable[Line]]


def sms_line(rig: Rig, account: SmsAccount, channel_of: ChannelOpener = _sms_channel) -> LineOpener:
    """Return what opens a worker's line for SMS."""

    async def opened(incoming: IncomingMessages, closing: AsyncExitStack) -> Line:
        channel = await closing.enter_async_context(channel_of(account, incoming, rig.clock))
        return Line(Channel.SMS, channel, account.name)

    return opened


@asynccontextmanager
async def line_worker(
    rig: Rig, open_line: LineOpener, *, batches: int = 2, work: WorkOpener | None = None
) -> AsyncIterator[MessageSender]:
    """Run a worker in this process that serves one channel, all but its plan loader."""
    async with lines_worker(rig, [open_line], batches=batches, work=work) as (sender,):
        yield sender


@asynccontextmanager
async def lines_worker(
    rig: Rig, openers: Sequence[LineOpener], *, batches: int = 2, work: WorkOpener | None = None
) -> AsyncIterator[Sequence[MessageSender]]:
    """Run a worker in this process that serves several channels, all but its plan loader."""
    stop = asyncio.Event()
    async with AsyncExitStack() as closing:
        incoming = StoredIncoming(rig.work, rig.receipts, rig.clock)
        lines = [await open_line(incoming, closing) for open_line in openers]
        plans = OpenPlans(rig.work)
        presence = Presence(rig.database, work=rig.work, plans=plans, clock=rig.clock)
        senders = [
            MessageSender(
                work=work or rig.work,
                plans=plans,
                line=line,
                held=presence.held,
                worker_key=presence.worker_key,
                traces=PushTraces(),
                rules=rig.rules,
                clock=rig.clock,
            )
            for line in lines
        ]
        parts = WorkerParts(
            presence=presence,
            senders=senders,
            recallers=[Recaller(rig.work, line.recalling, line.account, rig.clock) for line in lines if line.recalling],
            housekeeping=Housekeeping(rig.work, lambda: notices_of(senders), timedelta(minutes=30), rig.clock),
            load_plans=_load_nothing,
            close_channels=closing.aclose,
            batches=batches,
        )
        running = asyncio.create_task(run_worker(parts, stop))
        try:
            yield senders
        finally:
            stop.set()
            await running
