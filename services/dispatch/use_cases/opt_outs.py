"""Opt-outs: recorded first, so that no claim passes the gate any more; then what has not left is withdrawn.

Two transactions, in this order: between them a claim may still be written, and the second one waits for it. Only then is the
opt-out acknowledged. Repeating either changes nothing (ADR 0006).
"""

from datetime import datetime

from services.dispatch.domain.pushes import ContactEvent, EventKind, OptOut
from services.dispatch.ports.store import ContactRef, Work


async def record_opt_out(
    customer_id: str, msisdn: str, source: str, *, work: Work, now: datetime, contact: ContactRef | None = None
) -> OptOut:
    """Store an opt-out and tell of it, once; `contact` is the one that it answers, where it does."""
    opt_out, is_new = await work.opt_outs.record(customer_id, msisdn, source, now)
    if is_new:
        event = ContactEvent(
            EventKind.OPTED_OUT,
            now,
            plan_id=contact.plan_id if contact else "",
            push_id=contact.push_id if contact else None,
            customer_id=customer_id,
            traceparent=contact.traceparent if contact else "",
        )
        await work.events.tell([event])
    return opt_out


async def withdraw_pushes(opt_out: OptOut, *, work: Work) -> int:
    """Cancel what has not left of an opt-out that is committed already; after the caller's commit nothing leaves any more."""
    return await work.opt_outs.withdraw_open(opt_out)
