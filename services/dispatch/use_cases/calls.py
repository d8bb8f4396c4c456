"""Taking what platforms report of the calls that they leased."""

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog

from services.dispatch.domain.call_results import as_talked_to, is_counted, lapsed, outcome_of
from services.dispatch.domain.calls import (
    ANSWERS,
    OPT_OUT_SOURCES,
    BusinessResult,
    Call,
    CallId,
    CallPhase,
    CallReceipt,
    CallVerdict,
    Report,
    SystemResult,
)
from services.dispatch.domain.plans import Channel
from services.dispatch.domain.pushes import ContactState, EventKind, Outcome, PushId, PushState
from services.dispatch.domain.rules import ContactRules
from services.dispatch.ports.store import ContactRef, Work
from services.dispatch.use_cases.opt_outs import record_opt_out
from services.dispatch.use_cases.sending import event_of

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_TAKEN = CallReceipt(CallVerdict.TAKEN)
_OVER = {
    CallPhase.FINISHED: "its result was reported before",
    CallPhase.RETURNED: "the lease has ended or the call was withdrawn",
    CallPhase.LAPSED: "it was started long ago, without a result",
}


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
        if report.business_result in OPT_OUT_SOURCES:
            refused = await work.calls.refused(call_ids)
    return receipts


async def expire_call(call: Call, *, work: Work, now: datetime) -> None:
    """End a locked call whose time is over: not started, it goes back; started, it may have happened."""
    if call.phase is CallPhase.LEASED and call.not_after <= now:
        await _return(call, PushState.PLANNED, "", work=work, now=now)
    elif call.phase is CallPhase.STARTED:
        outcome = lapsed(call)
        await work.calls.end(call.call_id, CallPhase.LAPSED, None, now)
        await work.calls.settle_contact(call, outcome)
        await work.calls.settle_push(call, outcome, attempts=1)
        await work.events.tell([event_of(EventKind.INDETERMINATE, ref_of(call), now)])


def ref_of(call: Call) -> ContactRef:
    """Return the contact of a call."""
    return ContactRef(call.contact_id, call.plan_id, call.push_id, call.customer_id, call.traceparent)


async def _report(
    report: Report, call: Call | None, *, refused: Collection[CallId], work: Work, rules: ContactRules, now: datetime
) -> CallReceipt:
    if call is None:
        return CallReceipt(CallVerdict.UNKNOWN_CALL, "no such call; report the name that was leased")
    if report.system_result is None:
        return await _start(call, refused=call.call_id in refused, work=work, now=now)
    return await _finish(call, report, work=work, rules=rules, now=now)


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
    outcome = as_talked_to(call, Outcome(call.push_id, state, ContactState.RELEASED, detail))
    await work.calls.end(call.call_id, CallPhase.RETURNED, None, now)
    await work.calls.settle_contact(call, outcome)
    await work.calls.settle_push(call, outcome, attempts=0)


async def _finish(call: Call, report: Report, *, work: Work, rules: ContactRules, now: datetime) -> CallReceipt:
    if call.phase is CallPhase.FINISHED:
        if call.result == report.result:
            return _TAKEN
        return CallReceipt(CallVerdict.CONFLICT, "another result of this call was recorded before")
    if report.system_result is SystemResult.ERROR:
        log.error("call_platform_failed", plan=call.plan_id, call=call.call_id)
    outcome = outcome_of(call, report, hours=rules.hours[Channel.CALL], now=now)
    await work.calls.end(call.call_id, CallPhase.FINISHED, report, now)
    await work.calls.settle_contact(call, outcome)
    if await _push_follows(call, outcome, work=work):
        counted = is_counted(report) and call.phase is not CallPhase.LAPSED
        await work.calls.settle_push(call, outcome, attempts=1 if counted else 0)
    if outcome.event is not None:
        await work.events.tell([event_of(outcome.event, ref_of(call), now)])
    if report.business_result is not None:
        await _answer(call, report.business_result, work=work, now=now)
    return _TAKEN


async def _answer(call: Call, business_result: BusinessResult, *, work: Work, now: datetime) -> None:
    answer = ANSWERS.get(business_result)
    if answer is None:
        return
    await work.incoming.answer(call.contact_id, answer, now)
    if (source := OPT_OUT_SOURCES.get(business_result)) is not None:
        await record_opt_out(call.customer_id, call.msisdn, source, work=work, now=now, contact=ref_of(call))
    else:
        await work.events.tell([event_of(EventKind(answer.value), ref_of(call), now)])


async def _push_follows(call: Call, outcome: Outcome, *, work: Work) -> bool:
    """Whether the push goes where a result, perhaps a late one, says; not if a later attempt has it, or it has been settled."""
    in_time = call.phase in {CallPhase.LEASED, CallPhase.STARTED, CallPhase.LAPSED}
    if in_time:
        return True
    talked = outcome.contact is ContactState.SENT
    if talked and call.push_state is PushState.LEASED:
        return await work.calls.take_back(call.push_id)
    waits = call.push_state in {PushState.PLANNED, PushState.HELD}
    if talked:
        return waits or call.push_state in {PushState.EXPIRED, PushState.CANCELLED, PushState.SUPPRESSED}
    return waits and outcome.push is PushState.FAILED and call.push_contact == call.contact_id
