"""The SMS channel: one line to one gateway, kept up, paced, and honest about what has left."""

import asyncio
import random
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import structlog

from services.dispatch.channels.pacing import Backoff, TokenBucket
from services.dispatch.channels.sms_wire import (
    SmsAccount,
    from_response,
    is_throttled,
    to_receipts,
    to_replies,
    to_submit,
    unsendable,
)
from services.dispatch.ports import IncomingMessages, Message, SendResult, Verdict
from shared.clock import Clock
from shared.wire.cmpp.errors import FieldError, LineClosedError, LoginRefusedError, NoAnswerError
from shared.wire.cmpp.pdus import Deliver, SubmitResp
from shared.wire.cmpp.session import ClientSession, SubmitTicket, connect

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class SmsBatch:
    """A batch after its writing: a ticket for each message that was written, a verdict for each that was not."""

    def __init__(
        self,
        messages: Sequence[Message],
        *,
        tickets: dict[str, SubmitTicket],
        settled: dict[str, SendResult],
    ) -> None:
        self._messages = messages
        self._tickets = tickets
        self._settled = settled

    @property
    def written(self) -> frozenset[str]:
        return frozenset(self._tickets)

    async def results(self) -> Sequence[SendResult]:
        for push_id, ticket in self._tickets.items():
            if push_id not in self._settled:
                self._settled[push_id] = await _verdict(push_id, ticket)
        return [self._settled[message.push_id] for message in self._messages]


class SmsChannel:
    """`services.dispatch.ports.MessageChannel` over CMPP. An async context manager: connects in the background and
    reconnects until left, or until the gateway refuses the login for good, which `status` and an error event tell."""

    def __init__(
        self, account: SmsAccount, incoming: IncomingMessages, *, clock: Clock, rng: random.Random | None = None
    ) -> None:
        self._account = account
        self._incoming = incoming
        self._clock = clock
        self._bucket = TokenBucket(account.rate)
        self._backoff = Backoff(
            first=account.retry_first,
            longest=account.retry_longest,
            rng=rng or random.Random(),  # noqa: S311 - spreads reconnects, guards nothing
        )
        self._session: ClientSession | None = None
        self._status = "not started"

    @property
    def ready(self) -> bool:
        return self._session is not None and self._session.is_open

    @property
    def status(self) -> str:
        return self._status

    async def __aenter__(self) -> Self:
        self._since = self._now_text()
        self._status = f"connecting since {self._since}"
        self._keeping = asyncio.create_task(self._keep_connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        self._status = "stopped"

    async def write(self, messages: Sequence[Message]) -> SmsBatch:
        tickets: dict[str, SubmitTicket] = {}
        settled: dict[str, SendResult] = {}
        stopped_by = ""
        try:
            async with asyncio.timeout(self._account.write_within):
                for message in messages:
                    await self._write_one(message, tickets, settled)
        except TimeoutError:
            stopped_by = f"not written within {self._account.write_within:g} seconds: rate, window or gateway too slow"
        except LineClosedError as closed:
            stopped_by = f"not written: {closed}"
        for message in messages:
            if message.push_id not in tickets and message.push_id not in settled:
                settled[message.push_id] = SendResult(message.push_id, Verdict.NOT_WRITTEN, stopped_by)
        return SmsBatch(messages, tickets=tickets, settled=settled)

    async def _write_one(
        self, message: Message, tickets: dict[str, SubmitTicket], settled: dict[str, SendResult]
    ) -> None:
        try:
            submit = to_submit(message, self._account)
        except FieldError as problem:
            settled[message.push_id] = unsendable(message, problem)
            return
        await self._bucket.take()
        if message.not_after <= self._clock.now():
            late = "not written: the time until which it might be received has passed"
            settled[message.push_id] = SendResult(message.push_id, Verdict.NOT_WRITTEN, late)
            return
        if self._session is None:
            raise LineClosedError(self._status)
        ticket = await self._session.submit(submit)
        ticket.when_settled(self._rest_if_throttled)
        tickets[message.push_id] = ticket

    def _rest_if_throttled(self, response: SubmitResp | None) -> None:
        if response is not None and is_throttled(response):
            self._bucket.pause(self._account.throttle_pause)

    async def _take(self, delivers: Sequence[Deliver]) -> None:
        receipts = to_receipts(delivers, self._account.name)
        if receipts:
            await self._incoming.on_receipts(receipts)
        for reply in to_replies(delivers, self._account.name):
            await self._incoming.on_reply(reply)

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
        )
        try:
            self._session = session
            self._since = self._now_text()
            self._status = f"connected to {account.host}:{account.port} since {self._since}"
            log.info("sms_line_up", account=account.name)
            reason = await session.wait_closed()
            self._since = self._now_text()
            return reason
        finally:
            self._session = None
            await session.close()

    def _now_text(self) -> str:
        return f"{self._clock.now():%Y-%m-%d %H:%M:%S} UTC"


async def _verdict(push_id: str, ticket: SubmitTicket) -> SendResult:
    try:
        return from_response(push_id, await ticket.response())
    except NoAnswerError as silent:
        return SendResult(push_id, Verdict.INDETERMINATE, f"written, but {silent}: it may have been sent")
