"""Dispatch, as recommendation sees it."""

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

import grpc
from visavis.dispatch.v1 import contact_pb2, contact_service_pb2
from visavis.dispatch.v1 import contact_service_pb2_grpc as rpc

from services.recommendation.ports import Answer, Answered, ContactRecord

if TYPE_CHECKING:  # the async stubs exist for the type checker only
    from visavis.dispatch.v1.contact_service_pb2_grpc import ContactServiceAsyncStub

_MOST_CONTACTS = 200
_ANSWERS = {
    contact_pb2.CONTACT_ANSWER_ACCEPTED: Answer.ACCEPTED,
    contact_pb2.CONTACT_ANSWER_CONSIDERING: Answer.CONSIDERING,
    contact_pb2.CONTACT_ANSWER_DECLINED: Answer.DECLINED,
    contact_pb2.CONTACT_ANSWER_OPTED_OUT: Answer.OPTED_OUT,
}


@dataclass(frozen=True, slots=True)
class DispatchContacts:
    """Reads the contact ledger; the desk waits for it only so long, and asks once."""

    stub: "ContactServiceAsyncStub"
    deadline_seconds: float

    @classmethod
    def on(cls, channel: grpc.aio.Channel, *, deadline_seconds: float) -> "DispatchContacts":
        return cls(rpc.ContactServiceStub(channel), deadline_seconds)

    async def of(self, customer_id: str) -> ContactRecord[contact_pb2.Contact]:
        """Return three months of contacts, at most 200. Raises Unavailable, DeadlineExceeded."""
        asked = contact_service_pb2.ListContactsRequest(customer_id=customer_id, page_size=_MOST_CONTACTS)
        answer = await self.stub.ListContacts(asked, timeout=self.deadline_seconds)
        answered = [
            Answered(contact.policy, _ANSWERS[contact.answer], contact.answer_time.ToDatetime(UTC))
            for contact in answer.contacts
            if contact.answer in _ANSWERS
        ]
        return ContactRecord(answer.contacts, answered, answer.HasField("opt_out"))
