"""Lending calls, and taking what platforms report of them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from services.dispatch.domain.calls import (
    ANSWERS,
    BusinessResult,
    Call,
    CallId,
    CallPhase,
    CallReceipt,
    CallVerdict,
    LentCall,
    Report,
    SystemResult,
    outcome_of,
)
from services.dispatch.domain.plans import PLAN_KIND, Channel, Plan, PlanState
from services.dispatch.domain.pushes import ContactState, EventKind, Outcome, PushId, PushState
from services.dispatch.domain.rules import ContactRules
from services.dispatch.ports.store import ContactRef, Lease, Traces, Work
from services.dispatch.use_cases.admission import Destination, admit
from services.dispatch.use_cases.opt_outs import record_opt_out
from services.dispatch.use_cases.sending import event_of
from shared.errors import AlreadyExists, WrongState

_SPARE = 16
_HELD_AT_ONCE = 1000

_TAKEN = CallReceipt(CallVerdict.TAKEN)
_OVER = {
    CallPhase.FINISHED: "its result was reported before",
    CallPhase.RETURNED: "the lease has ended or the call was withdrawn",
    CallPhase.LAPSED: "it was started long ago, without a result",
}


async def lease_calls(
    asked: Lease, *, cities: Collection[str] | None, work: Work, traces: Traces, rules: ContactRules, now: datetime
) -> Sequence[LentCall]:
    """Lend up to `max_calls` calls that pass the gate now, best first. The same request returns the same lease while it lasts,
    and nothing after that. Raises NotFound, WrongState, AlreadyExists."""
    earlier = await work.calls.lease(asked.request_id)
    if earlier is not None:
        if (earlier.plan_id, earlier.max_calls, earlier.duration) != (asked.plan_id, asked.max_calls, asked.duration):
            raise AlreadyExists(f"lease {asked.request_id}")
        return await work.calls.lent(asked.request_id) if now < earlier.end_time else ()
    plan = await _lendable(asked, work=work)
    await work.ledger.release_held(plan.plan_id, now, limit=_HELD_AT_ONCE)
    spare = max(_SPARE, asked.max_calls // 2)
    destination = Destination(PushState.LEASED, claim=asked.request_id, account="", cities=cities, spare=spare)
    admission = await admit(plan, destination, limit=asked.max_calls, work=work, traces=traces, rules=rules, now=now)
    lent = [(one.target, one.contact_id, min(one.not_after, asked.end_time)) for one in admission.admitted]
    await work.calls.lend(asked, lent, now=now)
    for one in admission.admitted:
        one.trace.end(PushState.LEASED)
    return await work.calls.lent(asked.request_id)


async def report_calls(
    reports: Sequence[Report], *, cities: Collection[str] | None, work: Work, rules: ContactRules, now: datetime
) -> Sequence[CallReceipt]:
    """Take results in their order; idempotent per call and result. Opt-outs among them are recorded with them, and hold for
    the leaves to dial that are asked for behind them. A call outside `cities` is an unknown one."""
    call_ids = {report.call_id for report in reports if report.call_id is not None}
    locked = await work.calls.lock(call_ids)
    calls = {call_id: call for call_id, call in locked.items() if cities is None or call.city in cities}
    refused = await work.calls.refused(call_ids)
    touched: set[PushId] = set()
    receipts = []
    for report in reports:
        call = calls.get(report.call_id) if report.call_id is not None else None
        if call is not None and call.push_id in touched:
            call = (await work.calls.lock([call.call_id]))[call.call_id]
        receipts.append(await _report(report, call, refused=refused, work=work, rules=rules, now=now))
        touched |= {call.push_id} if call is not None else set()
        if report.business_result is BusinessResult.DO_NOT_CALL:
            refused = await work.calls.refused(call_ids)
    return receipts


async def expire_call(call: Call, *, work: Work, now: datetime) -> None:
    """End a locked call whose time is over: not started, it goes back; started, it may have happened."""
    if call.phase is CallPhase.LEASED and call.not_after <= now:
        await _return(call, PushState.PLANNED, "", work=work, now=now)
    elif call.phase is CallPhase.STARTED:
        unknown = "dialled, but no result came: it may have been answered"
        outcome = Outcome(call.push_id, PushState.INDETERMINATE, ContactState.INDETERMINATE, unknown)
        await work.calls.end(call.call_id, CallPhase.LAPSED, None, now)
        await work.calls.settle_contact(call, outcome)
        await work.calls.settle_push(call, outcome, attempts=1)
        await work.events.tell([event_of(EventKind.INDETERMINATE, ref_of(call), now)])


def ref_of(call: Call) -> ContactRef:
    """Return the contact of a call."""
    return ContactRef(call.contact_id, call.plan_id, call.push_id, call.customer_id, call.traceparent)


async def _lendable(asked: Lease, *, work: Work) -> Plan:
    plan = await work.plans.get(asked.plan_id)
    name = f"{PLAN_KIND}/{asked.plan_id}"
    if plan.request.channel is not Channel.CALL:
        raise WrongState(f"{name} is no call plan: it goes by {plan.request.channel}", subject=name)
    if plan.state is not PlanState.STARTED:
        raise WrongState(f"{name} is {plan.state}; a person must start it first", subject=name)
    return plan


async def _report(
    report: Report, call: Call | None, *, refused: Collection[CallId], work: Work, rules: ContactRules, now: datetime
) -> CallReceipt:
    if call is None:
        return CallReceipt(CallVerdict.UNKNOWN_CALL, "no such call; report the name that was leased")
    if report.system_result is None:
        return await _start(call, refused=call.call_id in refused, work=work, now=now)
    return await _finish(call, report, report.system_result, work=work, rules=rules, now=now)


async def _start(call: Call, *, refused: bool, work: Work, now: datetime) -> CallReceipt:
    if call.phase not in {CallPhase.LEASED, CallPhase.STARTED}:
        return CallReceipt(CallVerdict.DO_NOT_DIAL, _OVER[call.phase])
    if refused or now >= call.not_after:
        why = "the customer has opted out" if refused else "its time is over"
        if call.phase is CallPhase.LEASED:
            state = PushState.CANCELLED if refused else PushState.PLANNED
            await _return(call, state, "opted out" if refused else "", work=work, now=now)
        return CallReceipt(CallVerdict.DO_NOT_DIAL, why)
    if call.phase is CallPhase.LEASED:
        await work.calls.start(call.call_id, now)
    return _TAKEN


async def _return(call: Call, state: PushState, detail: str, *, work: Work, now: datetime) -> None:
    outcome = Outcome(call.push_id, state, ContactState.RELEASED, detail)
    await work.calls.end(call.call_id, CallPhase.RETURNED, None, now)
    await work.calls.settle_contact(call, outcome)
    await work.calls.settle_push(call, outcome, attempts=0)


async def _finish(
    call: Call, report: Report, result: SystemResult, *, work: Work, rules: ContactRules, now: datetime
) -> CallReceipt:
    if call.phase is CallPhase.FINISHED:
        if (call.system_result, call.business_result) == (result, report.business_result):
            return _TAKEN
        return CallReceipt(CallVerdict.CONFLICT, "another result of this call was recorded before")
    outcome = outcome_of(call, result, hours=rules.hours[Channel.CALL], now=now)
    await work.calls.end(call.call_id, CallPhase.FINISHED, report, now)
    await work.calls.settle_contact(call, outcome)
    if await _push_follows(call, outcome, work=work):
        await work.calls.settle_push(call, outcome, attempts=0 if call.phase is CallPhase.LAPSED else 1)
    if outcome.event is not None:
        await work.events.tell([event_of(outcome.event, ref_of(call), now)])
    if report.business_result is not None:
        await _answer(call, report.business_result, work=work, now=now)
    return _TAKEN


async def _answer(call: Call, business_result: BusinessResult, *, work: Work, now: datetime) -> None:
    answer = ANSWERS[business_result]
    await work.incoming.answer(call.contact_id, answer, now)
    if business_result is BusinessResult.DO_NOT_CALL:
        await record_opt_out(call.customer_id, call.msisdn, "call", work=work, now=now, contact=ref_of(call))
    else:
        await work.events.tell([event_of(EventKind(answer.value), ref_of(call), now)])


async def _push_follows(call: Call, outcome: Outcome, *, work: Work) -> bool:
    """Whether the push goes where a result, perhaps a late one, says; not if a later attempt has it, or it has been settled."""
    in_time = call.phase in {CallPhase.LEASED, CallPhase.STARTED, CallPhase.LAPSED}
    if in_time:
        return True
    if outcome.push is PushState.SENT and call.push_state is PushState.LEASED:
        return await work.calls.take_back(call.push_id)
    waits = call.push_state in {PushState.PLANNED, PushState.HELD}
    if outcome.push is PushState.SENT:
        return waits or call.push_state in {PushState.EXPIRED, PushState.CANCELLED, PushState.SUPPRESSED}
    return waits and outcome.push is PushState.FAILED and call.push_contact == call.contact_id
