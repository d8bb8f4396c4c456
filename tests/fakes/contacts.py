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
        self.capped: set[str] = set()
        self.delay = 0.0
        self.asked: list[tuple[str, ...]] = []
        """The customers of each call."""

    def add(self, customer_id: str, policy: str, *, answer: str = "", at: datetime) -> None:
        """Add a contact, newest first, answered at the instant it was made."""
        contact = contact_pb2.Contact(name=f"contacts/{policy}", customer_id=customer_id, policy=policy)
        contact.reserve_time.FromDatetime(at)
        if answer:
            contact.answer = contact_pb2.ContactAnswer.Value(f"CONTACT_ANSWER_{answer}")
            contact.answer_time.FromDatetime(at)
        self.contacts.setdefault(customer_id, []).insert(0, contact)

    async def BatchGetCustomerRecords(  # noqa: N802 - gRPC's name
        self, request: contact_service_pb2.BatchGetCustomerRecordsRequest, context: Context
    ) -> contact_service_pb2.BatchGetCustomerRecordsResponse:
        self.asked.append(tuple(request.customer_ids))
        await asyncio.sleep(self.delay)
        return contact_service_pb2.BatchGetCustomerRecordsResponse(records=map(self._record, request.customer_ids))

    def _record(self, customer_id: str) -> contact_service_pb2.CustomerRecord:
        record = contact_service_pb2.CustomerRecord(
            customer_id=customer_id, contacts=self.contacts.get(customer_id, [])
        )
        if customer_id in self.opted_out:
            record.opt_out.customer_id = customer_id
        return record

    async def CheckContact(  # noqa: N802 - gRPC's name
        self, request: contact_service_pb2.CheckContactRequest, context: Context
    ) -> contact_service_pb2.CheckContactResponse:
        """Answer for SMS alone: control arm, opt-out and cap forbid."""
        await asyncio.sleep(self.delay)
        forbidding = {
            "control_arm": request.arm == "control",
            "opt_out": request.customer_id in self.opted_out,
            "cap": request.customer_id in self.capped,
        }
        rule = next((rule for rule, forbids in forbidding.items() if forbids), "")
        check = contact_service_pb2.ChannelCheck(channel=contact_pb2.CHANNEL_SMS, allowed=not rule, rule=rule)
        return contact_service_pb2.CheckContactResponse(channels=[check])
