"""The gateway behind its lines: decides on each SUBMIT, lets the audience react, and posts what comes of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from services.sandbox.gateway.admission import GatewayAccount, Result, admit
from services.sandbox.gateway.audience import Audience, Reaction
from services.sandbox.gateway.deliveries import reply_delivers, report_deliver
from services.sandbox.gateway.faults import Faults
from services.sandbox.gateway.handsets import Handsets, Taken, text_of
from services.sandbox.gateway.journal import Journal, Received
from services.sandbox.gateway.post import PostBox
from services.sandbox.gateway.tally import Event, Tally
from shared.clock import Clock
from shared.wire.cmpp.message_id import MessageId
from shared.wire.cmpp.pdus import Cancel, CancelResp, Deliver, Query, QueryResp, Submit, SubmitResp
from shared.wire.cmpp.terminals import national_number
from shared.wire.cmpp.times import parse_absolute_time, report_time
from shared.wire.cmpp.versions import Version

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_SEQUENCES = 1 << 16
_REFERENCES = 1 << 8
_REST_SECONDS = 2.0
"""How long a telephone waits for the other parts of a text."""
_OPT_OUT = "TD"
_CANCELLED, _TOO_LATE = 0, 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a line does with a SUBMIT: respond so many `times` after a delay (None: never), or break (`cut`), with half
    of the response if there is one."""

    response: SubmitResp | None
    after: float = 0.0
    times: int = 1
    cut: bool = False


class Exchange:
    """Everything that outlives a line: accounts, post boxes, and the messages on their way to people."""

    def __init__(
        self, accounts: Sequence[GatewayAccount], audience: Audience, *, journal: Journal, clock: Clock, number: int
    ) -> None:
        self.accounts = {account.sp_id: account for account in accounts}
        self.post = {sp_id: PostBox(brought=partial(self._brought, sp_id)) for sp_id in self.accounts}
        self._tallies = {sp_id: Tally(account.service_id) for sp_id, account in self.accounts.items()}
        self._audience = audience
        self._journal = journal
        self._clock = clock
        self._number = number
        self._taken: asyncio.Queue[Taken] = asyncio.Queue()
        self._handsets = Handsets()
        self._unread: dict[int, str] = {}
        """Msg_Id -> SP, of what was not passed on yet and can be taken back."""
        self._messages = self._readers = 0
        self.set_faults(Faults())

    def set_faults(self, faults: Faults) -> None:
        self._faults = faults
        self._submits = 0

    def take(self, account: GatewayAccount, submit: Submit, version: Version) -> Answer:
        """Decide on a SUBMIT, record it, and hand it to the audience if it was taken."""
        self._submits += 1
        destination = next(iter(submit.dest_terminal_ids), "")
        number = national_number(destination) or destination
        taken = Taken(account, submit, version, self._next_message_id(), number)
        result = self._judge(taken)
        self._record(taken, result)
        if result is Result.TAKEN:
            self._pass_on(taken)
        return self._answer(taken.message_id if result is Result.TAKEN else 0, result)

    def query(self, account: GatewayAccount, query: Query) -> QueryResp:
        """Return the counts of one day."""
        return self._tallies[account.sp_id].answer(query)

    def cancel(self, account: GatewayAccount, cancel: Cancel) -> CancelResp:
        """Take a message of this SP back if nobody has read it yet; it is reported as deleted."""
        if self._unread.get(cancel.msg_id) != account.sp_id:
            return CancelResp(_TOO_LATE)
        del self._unread[cancel.msg_id]
        return CancelResp(_CANCELLED)

    def post_reply(self, account: GatewayAccount, msisdn: str, text: str, *, dest_id: str) -> None:
        """Queue a subscriber's message to the SP, in parts where it is longer than one."""
        template = Deliver(
            msg_id=0, dest_id=dest_id, src_terminal_id=f"86{msisdn}", content=b"", service_id=account.service_id
        )
        for deliver in reply_delivers(template, text, reference=self._messages % _REFERENCES):
            self._tallies[account.sp_id].count(Event.REPLY_POSTED, self._clock.now())
            self.post[account.sp_id].post(replace(deliver, msg_id=self._next_message_id()))

    async def react(self) -> None:
        """Show every message taken to the audience, one after the other, until cancelled."""
        while True:
            taken = await self._taken.get()
            try:
                await self._show(taken)
            except Exception as failure:  # noqa: BLE001 - one person's failure must not silence the province
                log.error("gateway_audience_failed", failure=type(failure).__name__)

    def _answer(self, message_id: int, result: Result) -> Answer:
        faults, response = self._faults, SubmitResp(message_id, result)
        if self._submits == faults.cut_at:
            return Answer(response if faults.cut_mid_frame else None, cut=True)
        if self._submits <= faults.silent_first:
            return Answer(None)
        after = faults.answer_after + (faults.odd_answers_after if self._submits % 2 else 0)
        return Answer(response, after, times=2 if faults.answer_twice else 1)

    def _judge(self, taken: Taken) -> Result:
        faults = self._faults
        if self._submits <= faults.throttle_first:
            return Result.FLOW_CONTROL
        if taken.msisdn in faults.unknown_numbers or (faults.refuse_every and self._submits % faults.refuse_every == 0):
            return Result.DESTINATION
        return admit(taken.submit, taken.account)

    def _record(self, taken: Taken, result: Result) -> None:
        part = taken.part
        received = Received(
            time=self._clock.now().isoformat(),
            sp_id=taken.account.sp_id,
            msg_id=f"{taken.message_id:016x}",
            dest=taken.msisdn,
            src_id=taken.submit.src_id,
            content=taken.text,
            result=int(result),
            part=part.number if part else 1,
            parts=part.total if part else 1,
            version=f"{taken.version >> 4}.0",
        )
        self._journal.append(received)

    def _pass_on(self, taken: Taken) -> None:
        self._tallies[taken.account.sp_id].count(Event.TAKEN, self._clock.now())
        self._unread[taken.message_id] = taken.account.sp_id
        if self._faults.pass_on_after:
            asyncio.get_running_loop().call_later(self._faults.pass_on_after, self._taken.put_nowait, taken)
        else:
            self._taken.put_nowait(taken)

    async def _show(self, taken: Taken) -> None:
        if self._unread.pop(taken.message_id, None) is None:
            self._schedule([taken], Reaction("DELETED", report_after=0.0))
            return
        parts = self._handsets.take(taken)
        if parts:
            self._schedule(parts, await self._reaction(parts))
        else:
            asyncio.get_running_loop().call_later(_REST_SECONDS, self._stop_waiting, taken)

    def _stop_waiting(self, taken: Taken) -> None:
        """Report on the parts of a text that never became whole: they reached the telephone, and make no sense to anybody."""
        self._schedule(self._handsets.give_up(taken), Reaction(report_after=0.0))

    async def _reaction(self, parts: Sequence[Taken]) -> Reaction:
        submit = parts[0].submit
        if submit.valid_time and parse_absolute_time(submit.valid_time) <= self._clock.now():
            return Reaction("EXPIRED", report_after=0.0)
        reaction = await self._audience.receive(parts[0].msisdn, text_of(parts), submit.src_id)
        self._readers += 1
        if self._faults.opt_out_every and self._readers % self._faults.opt_out_every == 0:
            return replace(reaction, replies=(_OPT_OUT,), reply_after=0.0)
        return reaction

    def _schedule(self, parts: Sequence[Taken], reaction: Reaction) -> None:
        loop = asyncio.get_running_loop()
        submit_time = report_time(self._clock.now())
        for taken in parts:
            loop.call_later(reaction.report_after, self._report, taken, reaction.status, submit_time)
        for nth, text in enumerate(reaction.replies, start=1):
            first = parts[0]
            reply = partial(self.post_reply, first.account, first.msisdn, text, dest_id=first.submit.src_id)
            loop.call_later(reaction.report_after + nth * reaction.reply_after, reply)

    def _report(self, taken: Taken, status: str, submit_time: str) -> None:
        now = self._clock.now()
        self._tallies[taken.account.sp_id].count(Event.DELIVERED if status == "DELIVRD" else Event.FAILED, now)
        if not taken.submit.registered_delivery or self._faults.no_reports:
            return
        version = Version.CMPP_2 if self._faults.narrow_reports else taken.version
        msg_id = self._next_message_id()
        deliver = report_deliver(taken, status, submit_time, report_time(now), version=version, msg_id=msg_id)
        for _ in range(2 if self._faults.duplicate_reports else 1):
            self.post[taken.account.sp_id].post(deliver)

    def _brought(self, sp_id: str, deliver: Deliver) -> None:
        if not deliver.registered_delivery:
            self._tallies[sp_id].count(Event.REPLY_BROUGHT, self._clock.now())

    def _next_message_id(self) -> int:
        self._messages += 1
        return MessageId.packed_at(self._clock.now(), gateway=self._number, sequence=self._messages % _SEQUENCES)
