"""The WAP push channel: posts pushes to one gateway, paced, in a window, and honest about what has left."""

import asyncio
import math
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

import structlog

from services.dispatch.channels.pacing import Backoff, TokenBucket
from services.dispatch.channels.wap_batch import WapBatch
from services.dispatch.channels.wap_results import WapResults
from services.dispatch.channels.wap_wire import (
    TERMS,
    Reports,
    WapAccount,
    Written,
    address_of,
    recall_answer,
    receipt_of,
    to_push,
    unanswered,
    unsendable,
    verdict_on,
    wire_id_of,
)
from services.dispatch.channels.watch import GatewayWatch, Heard
from services.dispatch.ports import (
    IncomingMessages,
    Message,
    Recall,
    RecallAnswer,
    Receipt,
    SendResult,
    Verdict,
)
from shared.clock import Clock
from shared.wire.pap import documents
from shared.wire.pap.client import Posting, PpgClient
from shared.wire.pap.errors import FieldError, GarbledError, LineCutError, NoAnswerError, NotSentError, PapError
from shared.wire.pap.messages import CancelMessage, MessageState

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class WapChannel:
    """`services.dispatch.ports.MessageChannel` and `RecallingChannel` over PAP 2.0. An async context manager: looks in the
    background whether the gateway can be reached, and listens for what it tells."""

    def __init__(
        self, account: WapAccount, incoming: IncomingMessages, *, clock: Clock, rng: random.Random | None = None
    ) -> None:
        rng = rng or random.Random()  # noqa: S311 - spreads attempts to connect, guards nothing
        patience = account.patience
        if account.reports is Reports.NONE:
            patience = replace(patience, report=math.inf)
        self._account = account
        self._clock = clock
        self._client = PpgClient(account.endpoint)
        self._bucket = TokenBucket(account.rate)
        self._window = asyncio.Semaphore(account.window)
        self._backoff = Backoff(first=account.retry_first, longest=account.retry_longest, rng=rng)
        self._watch = GatewayWatch(patience, TERMS)
        self._results = WapResults(account, incoming, self._watch)
        self._down = asyncio.Event()
        self._down.set()
        self._status = "not started"

    @property
    def ready(self) -> bool:
        return not self._down.is_set()

    @property
    def status(self) -> str:
        return self._status

    @property
    def notice(self) -> str:
        said = [] if self.ready else [self._status]
        deaf = [self._results.trouble] if self._results.trouble else []
        return "; ".join([*said, *deaf, *self._watch.problems()])

    async def __aenter__(self) -> Self:
        self._closing = AsyncExitStack()
        await self._closing.enter_async_context(self._client)
        self._since = self._now_text()
        self._status = f"connecting since {self._since}"
        await self._closing.enter_async_context(self._results)
        self._reaching = asyncio.create_task(self._keep_reachable())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reaching.cancel()
        await asyncio.wait([self._reaching])
        self._down.set()
        await self._closing.aclose()
        self._status = "stopped"

    async def write(self, messages: Sequence[Message]) -> WapBatch:
        batch = WapBatch(messages)
        deadline = asyncio.get_running_loop().time() + self._account.write_within
        stopped_by = ""
        try:
            async with asyncio.timeout_at(deadline):
                for message in messages:
                    await self._write_one(message, batch)
        except TimeoutError:
            stopped_by = f"not written within {self._account.write_within:g} seconds: rate, window or gateway too slow"
        except NotSentError as down:
            stopped_by = f"not written: {down}"
        await batch.end_writing(deadline, stopped_by)
        return batch

    async def recall(self, recall: Recall) -> tuple[RecallAnswer, Receipt | None]:
        wire_id = wire_id_of(recall.push_id, recall.plan_id, self._account.initiator)
        try:
            cancel = CancelMessage(wire_id, (address_of(recall.msisdn, self._account),))
            answer = await self._client.post(documents.CONTENT_TYPE, documents.write(cancel)).answer()
        except FieldError:
            return RecallAnswer.TOO_LATE, None
        except PapError:
            return RecallAnswer.UNKNOWN, None
        said = recall_answer(answer)
        taken_back = receipt_of(self._account.name, wire_id, recall.msisdn, MessageState.CANCELLED)
        return said, taken_back if said is RecallAnswer.TAKEN_BACK else None

    async def _write_one(self, message: Message, batch: WapBatch) -> None:
        async with AsyncExitStack() as place:
            await place.enter_async_context(self._window)
            await self._bucket.take()
            if self._down.is_set():
                raise NotSentError(self._status)
            now = self._clock.now()
            if message.not_after <= now:
                late = "not written: the time until which it might be received has passed"
                batch.settle(SendResult(message.push_id, Verdict.NOT_WRITTEN, late))
                return
            try:
                push = to_push(message, self._account, created=now, reports_url=self._results.url)
            except FieldError as problem:
                batch.settle(unsendable(message, problem))
                return
            posting = self._client.post(push.content_type, push.body, headers=push.headers)
            batch.post(message.push_id, posting, asyncio.create_task(self._follow(message, push, posting)))
            place.pop_all()  # its answer leaves the window

    async def _follow(self, message: Message, push: Written, posting: Posting) -> SendResult:
        """Wait for the answer to a push, and learn from it."""
        began = time.monotonic()
        try:
            answer = await posting.answer()
        except NotSentError as failure:
            self._is_down(str(failure))
            return SendResult(message.push_id, Verdict.NOT_WRITTEN, f"not written: {failure}")
        except NoAnswerError as failure:
            self._missed(failure, time.monotonic() - began)
            return unanswered(message.push_id, push.wire_id, str(failure))
        finally:
            self._window.release()
        result, heard = verdict_on(message, push.wire_id, answer)
        self._watch.answered(heard, after=time.monotonic() - began)
        if result.verdict is Verdict.THROTTLED and result.again_after is None:
            self._bucket.pause(self._account.throttle_pause)
        return result

    def _missed(self, failure: NoAnswerError, after: float) -> None:
        self._watch.answered(Heard.UNREADABLE if isinstance(failure, GarbledError) else None, after=after)
        if isinstance(failure, LineCutError):
            self._watch.line_lost(str(failure))

    def _is_down(self, because: str) -> None:
        if not self._down.is_set():
            self._down.set()
            self._since = self._now_text()
            self._status = f"connecting since {self._since}, last error: {because}"
            self._watch.line_lost(because)
            log.warning("wap_gateway_down", account=self._account.name, reason=because)

    async def _keep_reachable(self) -> None:
        """While the gateway is down, try to connect."""
        tried_at = -math.inf
        while True:
            await self._down.wait()
            if time.monotonic() - tried_at > self._account.retry_longest:
                self._backoff.succeeded()
            else:
                await asyncio.sleep(self._backoff.next_wait())
            try:
                await self._client.reach()
            except (OSError, TimeoutError) as failure:
                why = failure.strerror or type(failure).__name__
                self._status = f"connecting since {self._since}, last error: cannot connect: {why}"
                tried_at = time.monotonic()
                continue
            tried_at = time.monotonic()
            self._status = f"reached {self._account.endpoint.url} since {self._now_text()}"
            self._down.clear()
            log.info("wap_gateway_up", account=self._account.name)

    def _now_text(self) -> str:
        return f"{self._clock.now():%Y-%m-%d %H:%M:%S} UTC"
