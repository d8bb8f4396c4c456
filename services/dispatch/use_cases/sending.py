"""What a sender decides: which messages a claim still has, and what the gateway's verdicts make of pushes and contacts."""

from collections.abc import Collection, Sequence
from datetime import datetime

from services.dispatch.domain.pushes import ContactEvent, ContactState, EventKind, Outcome, PushId, PushState
from services.dispatch.ports.channels import SendResult, Verdict
from services.dispatch.ports.store import ContactRef, Work


async def still_to_write(claim: str, *, work: Work) -> frozenset[PushId]:
    """Lock the claim's pushes, withdraw those whose customers opted out meanwhile, and return the others."""
    claimed = await work.claims.lock(claim)
    if not claimed:
        return claimed
    refused = await work.claims.refused(claim)
    await work.claims.withdraw(refused)
    return claimed - refused


async def record_results(claim: str, outcomes: Sequence[Outcome], *, work: Work, now: datetime) -> None:
    """Settle the pushes of a claim and tell what is to be told."""
    told = {outcome.push_id: outcome.event for outcome in outcomes}
    settled = await work.claims.record(claim, outcomes)
    dead = {outcome.push_id: outcome.dead_address for outcome in outcomes if outcome.dead_address}
    if dead:
        await work.incoming.keep_dead(dead, now)
    await work.events.tell([event_of(kind, ref, now) for ref in settled if (kind := told[ref.push_id]) is not None])


async def bury_worker(worker_key: str, *, work: Work, now: datetime) -> int:
    """Settle what a dead worker left; return how many of its pushes may have left."""
    unknown = await work.claims.bury(worker_key)
    await work.events.tell([event_of(EventKind.INDETERMINATE, ref, now) for ref in unknown])
    return len(unknown)


def event_of(kind: EventKind, ref: ContactRef, now: datetime) -> ContactEvent:
    """Return the event that says so of a contact."""
    return ContactEvent(kind, now, ref.plan_id, ref.push_id, ref.customer_id, ref.traceparent)


def outcomes_of(results: Sequence[SendResult], written_at: datetime) -> list[Outcome]:
    """Return what the verdicts make of their pushes. One whose recipient needs a rest is held; if the plan ends before, it
    expires then."""
    return [_outcome(result, written_at) for result in results]


def all_unknown(pushes: Collection[PushId]) -> list[Outcome]:
    """Return the outcomes of pushes that were being written when the channel failed in an unforeseen way."""
    return [_unknown(push_id, "the channel broke while it was being sent: it may have left") for push_id in pushes]


def _outcome(result: SendResult, written_at: datetime) -> Outcome:
    push_id = PushId(int(result.push_id))
    match result.verdict:
        case Verdict.SENT:
            return Outcome(
                push_id,
                PushState.SENT,
                ContactState.SENT,
                result.detail,
                EventKind.SENT,
                sent_at=written_at,
                message_ids=result.gateway_message_ids,
            )
        case Verdict.INDETERMINATE:
            return _unknown(push_id, result.detail, result.gateway_message_ids)
        case Verdict.THROTTLED if result.again_after is not None:
            again = written_at + result.again_after
            return Outcome(push_id, PushState.HELD, ContactState.RELEASED, result.detail, hold_until=again)
        case Verdict.THROTTLED | Verdict.NOT_WRITTEN:
            return Outcome(push_id, PushState.PLANNED, ContactState.RELEASED, "")
        case Verdict.REJECTED if result.configuration_fault:
            return Outcome(push_id, PushState.PLANNED, ContactState.RELEASED, result.detail)
        case Verdict.REJECTED | Verdict.REJECTED_RECIPIENT:
            return Outcome(
                push_id, PushState.FAILED, ContactState.RELEASED, result.detail, dead_address=result.dead_address
            )


def _unknown(push_id: PushId, detail: str, message_ids: tuple[str, ...] = ()) -> Outcome:
    return Outcome(
        push_id,
        PushState.INDETERMINATE,
        ContactState.INDETERMINATE,
        detail,
        EventKind.INDETERMINATE,
        message_ids=message_ids,
    )
