"""`visavis.dispatch.v1.ContactService`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from visavis.dispatch.v1 import contact_pb2
from visavis.dispatch.v1 import contact_service_pb2 as pb
from visavis.dispatch.v1 import contact_service_pb2_grpc as rpc

from services.dispatch.domain.pushes import Answer, DeskContact
from services.dispatch.domain.rules import ContactRules
from services.dispatch.ports.records import ContactPlace, Records
from services.dispatch.ports.store import ReadingOpener, WorkOpener
from services.dispatch.servicer.parse import instant_of, number_of, request_id_of, uuid_violations
from services.dispatch.servicer.render import contact_message, event_message, opt_out_message
from services.dispatch.servicer.standing import candidate_of, checked_message
from services.dispatch.use_cases.desk import record_desk_contact
from services.dispatch.use_cases.opt_outs import record_opt_out, withdraw_pushes
from services.dispatch.use_cases.standing import check_contact
from shared.clock import Clock
from shared.errors import Denied, InvalidInput, Violation
from shared.observability.context import current_traceparent
from shared.rpc.calls import Context
from shared.rpc.identity import Role, current_caller, require
from shared.rpc.pages import Key, encode_token, instant_key, number_key, page_size, place_in

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_THREE_MONTHS = timedelta(days=92)
_LATEST_TOLD = timedelta(days=31)
_MOST_CUSTOMERS, _MOST_CONTACTS = 100, 200
_ANSWER_NAMES = {answer: f"CONTACT_ANSWER_{answer.name}" for answer in Answer}
_ANSWERS = {contact_pb2.ContactAnswer.Value(name): answer for answer, name in _ANSWER_NAMES.items()}


@dataclass(frozen=True, slots=True)
class ContactServicer(rpc.ContactServiceServicer):
    """Parses, calls, renders."""

    work: WorkOpener
    reading: ReadingOpener
    records: Records
    rules: ContactRules
    clock: Clock

    async def ListContacts(self, request: pb.ListContactsRequest, context: Context) -> pb.ListContactsResponse:
        limit = page_size(request.page_size, default=50, maximum=1000)
        if not request.customer_id:
            raise InvalidInput.of("customer_id", "expected the customer")
        since = self._since(request)
        filters = f"{request.customer_id}\n{request.since_time.seconds}\n{request.since_time.nanos}"
        record = await self.records.of(
            request.customer_id,
            since=since,
            after=place_in(request.page_token, filters, _place),
            limit=limit + 1,
            cities=current_caller().cities,
        )
        found = record.contacts
        last = found[limit - 1] if len(found) > limit else None
        return pb.ListContactsResponse(
            contacts=[contact_message(contact) for contact in found[:limit]],
            next_page_token=encode_token([last.reserve_time.isoformat(), last.contact_id], filters) if last else "",
            opt_out=opt_out_message(record.opt_out) if record.opt_out else None,
        )

    async def BatchGetCustomerRecords(
        self, request: pb.BatchGetCustomerRecordsRequest, context: Context
    ) -> pb.BatchGetCustomerRecordsResponse:
        customers = list(request.customer_ids)
        if not 1 <= len(customers) <= _MOST_CUSTOMERS or not all(customers):
            raise InvalidInput.of("customer_ids", f"expected 1 to {_MOST_CUSTOMERS} customers, none of them empty")
        records = await self.records.of_all(
            customers, since=self._three_months_ago(), limit=_MOST_CONTACTS, cities=current_caller().cities
        )
        return pb.BatchGetCustomerRecordsResponse(
            records=[
                pb.CustomerRecord(
                    customer_id=customer,
                    contacts=[contact_message(contact) for contact in record.contacts],
                    opt_out=opt_out_message(record.opt_out) if record.opt_out else None,
                )
                for customer, record in zip(customers, records, strict=True)
            ]
        )

    async def RecordContact(self, request: pb.RecordContactRequest, context: Context) -> pb.RecordContactResponse:
        caller = require(Role.CLERK, Role.AGENT, Role.OPERATIONS, Role.SERVICE)
        now = self.clock.now()
        violations = list(_desk_violations(request, now))
        if violations:
            raise InvalidInput(violations)
        if not caller.sees(request.city):
            raise Denied(f"this customer is outside the cities of {caller.principal}")
        async with self.work() as work:
            contact, opt_out = await record_desk_contact(
                _said(request), work=work, traceparent=current_traceparent(), now=now
            )
        if opt_out is not None:
            async with self.work() as work:
                await withdraw_pushes(opt_out, work=work)
        return pb.RecordContactResponse(contact=contact_message(contact))

    async def CreateOptOut(self, request: pb.CreateOptOutRequest, context: Context) -> pb.CreateOptOutResponse:
        violations = list(_violations(request))
        if violations:
            raise InvalidInput(violations)
        number = number_of(request.msisdn)
        async with self.work() as work:
            opt_out = await record_opt_out(request.customer_id, number, request.source, work=work, now=self.clock.now())
        async with self.work() as work:
            cancelled = await withdraw_pushes(opt_out, work=work)
        log.info("opt_out_taken", source=request.source, cancelled=cancelled)
        return pb.CreateOptOutResponse(opt_out=opt_out_message(opt_out))

    async def CheckContact(self, request: pb.CheckContactRequest, context: Context) -> pb.CheckContactResponse:
        caller = current_caller()
        candidate = candidate_of(request)
        if not caller.sees(candidate.city):
            raise Denied(f"this customer is outside the cities of {caller.principal}")
        now = self.clock.now()
        async with self.reading() as reading:
            verdicts = await check_contact(candidate, reading=reading, rules=self.rules, now=now)
        return checked_message(verdicts, now)

    async def ListContactEvents(
        self, request: pb.ListContactEventsRequest, context: Context
    ) -> pb.ListContactEventsResponse:
        caller = require(Role.SERVICE, Role.OPERATIONS)
        if caller.cities is not None:
            raise Denied(f"events are of all cities; {caller.principal} sees only some")
        limit = page_size(request.page_size, default=500, maximum=5000)
        async with self.reading() as reading:
            page = await reading.contacts.events(cursor=request.cursor, limit=limit)
        return pb.ListContactEventsResponse(
            events=[event_message(event) for event in page.events], next_cursor=page.cursor
        )

    def _since(self, request: pb.ListContactsRequest) -> datetime:
        if not request.HasField("since_time"):
            return self._three_months_ago()
        since = instant_of(request.since_time)
        if since is None:
            raise InvalidInput.of("since_time", "expected a time from the year 1 to 9999")
        return since

    def _three_months_ago(self) -> datetime:
        return self.clock.now() - _THREE_MONTHS


def _place(reserve_time: Key, contact_id: Key) -> ContactPlace:
    return ContactPlace(instant_key(reserve_time), number_key(contact_id))


def _said(request: pb.RecordContactRequest) -> DeskContact:
    return DeskContact(
        request_id=request_id_of(request.request_id),
        customer_id=request.customer_id,
        owner_id=request.owner_id,
        msisdn=number_of(request.msisdn),
        city=request.city,
        policy=request.policy,
        answer=_ANSWERS[request.answer],
        at=instant_of(request.contact_time) if request.HasField("contact_time") else None,
    )


def _desk_violations(request: pb.RecordContactRequest, now: datetime) -> Iterator[Violation]:
    yield from uuid_violations(request.request_id, required=True)
    texts = {
        "customer_id": (request.customer_id, "the customer"),
        "owner_id": (request.owner_id, "the person behind the line, whose cap it counts against"),
        "city": (request.city, "the customer's city"),
        "policy": (request.policy, "the policy that was offered"),
    }
    yield from (Violation(field, f"expected {what}") for field, (text, what) in texts.items() if not text)
    if request.answer not in _ANSWERS:
        yield Violation("answer", f"expected one of {', '.join(_ANSWER_NAMES.values())}")
    if request.HasField("contact_time"):
        at = instant_of(request.contact_time)
        if at is None or not now - _LATEST_TOLD <= at <= now:
            yield Violation("contact_time", f"expected a time of the last {_LATEST_TOLD.days} days")
    yield from _number_violations(request.msisdn)


def _violations(request: pb.CreateOptOutRequest) -> Iterator[Violation]:
    yield from uuid_violations(request.request_id, required=False)
    if not request.customer_id:
        yield Violation("customer_id", "expected the customer")
    if not request.source:
        yield Violation("source", 'expected where it came from, such as "desk"')
    yield from _number_violations(request.msisdn)


def _number_violations(msisdn: str) -> Iterator[Violation]:
    try:
        number_of(msisdn)
    except InvalidInput as wrong:
        yield from wrong.violations
