"""A dispatch of which only the contact ledger is there, served over a real socket."""

import asyncio
from datetime import datetime

from visavis.dispatch.v1 import contact_pb2, contact_service_pb2
from visavis.dispatch.v1 import contact_service_pb2_grpc as rpc

from shared.rpc.calls import Context


class FakeContacts(rpc.ContactServiceServicer):
    """Answers what a test wrote; `delay` seconds late."""

    def __init__(self) -> None:
        self.contacts: dict[str, list[contact_pb2.Contact]] = {}
        self.opted_out: set[str] = set()
        self.delay = 0.0

    def add(self, customer_id: str, policy: str, *, answer: str = "", at: datetime) -> None:
        """Add a contact, newest first, answered at the instant it was made."""
        contact = contact_pb2.Contact(name=f"contacts/{policy}", customer_id=customer_id, policy=policy)
        contact.reserve_time.FromDatetime(at)
        if answer:
            contact.answer = contact_pb2.ContactAnswer.Value(f"CONTACT_ANSWER_{answer}")
            contact.answer_time.FromDatetime(at)
        self.contacts.setdefault(customer_id, []).insert(0, contact)

    async def ListContacts(  # noqa: N802 - gRPC's name
        self, request: contact_service_pb2.ListContactsRequest, context: Context
    ) -> contact_service_pb2.ListContactsResponse:
        await asyncio.sleep(self.delay)
        answer = contact_service_pb2.ListContactsResponse(contacts=self.contacts.get(request.customer_id, []))
        if request.customer_id in self.opted_out:
            answer.opt_out.customer_id = request.customer_id
        return answer
