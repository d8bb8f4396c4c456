"""Dispatch, as recommendation sees it."""

import asyncio
from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, TypeAlias

import grpc
from visavis.dispatch.v1 import contact_pb2, contact_service_pb2
from visavis.dispatch.v1 import contact_service_pb2_grpc as rpc

from services.recommendation.ports import Answer, Answered, Candidate, ContactCheck, ContactRecord
from shared.errors import DeadlineExceeded, Failure
from shared.rpc.deadline import enter_deadline
from shared.rpc.identity import Caller, Role, acting_as, current_caller

if TYPE_CHECKING:  # the async stubs exist for the type checker only
    from visavis.dispatch.v1.contact_service_pb2_grpc import ContactServiceAsyncStub

_AT_ONCE = 50
_PATIENCE_SECONDS = 3.0
"""Who asks why waits longer than a desk."""
_ANSWERS = {
    contact_pb2.CONTACT_ANSWER_ACCEPTED: Answer.ACCEPTED,
    contact_pb2.CONTACT_ANSWER_CONSIDERING: Answer.CONSIDERING,
    contact_pb2.CONTACT_ANSWER_DECLINED: Answer.DECLINED,
    contact_pb2.CONTACT_ANSWER_OPTED_OUT: Answer.OPTED_OUT,
}
_Cities: TypeAlias = "frozenset[str] | None"
_Record: TypeAlias = "ContactRecord[contact_pb2.Contact]"


@dataclass(frozen=True, slots=True)
class _Question:
    """A customer of whom somebody asked within a call of their own, and waits for the answer."""

    customer_id: str
    answer: "asyncio.Future[_Record]"
    within: Context


@dataclass(slots=True)
class DispatchContacts:
    """Reads the contact ledger; the desk waits for it only so long, and asks once.

    One call for each customer would cost this process more than all else that the desk asks of it. So while a call is on its
    way, those who come meanwhile and see the same cities wait for the next one, which asks about all of them.
    """

    stub: "ContactServiceAsyncStub"
    deadline_seconds: float
    _waiting: dict[_Cities, list[_Question]] = field(default_factory=dict)
    """By what the caller sees; there is a list exactly while a call is on its way."""
    _calls: set["asyncio.Task[None]"] = field(default_factory=set)

    @classmethod
    def on(cls, channel: grpc.aio.Channel, *, deadline_seconds: float) -> "DispatchContacts":
        return cls(rpc.ContactServiceStub(channel), deadline_seconds)

    async def of(self, customer_id: str) -> _Record:
        """Return three months of contacts, at most 200. Raises Unavailable, DeadlineExceeded."""
        cities = current_caller().cities
        question = _Question(customer_id, asyncio.get_running_loop().create_future(), copy_context())
        if (waiting := self._waiting.get(cities)) is not None:
            waiting.append(question)
        else:
            self._waiting[cities] = [question]
            call = asyncio.create_task(self._ask_until_nobody_waits(cities))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        try:
            async with asyncio.timeout(self.deadline_seconds):
                return await question.answer
        except TimeoutError:
            raise DeadlineExceeded("dispatch did not tell the contacts in time") from None

    async def _ask_until_nobody_waits(self, cities: _Cities) -> None:
        try:
            while waiting := self._waiting[cities]:
                asked, self._waiting[cities] = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
                await asyncio.create_task(self._ask(asked, cities), context=asked[0].within)
        finally:
            del self._waiting[cities]

    async def _ask(self, questions: Sequence[_Question], cities: _Cities) -> None:
        """Ask about all at once: a call of this service's own, within what those who wait may see and in the trace of the first,
        whose time does not bound it."""
        asked = contact_service_pb2.BatchGetCustomerRecordsRequest(
            customer_ids=[each.customer_id for each in questions]
        )
        enter_deadline(self.deadline_seconds)
        try:
            with acting_as(Caller("recommendation", Role.SERVICE, cities)):
                answer = await self.stub.BatchGetCustomerRecords(asked, timeout=self.deadline_seconds)
        except Failure as failure:
            for question in questions:
                if not question.answer.done():
                    question.answer.set_exception(failure)
            return
        for question, record in zip(questions, answer.records, strict=True):
            if not question.answer.done():
                question.answer.set_result(_read(record))


def _read(record: contact_service_pb2.CustomerRecord) -> _Record:
    answered = [
        Answered(contact.policy, _ANSWERS[contact.answer], contact.answer_time.ToDatetime(UTC))
        for contact in record.contacts
        if contact.answer in _ANSWERS
    ]
    return ContactRecord(record.contacts, answered, record.HasField("opt_out"))


@dataclass(frozen=True, slots=True)
class DispatchChecks:
    """Asks the contact rules, for explanations; asking changes nothing."""

    stub: "ContactServiceAsyncStub"

    @classmethod
    def on(cls, channel: grpc.aio.Channel) -> "DispatchChecks":
        return cls(rpc.ContactServiceStub(channel))

    async def check(self, candidate: Candidate) -> Sequence[ContactCheck]:
        """Return what holds now, by channel. Raises Unavailable, DeadlineExceeded."""
        asked = contact_service_pb2.CheckContactRequest(
            customer_id=candidate.customer_id,
            owner_id=candidate.owner_id,
            msisdn=candidate.msisdn,
            number_since=candidate.number_since.isoformat() if candidate.number_since else "",
            city=candidate.city,
            arm=candidate.arm,
        )
        answer = await self.stub.CheckContact(asked, timeout=_PATIENCE_SECONDS)
        return [
            ContactCheck(
                channel=contact_pb2.Channel.Name(check.channel).removeprefix("CHANNEL_").lower(),
                allowed=check.allowed,
                rule=check.rule,
                reason=check.reason,
                until=check.until_time.ToDatetime(UTC) if check.HasField("until_time") else None,
            )
            for check in answer.channels
        ]
