"""The gateway behind its lines: decides on each SUBMIT, lets the audience react, and posts what comes of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from services.sandbox.gateway.admission import GatewayAccount, Result, admit
from services.sandbox.gateway.audience import Audience, Reaction
from services.sandbox.gateway.faults import Faults
from services.sandbox.gateway.journal import Journal, Received
from services.sandbox.gateway.post import PostBox
from shared.clock import Clock
from shared.wire.cmpp.codec import encode_report
from shared.wire.cmpp.message_id import MessageId
from shared.wire.cmpp.pdus import Deliver, StatusReport, Submit, SubmitResp
from shared.wire.cmpp.terminals import national_number
from shared.wire.cmpp.texts import UCS2, decode_text, encode_ucs2
from shared.wire.cmpp.times import parse_absolute_time, report_time

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_SEQUENCES = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What a line does with a SUBMIT: respond after a delay (None: never), or break (`cut`)."""

    response: SubmitResp | None
    after: float = 0.0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class _Taken:
    account: GatewayAccount
    submit: Submit
    message_id: int
    msisdn: str
    text: str


class Exchange:
    """Everything that outlives a line: accounts, post boxes, and the messages on their way to people."""

    def __init__(
        self, accounts: Sequence[GatewayAccount], audience: Audience, *, journal: Journal, clock: Clock, number: int
    ) -> None:
        self.accounts = {account.sp_id: account for account in accounts}
        self.post = {account.sp_id: PostBox() for account in accounts}
        self._audience = audience
        self._journal = journal
        self._clock = clock
        self._number = number
        self._taken: asyncio.Queue[_Taken] = asyncio.Queue()
        self._messages = 0
        self.set_faults(Faults())

    def set_faults(self, faults: Faults) -> None:
        self._faults = faults
        self._submits = 0

    def take(self, account: GatewayAccount, submit: Submit) -> Answer:
        """Decide on a SUBMIT, record it, and hand it to the audience if it was taken."""
        faults = self._faults
        self._submits += 1
        destination = next(iter(submit.dest_terminal_ids), "")
        taken = _Taken(
            account=account,
            submit=submit,
            message_id=self._next_message_id(),
            msisdn=national_number(destination) or destination,
            text=decode_text(submit.content, submit.msg_fmt, tp_udhi=submit.tp_udhi),
        )
        result = self._judge(taken)
        self._record(taken, result)
        if result is Result.TAKEN:
            self._taken.put_nowait(taken)
        if self._submits == faults.cut_at:
            return Answer(None, cut=True)
        if self._submits <= faults.silent_first:
            return Answer(None)
        message_id = taken.message_id if result is Result.TAKEN else 0
        return Answer(SubmitResp(message_id, result), after=faults.answer_after)

    def post_reply(self, account: GatewayAccount, msisdn: str, text: str, *, dest_id: str) -> None:
        """Queue a subscriber's message to the SP."""
        deliver = Deliver(
            msg_id=self._next_message_id(),
            dest_id=dest_id,
            src_terminal_id=f"86{msisdn}",
            content=encode_ucs2(text),
            service_id=account.service_id,
            msg_fmt=UCS2,
        )
        self.post[account.sp_id].post(deliver)

    async def react(self) -> None:
        """Show every message taken to the audience, one after the other, until cancelled."""
        while True:
            taken = await self._taken.get()
            try:
                self._schedule(taken, await self._reaction(taken))
            except Exception as failure:  # noqa: BLE001 - one person's failure must not silence the province
                log.error("gateway_audience_failed", failure=type(failure).__name__)

    def _judge(self, taken: _Taken) -> Result:
        if self._submits <= self._faults.throttle_first:
            return Result.FLOW_CONTROL
        if taken.msisdn in self._faults.unknown_numbers:
            return Result.DESTINATION
        return admit(taken.submit, taken.account)

    def _record(self, taken: _Taken, result: Result) -> None:
        received = Received(
            time=self._clock.now().isoformat(),
            sp_id=taken.account.sp_id,
            msg_id=f"{taken.message_id:016x}",
            dest=taken.msisdn,
            src_id=taken.submit.src_id,
            content=taken.text,
            result=int(result),
        )
        self._journal.append(received)

    async def _reaction(self, taken: _Taken) -> Reaction:
        valid_time = taken.submit.valid_time
        if valid_time and parse_absolute_time(valid_time) <= self._clock.now():
            return Reaction("EXPIRED", report_after=0.0)
        return await self._audience.receive(taken.msisdn, taken.text, taken.submit.src_id)

    def _schedule(self, taken: _Taken, reaction: Reaction) -> None:
        loop = asyncio.get_running_loop()
        if taken.submit.registered_delivery:
            submit_time = report_time(self._clock.now())
            loop.call_later(reaction.report_after, self._post_report, taken, reaction.status, submit_time)
        for nth, text in enumerate(reaction.replies, start=1):
            reply = partial(self.post_reply, taken.account, taken.msisdn, text, dest_id=taken.submit.src_id)
            loop.call_later(reaction.report_after + nth * reaction.reply_after, reply)

    def _post_report(self, taken: _Taken, status: str, submit_time: str) -> None:
        destination = taken.submit.dest_terminal_ids[0]
        done_time = report_time(self._clock.now())
        report = StatusReport(taken.message_id, status, submit_time, done_time, destination)
        deliver = Deliver(
            msg_id=self._next_message_id(),
            dest_id=taken.submit.src_id,
            src_terminal_id=destination,
            content=encode_report(report),
            service_id=taken.submit.service_id,
            msg_fmt=0,
            registered_delivery=1,
        )
        for _ in range(2 if self._faults.duplicate_reports else 1):
            self.post[taken.account.sp_id].post(deliver)

    def _next_message_id(self) -> int:
        self._messages += 1
        return MessageId.at(self._clock.now(), gateway=self._number, sequence=self._messages % _SEQUENCES).pack()
