"""What is said at the desk: it happened, so it is recorded whatever the rules say, and counts for all that follows."""

from datetime import datetime

from services.dispatch.domain.plans import Channel
from services.dispatch.domain.pushes import Answer, Contact, ContactEvent, DeskContact, EventKind, OptOut
from services.dispatch.ports.store import Work


async def record_desk_contact(
    said: DeskContact, *, work: Work, traceparent: str, now: datetime
) -> tuple[Contact, OptOut | None]:
    """Enter a contact and its answer in the ledger and tell of them, once for each request; an opt-out comes with them.

    Whoever gets an opt-out withdraws what has not left after the commit. Raises AlreadyExists.
    """
    contact, is_new = await work.desk.record(said, traceparent=traceparent, now=now)
    opt_out = None
    if said.answer is Answer.OPTED_OUT:
        opt_out, _ = await work.opt_outs.record(said.customer_id, said.msisdn, "desk", contact.reserve_time)
    if is_new:
        kinds = (EventKind.SENT, EventKind(said.answer.value))
        await work.events.tell([_event(kind, contact) for kind in kinds])
    return contact, opt_out


def _event(kind: EventKind, contact: Contact) -> ContactEvent:
    return ContactEvent(
        kind,
        contact.reserve_time,
        customer_id=contact.customer_id,
        traceparent=contact.traceparent,
        policy=contact.policy,
        channel=Channel.DESK,
    )
