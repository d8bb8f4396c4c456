"""The SMS channel: one line to one gateway, kept up, paced, and honest about what has left."""

import asyncio
import random
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import structlog

from services.dispatch.channels.pacing import Backoff, TokenBucket
from services.dispatch.channels.sms_batch import SmsBatch, Writing
from services.dispatch.channels.sms_replies import PartedReplies
from services.dispatch.channels.sms_wire import (
    SmsAccount,
    heard_in,
    is_throttled,
    to_receipts,
    to_replies,
    to_submits_of,
    unsendable,
)
from services.dispatch.channels.watch import GatewayWatch
from services.dispatch.ports import IncomingMessages, Message, SendResult, Verdict
from shared.clock import Clock
from shared.wire.cmpp.errors import FieldError, LineClosedError, LoginRefusedError
from shared.wire.cmpp.parts import References
from shared.wire.cmpp.pdus import Deliver, SubmitResp
from shared.wire.cmpp.session import ClientSession, SubmitTicket, connect

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_REPLIES_SECONDS = 1.0


class SmsChannel:
    """`services.dispatch.ports.MessageChannel` over CMPP 2.0 or 3.0. An async context manager: connects in the background
    and reconnects until left, or until the gateway refuses the login for good, which `status` and an error event tell."""

    def __init__(
        self, account: SmsAccount, incoming: IncomingMessages, *, clock: Clock, rng: random.Random | None = None
    ) -> None:
        rng = rng or random.Random()  # noqa: S311 - spreads reconnects and references, guards nothing
        self._account = account
        self._incoming = incoming
        self._clock = clock
        self._bucket = TokenBucket(account.rate)
        self._backoff = Backoff(first=account.retry_first, longest=account.retry_longest, rng=rng)
        self._references = References(rng)
        self._replies = PartedReplies(account.name, incoming.on_reply)
        self._watch = GatewayWatch(account.patience)
        self._session: ClientSession | None = None
        self._status = "not started"

    @property
    def ready(self) -> bool:
        return self._session is not None and self._session.is_open

    @property
    def status(self) -> str:
        return self._status

    @property
    def notice(self) -> str:
        said = [] if self.ready else [self._status]
        return "; ".join([*said, *self._watch.problems()])

    async def __aenter__(self) -> Self:
        self._since = self._now_text()
        self._status = f"connecting since {self._since}"
        self._tasks = [asyncio.create_task(self._keep_connected()), asyncio.create_task(self._keep_replies())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._replies.end()
        self._status = "stopped"

    async def write(self, messages: Sequence[Message]) -> SmsBatch:
        writing = Writing()
        stopped_by = ""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._account.write_within
        try:
            async with asyncio.timeout_at(deadline) as limit:
                for message in messages:
                    if loop.time() >= deadline:
                        raise TimeoutError
                    await self._write_one(message, writing, limit, deadline)
                    if limit.when() != deadline:
                        limit.reschedule(deadline)
        except TimeoutError:
            stopped_by = f"not written within {self._account.write_within:g} seconds: rate, window or gateway too slow"
        except LineClosedError as closed:
            stopped_by = f"not written: {closed}"
        for message in messages:
            if not writing.knows(message.push_id):
                writing.settled[message.push_id] = SendResult(message.push_id, Verdict.NOT_WRITTEN, stopped_by)
        return SmsBatch(messages, writing)

    async def _write_one(self, message: Message, writing: Writing, limit: asyncio.Timeout, deadline: float) -> None:
        try:
            submits = to_submits_of(message, self._account, self._references)
        except FieldError as problem:
            writing.settled[message.push_id] = unsendable(message, problem)
            return
        await self._bucket.take(len(submits))
        if message.not_after <= self._clock.now():
            late = "not written: the time until which it might be received has passed"
            writing.settled[message.push_id] = SendResult(message.push_id, Verdict.NOT_WRITTEN, late)
            return
        for nth, submit in enumerate(submits, start=1):
            if self._session is None:
                raise LineClosedError(self._status)
            ticket = await self._session.submit(submit)
            writing.note(message.push_id, ticket, parts=len(submits))
            self._look_at(ticket)
            if nth == 1 < len(submits):
                # Half of a message is worse than a batch that takes a little longer.
                limit.reschedule(deadline + self._account.rest_within)

    def _look_at(self, ticket: SubmitTicket) -> None:
        written = time.monotonic()

        def answered(response: SubmitResp | None) -> None:
            self._watch.answered(None if response is None else heard_in(response), after=time.monotonic() - written)
            if response is not None and is_throttled(response):
                self._bucket.pause(self._account.throttle_pause)

        ticket.when_settled(answered)

    async def _take(self, delivers: Sequence[Deliver]) -> None:
        """Hand on what came. Parts come last: what is brought again after a failure would be taken for a text of its own."""
        receipts = to_receipts(delivers, self._account.name)
        if receipts:
            await self._incoming.on_receipts(receipts)
            self._watch.reported(receipts)
        for reply in to_replies(delivers, self._account.name):
            await self._incoming.on_reply(reply)
        await self._replies.take(delivers)

    async def _keep_replies(self) -> None:
        while True:
            await asyncio.sleep(_REPLIES_SECONDS)
            await self._replies.go_on()

    async def _keep_connected(self) -> None:
        while True:
            began = time.monotonic()
            try:
                failure = await self._one_line()
            except LoginRefusedError as refused:
                failure = str(refused)
                if refused.permanent:
                    self._status = f"stopped: {failure}; correct the account's settings and restart"
                    log.error("sms_login_refused", account=self._account.name, status=refused.status)
                    return
            except Exception as broken:  # noqa: BLE001 - whatever broke the line, it must come up again
                failure = str(broken) or type(broken).__name__
            if time.monotonic() - began > self._account.retry_longest:
                self._backoff.succeeded()
            self._status = f"connecting since {self._since}, last error: {failure}"
            log.warning("sms_line_down", account=self._account.name, reason=failure)
            await asyncio.sleep(self._backoff.next_wait())

    async def _one_line(self) -> str:
        """Log in, stay until the line ends, and return why it did."""
        account = self._account
        session = await connect(
            account.host,
            account.port,
            account.credentials,
            on_delivers=self._take,
            clock=self._clock,
            limits=account.limits,
            on_stray=self._watch.strayed,
        )
        try:
            self._session = session
            self._since = self._now_text()
            spoken = f"CMPP {session.version >> 4}.0"
            self._status = f"connected to {account.host}:{account.port} since {self._since}, {spoken}"
            log.info("sms_line_up", account=account.name, version=spoken)
            reason = await session.wait_closed()
            self._since = self._now_text()
            self._watch.line_lost(reason)
            return reason
        finally:
            self._session = None
            await session.close()

    def _now_text(self) -> str:
        return f"{self._clock.now():%Y-%m-%d %H:%M:%S} UTC"
