"""A batch after its writing: which parts of which message have left, and what the gateway's answers make of the whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.dispatch.channels.sms_wire import from_answers
from services.dispatch.ports import Message, SendResult
from shared.wire.cmpp.errors import NoAnswerError
from shared.wire.cmpp.pdus import SubmitResp
from shared.wire.cmpp.session import SubmitTicket


@dataclass(slots=True)
class _Written:
    """A message of which something was written: a ticket for each of its `parts` that was."""

    parts: int
    tickets: list[SubmitTicket] = field(default_factory=list)


@dataclass(slots=True)
class Writing:
    """What is known while a batch is written: of each message either its tickets, or why nothing of it was written."""

    settled: dict[str, SendResult] = field(default_factory=dict)
    written: dict[str, _Written] = field(default_factory=dict)

    def note(self, push_id: str, ticket: SubmitTicket, *, parts: int) -> None:
        self.written.setdefault(push_id, _Written(parts)).tickets.append(ticket)

    def knows(self, push_id: str) -> bool:
        return push_id in self.settled or push_id in self.written


class SmsBatch:
    """`services.dispatch.ports.WrittenBatch`."""

    def __init__(self, messages: Sequence[Message], writing: Writing) -> None:
        self._messages = messages
        self._writing = writing

    @property
    def written(self) -> frozenset[str]:
        return frozenset(self._writing.written)

    async def results(self) -> Sequence[SendResult]:
        return [await self._result(message.push_id) for message in self._messages]

    async def _result(self, push_id: str) -> SendResult:
        written = self._writing.written.get(push_id)
        if written is None:
            return self._writing.settled[push_id]
        return from_answers(push_id, [await _answer(ticket) for ticket in written.tickets], parts=written.parts)


async def _answer(ticket: SubmitTicket) -> SubmitResp | None:
    try:
        return await ticket.response()
    except NoAnswerError:
        return None
