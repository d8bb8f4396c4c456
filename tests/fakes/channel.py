"""A channel whose gateway is a list in memory, and which misbehaves as it is told."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from services.dispatch.channels.sms_wire import heard_in
from services.dispatch.channels.watch import GatewayWatch, Patience
from services.dispatch.ports import IncomingMessages, Message, Receipt, SendResult, Verdict
from services.sandbox.gateway.faults import Faults
from shared.wire.cmpp.parts import count_parts
from shared.wire.cmpp.pdus import SubmitResp

_TAKEN, _THROTTLED, _REFUSED = 0, 8, 13


class BatchInMemory:
    """A `WrittenBatch` of which everything is known at once."""

    def __init__(self, results: Sequence[SendResult]) -> None:
        self._results = results

    @property
    def written(self) -> frozenset[str]:
        return frozenset(result.push_id for result in self._results if result.verdict is not Verdict.NOT_WRITTEN)

    async def results(self) -> Sequence[SendResult]:
        return self._results


class ChannelInMemory:
    """A `MessageChannel`. What it takes is in `taken`, by number; `unreachable` says why there is no line, if there is none.
    Of the faults it knows those that are about answers: throttle_first, silent_first, refuse_every and no_reports."""

    def __init__(self, account: str, incoming: IncomingMessages, *, patience: Patience) -> None:
        self._account = account
        self._incoming = incoming
        self._watch = GatewayWatch(patience)
        self._seen = 0
        self.taken: list[str] = []
        self.faults = Faults()
        self.unreachable = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unreachable = "stopped"

    @property
    def ready(self) -> bool:
        return not self.unreachable

    @property
    def status(self) -> str:
        return self.unreachable or "connected"

    @property
    def notice(self) -> str:
        return "; ".join(filter(None, [self.unreachable, *self._watch.problems()]))

    async def write(self, messages: Sequence[Message]) -> BatchInMemory:
        if self.unreachable:
            return BatchInMemory([SendResult(each.push_id, Verdict.NOT_WRITTEN, self.unreachable) for each in messages])
        return BatchInMemory([await self._take(message) for message in messages])

    async def _take(self, message: Message) -> SendResult:
        self._seen += 1
        result = self._judge()
        silent = self._seen <= self.faults.silent_first
        self._watch.answered(None if silent else heard_in(SubmitResp(self._seen, result)), after=0.0)
        if result == _THROTTLED:
            return SendResult(message.push_id, Verdict.THROTTLED, "too busy")
        if result == _REFUSED:
            return SendResult(message.push_id, Verdict.REJECTED_RECIPIENT, "does not serve this number")
        ids = tuple(f"{self._seen:012x}{part:04x}" for part in range(count_parts(message.text)))
        self.taken.append(message.msisdn)
        if not self.faults.no_reports:
            await self._report(message, ids)
        if silent:
            return SendResult(message.push_id, Verdict.INDETERMINATE, "no answer")
        return SendResult(message.push_id, Verdict.SENT, "taken", ids)

    def _judge(self) -> int:
        if self._seen <= self.faults.throttle_first:
            return _THROTTLED
        return _REFUSED if self.faults.refuse_every and self._seen % self.faults.refuse_every == 0 else _TAKEN

    async def _report(self, message: Message, ids: Sequence[str]) -> None:
        receipts = [Receipt(self._account, each, message.msisdn, "DELIVRD", None, None) for each in ids]
        await self._incoming.on_receipts(receipts)
        self._watch.reported(receipts)
