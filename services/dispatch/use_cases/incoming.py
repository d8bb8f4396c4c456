"""Receipts and replies: kept once, matched with the contact that they are about, told."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.dispatch.domain.messages import is_opt_out, normalised
from services.dispatch.domain.pushes import Answer, Delivery, EventKind, OptOut, PushId
from services.dispatch.ports.channels import Receipt, Reply
from services.dispatch.ports.store import AnsweredContact, ContactRef, ReceiptKeeper, Work, WorkOpener
from services.dispatch.use_cases.opt_outs import record_opt_out
from services.dispatch.use_cases.sending import event_of

_MATCHED_AT_ONCE = 500
_FEW = 4
"""Up to so many receipts that come together are matched as they come; more are left to the next round of housekeeping, which
matches hundreds for the price of these: during a blast, receipts would otherwise take as long as the sending."""
_REPLY_WINDOW = timedelta(days=30)
"""A reply is about the latest message of so many days; an older one is forgotten."""

_TOLD = {Delivery.DELIVERED: EventKind.DELIVERED, Delivery.UNDELIVERED: EventKind.UNDELIVERED}


async def keep_and_match(
    receipts: Sequence[Receipt], *, keeper: ReceiptKeeper, open_work: WorkOpener, now: datetime
) -> None:
    """Keep receipts as `take_receipts` does, in one statement where nothing else is to be kept with them."""
    if any(receipt.dead_push for receipt in receipts):
        async with open_work() as work:
            await take_receipts(receipts, work=work, now=now)
        return
    await keeper.keep(receipts, now)
    if len(receipts) <= _FEW:
        async with open_work() as work:
            await match_receipts(work=work, now=now)


async def take_receipts(receipts: Sequence[Receipt], *, work: Work, now: datetime) -> None:
    """Keep receipts; match at once if they are few."""
    dead = {PushId(int(receipt.dead_push)): receipt.status for receipt in receipts if receipt.dead_push}
    if dead:
        await work.incoming.keep_dead(dead, now)
    await work.incoming.keep_receipts(receipts, now)
    if len(receipts) <= _FEW:
        await match_receipts(work=work, now=now)


async def match_receipts(*, work: Work, now: datetime) -> int:
    """Match kept receipts with contacts, some hundreds at most; return how many contacts they changed."""
    settled, delivered = await work.incoming.match_receipts(now, limit=_MATCHED_AT_ONCE)
    await _tell(settled, delivered, work=work, now=now)
    return len(settled) + len(delivered)


async def settle_by_number(*, work: Work, now: datetime) -> int:
    """Settle indeterminate contacts by receipts of unknown messages to the same number; return how many."""
    settled, delivered = await work.incoming.settle_by_number(now, limit=_MATCHED_AT_ONCE)
    await _tell(settled, delivered, work=work, now=now)
    return len(settled)


async def take_reply(reply: Reply, *, work: Work, now: datetime) -> OptOut | None:
    """Understand a customer's message; return the opt-out that it is, whose pushes the caller then withdraws.

    A message that comes again is not taken twice, but its opt-out is returned again: the first withdrawal may not have ended.
    """
    found = await _answered(reply, work=work, now=now)
    contact, keyword = (found.contact, found.keyword) if found else (None, "")
    if is_opt_out(reply.text):
        return await _opt_out(reply, contact, work=work, now=now)
    if contact is not None and keyword and normalised(reply.text) == normalised(keyword):
        if await work.incoming.keep_reply(reply, "accepted", contact, now):
            await _answer(contact, Answer.ACCEPTED, EventKind.ACCEPTED, work=work, now=now)
        return None
    await work.incoming.keep_reply(reply, "unmatched", contact, now)
    return None


async def take_refusal(push_id: PushId, source: str, *, work: Work, now: datetime) -> OptOut | None:
    """Record that the customer of a push wants no more; return the opt-out, whose pushes the caller then withdraws, or None
    if there is no such push, or nobody got it. Their number may be another's by now: it has no part in it."""
    refused = await work.incoming.contact_of_push(push_id)
    if refused is None:
        return None
    await work.incoming.answer(refused.contact.contact_id, Answer.OPTED_OUT, now)
    return await record_opt_out(refused.contact.customer_id, "", source, work=work, now=now, contact=refused.contact)


async def _answered(reply: Reply, *, work: Work, now: datetime) -> AnsweredContact | None:
    """Return the contact that a message answers: the one it names, or else the latest by SMS of its number."""
    if reply.push_id:
        return await work.incoming.contact_of_push(PushId(int(reply.push_id)))
    return await work.incoming.latest_contact(reply.msisdn, now - _REPLY_WINDOW)


async def _opt_out(reply: Reply, contact: ContactRef | None, *, work: Work, now: datetime) -> OptOut:
    customer_id = contact.customer_id if contact else ""
    if await work.incoming.keep_reply(reply, "opt_out", contact, now) and contact is not None:
        await work.incoming.answer(contact.contact_id, Answer.OPTED_OUT, now)
    return await record_opt_out(customer_id, reply.msisdn, reply.source, work=work, now=now, contact=contact)


async def _tell(
    settled: Sequence[ContactRef], delivered: Sequence[tuple[ContactRef, Delivery]], *, work: Work, now: datetime
) -> None:
    await work.events.tell([event_of(EventKind.SENT, ref, now) for ref in settled])
    await work.events.tell([event_of(_TOLD[delivery], ref, now) for ref, delivery in delivered])


async def _answer(contact: ContactRef, answer: Answer, kind: EventKind, *, work: Work, now: datetime) -> None:
    if await work.incoming.answer(contact.contact_id, answer, now):
        await work.events.tell([event_of(kind, contact, now)])
