"""The mail channel: a few lines to one gateway, kept up, paced, and honest about what has left."""

import asyncio
import random
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import structlog

from services.dispatch.channels.mail_account import MailAccount
from services.dispatch.channels.mail_answers import Meaning, Stage, lost, meaning_of, result_of, unsendable
from services.dispatch.channels.mail_batch import MailBatch, MailJob
from services.dispatch.channels.mail_letters import envelope_of
from services.dispatch.channels.mail_line import CalledBackError, LineLostError, LoginRefusedError, MailLine
from services.dispatch.channels.mail_watch import MailWatch
from services.dispatch.channels.pacing import Backoff, TokenBucket
from services.dispatch.ports import Message
from shared.clock import Clock
from shared.observability.masking import mask_text
from shared.wire.mail.errors import FieldError

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_LOOK_SECONDS = 0.5
_CANCEL_SECONDS = 0.2


class MailChannel:
    """`services.dispatch.ports.MessageChannel` over SMTP. An async context manager: connects in the background and
    reconnects until left, or until the gateway refuses the login for good, which `status` and an error event tell. `doors`
    returns what is wrong where things come back."""

    def __init__(
        self,
        account: MailAccount,
        watch: MailWatch,
        *,
        clock: Clock,
        doors: Callable[[], Sequence[str]] = list,
        rng: random.Random | None = None,
    ) -> None:
        self._account = account
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads reconnects, guards nothing
        self._bucket = TokenBucket(account.rate)
        self._watch = watch
        self._doors = doors
        self._jobs: asyncio.Queue[MailJob] = asyncio.Queue()
        self._lines: set[MailLine] = set()
        self._refused = False
        self._status = "not started"

    @property
    def ready(self) -> bool:
        return any(line.is_open for line in self._lines)

    @property
    def status(self) -> str:
        return self._status

    @property
    def notice(self) -> str:
        said = [] if self.ready else [self._status]
        return "; ".join([*said, *self._doors(), *self._watch.problems()])

    async def __aenter__(self) -> Self:
        self._status = f"connecting since {self._now_text()}"
        self._keeping = [asyncio.create_task(self._keep_line()) for _ in range(self._account.connections)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pending = set(self._keeping)
        # One cancellation is lost where a connection fails at the same moment (asyncio.wait_for of 3.11).
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=_CANCEL_SECONDS)
        self._status = "stopped"
        self._call_back_waiting()

    async def write(self, messages: Sequence[Message]) -> MailBatch:
        jobs = [self._job(message) for message in messages]
        waiting = [job for job in jobs if job.is_waiting]
        for job in waiting:
            self._jobs.put_nowait(job)
        if not self.ready:
            self._call_back_waiting()
        try:
            async with asyncio.timeout(self._account.write_within):
                for job in waiting:
                    await job.moved()
        except TimeoutError:
            pass  # what has not left by now is called back, and told so
        finally:
            for job in waiting:
                job.call_back(f"no time for it within {self._account.write_within:g} seconds: rate or gateway too slow")
        return MailBatch(jobs)

    def _job(self, message: Message) -> MailJob:
        try:
            return MailJob(message, envelope_of(message, self._account, now=self._clock.now()))
        except FieldError as problem:
            job = MailJob(message, None)
            job.settle(unsendable(message, problem))
            return job

    def _call_back_waiting(self) -> None:
        while not self._jobs.empty():
            self._jobs.get_nowait().call_back(self._status)

    async def _keep_line(self) -> None:
        backoff = Backoff(first=self._account.retry_first, longest=self._account.retry_longest, rng=self._rng)
        while not self._refused:
            try:
                failure = await self._one_line(backoff)
            except LoginRefusedError as refused:
                self._refused = True
                self._status = f"stopped: {mask_text(str(refused))}; correct the account's settings and restart"
                log.error("mail_login_refused", account=self._account.name, reason=str(refused))
                break
            except Exception as broken:  # noqa: BLE001 - whatever broke the line, it must come up again
                failure = str(broken) or type(broken).__name__
            self._note_down(mask_text(failure))
            await asyncio.sleep(backoff.next_wait())
        self._call_back_waiting()

    def _note_down(self, failure: str) -> None:
        log.warning("mail_line_down", account=self._account.name, reason=failure)
        if not self.ready and not self._refused:
            self._status = f"connecting since {self._now_text()}, last error: {failure}"
            self._call_back_waiting()

    async def _one_line(self, backoff: Backoff) -> str:
        """Connect, carry mails until the line ends, and return why it did."""
        async with MailLine(self._account) as line:
            self._lines.add(line)
            try:
                if self._status.startswith("connecting"):
                    self._status = f"connected to {self._account.place} since {self._now_text()}"
                    log.info("mail_line_up", account=self._account.name)
                while line.is_open:
                    job = await self._next_job()
                    if job is not None:
                        await self._carry(job, line)
                        backoff.succeeded()
                return "the line ended"
            finally:
                self._lines.discard(line)

    async def _next_job(self) -> MailJob | None:
        """Return a mail that may leave, after waiting for its turn; None after a moment without any."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                return await self._jobs.get()
        except TimeoutError:
            return None

    async def _carry(self, job: MailJob, line: MailLine) -> None:
        message = job.message
        try:
            if job.is_waiting:
                await self._bucket.take()
            if message.not_after <= self._clock.now():
                job.call_back("the time until which it might be received has passed")
            if job.is_waiting and job.envelope is not None:
                stage, reply, seconds = await line.carry(job.envelope, job.leave)
                meaning = meaning_of(stage, reply)
                self._watch.answered(meaning, after=seconds)
                if meaning is Meaning.BUSY:
                    self._bucket.pause(self._account.throttle_pause)
                job.settle(result_of(message, stage, reply))
        except CalledBackError:
            return
        except LineLostError as broken:
            self._lose(job, broken.stage, mask_text(str(broken)))
            raise
        finally:
            job.settle(lost(message, Stage.END if job.has_left else Stage.SENDER, "the channel was stopped"))

    def _lose(self, job: MailJob, stage: Stage, why: str) -> None:
        if stage is Stage.END:
            self._watch.answered(None, after=0.0)
        self._watch.line_lost(why)
        job.settle(lost(job.message, stage, why))

    def _now_text(self) -> str:
        return f"{self._clock.now():%Y-%m-%d %H:%M:%S} UTC"
