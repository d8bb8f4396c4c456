"""The push gateway behind its HTTP: decides on each push, lets the audience react, and tells what comes of it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.sandbox.ppg.audience import Arrival, PushAudience
from services.sandbox.ppg.faults import PpgFaults
from services.sandbox.ppg.journal import PushJournal, ReceivedPush
from services.sandbox.ppg.teller import Teller
from shared.clock import Clock
from shared.wire.cmpp.terminals import national_number
from shared.wire.pap.codes import Code
from shared.wire.pap.errors import UnreadableError
from shared.wire.pap.forms import number_in
from shared.wire.pap.indication import CONTENT_TYPE, ServiceIndication, read_indication
from shared.wire.pap.messages import (
    CancelMessage,
    CancelResponse,
    CancelResult,
    MessageState,
    PushMessage,
    PushResponse,
    ResultNotification,
)
from shared.wire.pap.multipart import Push

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_CODES = {MessageState.DELIVERED: Code.OK, MessageState.CANCELLED: Code.OK}


@dataclass(frozen=True, slots=True)
class Taken:
    """A push that the gateway took, for one telephone."""

    message: PushMessage
    indication: ServiceIndication
    address: str
    msisdn: str
    received: datetime


class PushDesk:
    """Knows every push-id that it ever took; takes one address and one service indication at a time."""

    def __init__(self, audience: PushAudience, teller: Teller, *, journal: PushJournal, clock: Clock) -> None:
        self._audience = audience
        self._teller = teller
        self._journal = journal
        self._clock = clock
        self._taken: asyncio.Queue[Taken] = asyncio.Queue()
        self._known: set[str] = set()
        self._unread: dict[str, Taken] = {}
        """push-id -> what was not passed on yet and can be cancelled."""
        self._readers = 0
        self.set_faults(PpgFaults())

    def set_faults(self, faults: PpgFaults) -> None:
        self.faults = faults
        self.pushes = 0

    def take(self, push: Push) -> PushResponse:
        """Decide on a push, record it, and hand it to the audience if it was taken."""
        self.pushes += 1
        code, taken = self._judge(push)
        message = push.message
        self._journal.append(
            ReceivedPush(
                time=self._clock.now().isoformat(),
                push_id=message.push_id,
                dest=taken.msisdn if taken else _msisdn(message) or "",
                code=int(code),
                content=taken.indication.text if taken else "",
                href=taken.indication.href if taken else "",
                si_id=taken.indication.si_id if taken else "",
            )
        )
        if taken is not None:
            self._pass_on(taken)
        return PushResponse(message.push_id, code, code.name.lower(), reply_time=self._clock.now())

    def cancel(self, cancel: CancelMessage) -> CancelResponse:
        """Take a push back if it was not passed on yet."""
        taken = self._unread.pop(cancel.push_id, None)
        code = Code.OK if taken else Code.PUSH_ID_NOT_FOUND
        if taken is None and cancel.push_id in self._known:
            code = Code.CANCELLATION_NOT_POSSIBLE
        if taken is not None:
            self._tell(taken, MessageState.CANCELLED)
        number = national_number(number_in(next(iter(cancel.addresses), "")) or "") or ""
        time = self._clock.now().isoformat()
        self._journal.append(ReceivedPush(time, cancel.push_id, number, int(code), is_cancel=True))
        return CancelResponse(cancel.push_id, (CancelResult(code, code.name.lower(), cancel.addresses),))

    async def react(self) -> None:
        """Show every push taken to the audience, one after the other, until cancelled."""
        while True:
            taken = await self._taken.get()
            try:
                await self._show(taken)
            except Exception as failure:  # noqa: BLE001 - one person's failure must not silence the province
                log.error("push_audience_failed", failure=type(failure).__name__)

    def _judge(self, push: Push) -> tuple[Code, Taken | None]:
        faults, message = self.faults, push.message
        if self.pushes <= max(faults.throttle_first, faults.fail_first):
            return Code.SERVICE_UNAVAILABLE if self.pushes <= faults.throttle_first else Code.INTERNAL_ERROR, None
        if message.push_id in self._known:
            return Code.DUPLICATE_PUSH_ID, None
        if len(message.addresses) != 1:
            return Code.MULTIPLE_ADDRESSES_NOT_SUPPORTED, None
        msisdn = _msisdn(message)
        if msisdn is None:
            return Code.ADDRESS_ERROR, None
        if msisdn in faults.unknown_numbers or (faults.refuse_every and self.pushes % faults.refuse_every == 0):
            return Code.ADDRESS_NOT_FOUND, None
        return self._judge_content(push, msisdn)

    def _judge_content(self, push: Push, msisdn: str) -> tuple[Code, Taken | None]:
        if self._is_over(push.message):
            return Code.FORBIDDEN, None
        if push.content_type != CONTENT_TYPE:
            return Code.TRANSFORMATION_FAILURE, None
        try:
            indication = read_indication(push.content)
        except UnreadableError:
            return Code.TRANSFORMATION_FAILURE, None
        return Code.ACCEPTED, Taken(push.message, indication, push.message.addresses[0], msisdn, self._clock.now())

    def _pass_on(self, taken: Taken) -> None:
        self._known.add(taken.message.push_id)
        self._unread[taken.message.push_id] = taken
        if self.faults.pass_on_after:
            asyncio.get_running_loop().call_later(self.faults.pass_on_after, self._taken.put_nowait, taken)
        else:
            self._taken.put_nowait(taken)

    async def _show(self, taken: Taken) -> None:
        if self._unread.pop(taken.message.push_id, None) is None:
            return  # cancelled
        arrival = await self._arrival(taken)
        asyncio.get_running_loop().call_later(arrival.after, self._tell, taken, arrival.state)

    async def _arrival(self, taken: Taken) -> Arrival:
        if self._is_over(taken.message):
            return Arrival(MessageState.EXPIRED, after=0.0)
        arrival = await self._audience.receive(taken.msisdn, taken.indication)
        self._readers += 1
        if self.faults.opt_out_every and self._readers % self.faults.opt_out_every == 0:
            self._audience.refuse(taken.msisdn)
        return arrival

    def _tell(self, taken: Taken, state: MessageState) -> None:
        url = taken.message.ppg_notify_requested_to
        if not url or self.faults.no_reports:
            return
        notification = ResultNotification(
            push_id=taken.message.push_id,
            address=taken.address,
            message_state=state,
            code=_CODES.get(state, Code.SERVICE_FAILURE),
            desc=state.value,
            received_time=taken.received,
            event_time=self._clock.now(),
        )
        for _ in range(2 if self.faults.duplicate_reports else 1):
            self._teller.tell(url, notification)

    def _is_over(self, message: PushMessage) -> bool:
        deadline = message.deliver_before_timestamp
        return deadline is not None and deadline <= self._clock.now()


def _msisdn(message: PushMessage) -> str | None:
    return national_number(number_in(next(iter(message.addresses), "")) or "")
