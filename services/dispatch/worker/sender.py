"""Sends messages: claims a batch, writes it under row locks, records what became of it; see ADR 0006 for the protocol."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.dispatch.domain.plans import Channel, Offer, Plan
from services.dispatch.domain.pushes import Outcome, PushId, PushState
from services.dispatch.domain.rules import ContactRules
from services.dispatch.domain.templates import fill
from services.dispatch.ports.channels import Line, Message, SendResult, WrittenBatch
from services.dispatch.ports.store import Traces, Work, WorkOpener
from services.dispatch.use_cases.admission import Admission, Admitted, Destination, admit
from services.dispatch.use_cases.sending import all_unknown, outcomes_of, record_results, still_to_write
from services.dispatch.worker.open_plans import OpenPlans
from shared.clock import Clock
from shared.errors import Conflict, Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_IDLE_SECONDS = 0.1
_RETRY_SECONDS = 0.2
_FAULT_PAUSE_SECONDS = 30.0
_NOT_WRITTEN = "not_written"


@dataclass(slots=True)
class _Writing:
    """What is known of one attempt to write a claim: nothing has left before `began`."""

    began: bool = False
    pushes: frozenset[PushId] = frozenset()
    batch: WrittenBatch | None = None
    write_time: datetime | None = None


class MessageSender:
    """Keeps some batches under way on one channel. What it knows of a batch outlives a restart of the database."""

    def __init__(
        self,
        *,
        work: WorkOpener,
        plans: OpenPlans,
        line: Line,
        held: asyncio.Event,
        worker_key: str,
        traces: Traces,
        rules: ContactRules,
        clock: Clock,
    ) -> None:
        self._work = work
        self._plans = plans
        self.channel = line.channel
        self._gateway = line.gateway
        self._account = line.account
        self._batch = line.batch
        self._held = held
        self._worker_key = worker_key
        self._traces = traces
        self._rules = rules
        self._clock = clock
        self._fault = ""
        self._paused_until = float("-inf")

    @property
    def notice(self) -> str:
        """What operations should know, empty when all is well."""
        if time.monotonic() < self._paused_until:
            return self._fault
        return self._gateway.notice

    async def run(self, stop: asyncio.Event, *, batches: int) -> None:
        """Claim until `stop` is set; return when every batch under way is recorded."""
        async with asyncio.TaskGroup() as group:
            for _ in range(batches):
                group.create_task(self._keep_sending(stop))

    async def _keep_sending(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                if not await self._send_next():
                    await self._plans.wait(_IDLE_SECONDS)
            except (Unavailable, Conflict) as failure:
                log.warning("sender_waits", channel=self.channel, why=failure.message)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _send_next(self) -> bool:
        """Send one batch of the first plan that has any; False if there is nothing to do now."""
        if not (self._gateway.ready and self._held.is_set()) or time.monotonic() < self._paused_until:
            return False
        for plan in await self._plans.of(self.channel):
            claim = str(uuid.uuid4())
            admission = await self._claim(claim, plan)
            if admission.admitted:
                await self._send(claim, plan, admission.admitted)
            if admission.seen:
                return True
        return False

    async def _claim(self, claim: str, plan: Plan) -> Admission:
        destination = Destination(PushState.CLAIMED, claim, self._account)
        try:
            async with self._work() as work:
                admission = await admit(
                    plan,
                    destination,
                    limit=self._batch,
                    work=work,
                    traces=self._traces,
                    rules=self._rules,
                    now=self._clock.now(),
                )
                if admission.admitted:
                    await work.claims.begin(claim, self._worker_key)
                return admission
        except (Unavailable, Conflict):
            await self._give_back(claim)  # it may have been committed all the same
            raise

    async def _send(self, claim: str, plan: Plan, admitted: Sequence[Admitted]) -> None:
        writing = await self._write(claim, plan, admitted)
        if not writing.began:
            await self._give_back(claim)
            for one in admitted:
                one.trace.end(_NOT_WRITTEN)
            return
        outcomes = await self._outcomes(writing)

        async def record(work: Work) -> None:
            await record_results(claim, outcomes, work=work, now=self._clock.now())

        await self._until_stored(record)
        states = {outcome.push_id: outcome.push for outcome in outcomes}
        for one in admitted:
            one.trace.end(states.get(one.target.push_id, PushState.CANCELLED))

    async def _write(self, claim: str, plan: Plan, admitted: Sequence[Admitted]) -> _Writing:
        """Note that writing begins, commit that, then write under the locks of the claim's rows."""
        writing = _Writing()
        try:
            async with self._work() as work:
                if not await work.claims.begin_writing(claim):
                    return writing
            async with self._work() as work:
                writing.pushes = await still_to_write(claim, work=work)
                if not writing.pushes:
                    return writing
                messages = _messages(plan, admitted, writing.pushes)
                writing.began = True
                writing.batch = await self._gateway.write(messages)
                writing.write_time = self._clock.now()
                unwritten = writing.pushes - _written(writing.batch)
                await work.claims.wrote(claim, unwritten=unwritten, now=writing.write_time)
        except (Unavailable, Conflict) as failure:
            log.warning("write_not_noted", claim=claim, began=writing.began, why=failure.message)
        except Exception:
            if not writing.began:
                raise
            log.exception("write_broke", claim=claim)
        return writing

    async def _outcomes(self, writing: _Writing) -> list[Outcome]:
        if writing.batch is None or writing.write_time is None:
            return all_unknown(writing.pushes)
        results = await writing.batch.results()
        self._pause_if_misconfigured(results)
        return outcomes_of(results, writing.write_time)

    def _pause_if_misconfigured(self, results: Sequence[SendResult]) -> None:
        fault = next((result for result in results if result.configuration_fault), None)
        if fault is not None:
            self._paused_until = time.monotonic() + _FAULT_PAUSE_SECONDS
            self._fault = f"sending rests, it is tried again every {_FAULT_PAUSE_SECONDS:.0f} s: {fault.detail}"
            log.error("account_misconfigured", channel=self.channel, account=self._account, why=fault.detail)

    async def _give_back(self, claim: str) -> None:
        async def give_back(work: Work) -> None:
            await work.claims.give_back(claim)

        await self._until_stored(give_back)

    async def _until_stored(self, change: Callable[[Work], Awaitable[None]]) -> None:
        """Try until the database has it: what is known of a batch must not be lost while this process lives."""
        while True:
            try:
                async with self._work() as work:
                    await change(work)
                    return
            except (Unavailable, Conflict) as failure:
                log.warning("results_wait", why=failure.message)
                await asyncio.sleep(_RETRY_SECONDS)


def notices_of(senders: Sequence[MessageSender]) -> dict[Channel, str]:
    """Return what operations should know about each channel."""
    return {sender.channel: sender.notice for sender in senders}


def _messages(plan: Plan, admitted: Sequence[Admitted], pushes: frozenset[PushId]) -> list[Message]:
    offers = {offer.policy: offer for offer in plan.request.offers}
    return [_message(plan, offers[one.target.policy], one) for one in admitted if one.target.push_id in pushes]


def _message(plan: Plan, offer: Offer, one: Admitted) -> Message:
    return Message(
        push_id=str(one.target.push_id),
        msisdn=one.target.msisdn,
        text=fill(offer.message, city=one.target.city, msisdn=one.target.msisdn),
        not_after=one.not_after,
        title=fill(offer.title, city=one.target.city, msisdn=one.target.msisdn),
        href=offer.href,
        plan_id=plan.plan_id,
        attempt=one.target.attempts + 1,
        offer_ends=plan.request.expire_time,
    )


def _written(batch: WrittenBatch) -> frozenset[PushId]:
    return frozenset(PushId(int(push_id)) for push_id in batch.written)
