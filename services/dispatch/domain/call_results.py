"""What the end of a call makes of its push and its contact (protocols.md §4.3: which results are tried again, and when)."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import assert_never

from services.dispatch.domain.calls import MAX_CALL_BACKS, BusinessResult, Call, Report, SystemResult, max_attempts
from services.dispatch.domain.pushes import ContactState, EventKind, Outcome, PushState
from services.dispatch.domain.rules import Hours
from shared.clock import LEGAL_ZONE

_BUSY_PAUSE = timedelta(minutes=15)
_OTHER_TIME_OF_DAY = timedelta(hours=4)
_REJECTED_AT_MOST = 2

_NEVER_AGAIN = {
    SystemResult.INVALID_NUMBER: "the number does not exist",
    SystemResult.FAX: "a fax answered",
    SystemResult.BLOCKED: "the platform's own lists or hours forbid it",
}
_AGAIN = {
    SystemResult.BUSY: "busy",
    SystemResult.NO_ANSWER: "no answer",
    SystemResult.SUBSCRIBER_ABSENT: "switched off or out of coverage",
    SystemResult.ANSWERING_MACHINE: "a machine answered",
    SystemResult.REJECTED: "rejected",
    SystemResult.CONGESTION: "the network had no line",
    SystemResult.ABANDONED: "answered, but no agent was free",
    SystemResult.ERROR: "the platform failed",
}
_ANSWERED = {
    BusinessResult.WRONG_PARTY: "answered by somebody else",
    BusinessResult.WRONG_NUMBER: "answered by somebody whose number it is now",
    BusinessResult.LANGUAGE: "answered, without a common language",
    BusinessResult.COMPLAINT: "answered, with a complaint",
}
_NEVER_CALLED_BACK = {PushState.CANCELLED, PushState.SUPPRESSED}
"""Who said so too late: the push was withdrawn meanwhile."""
UNKNOWN = "dialled, but no result came: it may have been answered"
_TALKED = "talked to, and agreed to be called back; the call-back: "


def is_counted(report: Report) -> bool:
    """Whether a call counts as an attempt: not where the network had no line for it."""
    return report.system_result is not SystemResult.CONGESTION


def outcome_of(call: Call, report: Report, *, hours: Hours, now: datetime) -> Outcome:
    """Return what a result makes of push and contact; a call that nobody answered is no contact."""
    result = report.system_result
    if result is None:
        raise ValueError("a call that starts has no outcome yet")
    if result is SystemResult.ANSWERED:
        return _answered(call, report, hours=hours, now=now)
    if result in _NEVER_AGAIN:
        failed = Outcome(call.push_id, PushState.FAILED, ContactState.RELEASED, _NEVER_AGAIN[result])
        return as_talked_to(call, failed)
    return as_talked_to(call, _unanswered(call, result, hours=hours, now=now))


def lapsed(call: Call) -> Outcome:
    """Return what becomes of a call that was started, and of which nothing was heard."""
    return as_talked_to(call, Outcome(call.push_id, PushState.INDETERMINATE, ContactState.INDETERMINATE, UNKNOWN))


def as_talked_to(call: Call, outcome: Outcome) -> Outcome:
    """Whatever becomes of a call-back, the push reached its customer before: at its end it counts as sent."""
    open_again = {PushState.PLANNED, PushState.HELD}
    if not call.agreed or outcome.push in open_again:
        return outcome
    return replace(outcome, push=PushState.SENT, detail=f"{_TALKED}{outcome.detail}")


def _answered(call: Call, report: Report, *, hours: Hours, now: datetime) -> Outcome:
    at = min(now, call.not_after)  # a late report does not make the call later
    detail = _ANSWERED.get(report.business_result, "answered") if report.business_result else "answered"
    sent = Outcome(call.push_id, PushState.SENT, ContactState.SENT, detail, EventKind.SENT, sent_at=at)
    if report.call_back_at is None or call.push_state in _NEVER_CALLED_BACK:
        return sent
    due = hours.earliest(max(report.call_back_at, now))
    agreed = f"agreed to be called at {_local(report.call_back_at)}"
    if due >= call.plan_expire_time:
        return replace(sent, detail=f"answered; {agreed}, but the plan ends before")
    if call.call_backs >= MAX_CALL_BACKS:
        return replace(sent, detail=f"answered; {agreed}, but was called back {MAX_CALL_BACKS} times already")
    return replace(sent, push=PushState.HELD, detail=agreed, hold_until=due, call_back_at=report.call_back_at)


def _unanswered(call: Call, result: SystemResult, *, hours: Hours, now: datetime) -> Outcome:
    why, at = _AGAIN[result], _next_time(result, hours, now)
    if result is SystemResult.CONGESTION:
        return _waiting(call, why, at)
    return _again(call, why, at, at_most=_REJECTED_AT_MOST if result is SystemResult.REJECTED else None)


def _next_time(result: SystemResult, hours: Hours, now: datetime) -> datetime:
    match result:
        case SystemResult.BUSY | SystemResult.CONGESTION | SystemResult.ERROR:
            return now + _BUSY_PAUSE
        case SystemResult.NO_ANSWER | SystemResult.SUBSCRIBER_ABSENT | SystemResult.REJECTED:
            return hours.next_opening(now)
        case SystemResult.ANSWERING_MACHINE:
            return hours.earliest(now + _OTHER_TIME_OF_DAY)
        case SystemResult.ABANDONED:
            return hours.next_opening(_last_moment(now))
        case SystemResult.ANSWERED | SystemResult.INVALID_NUMBER | SystemResult.FAX | SystemResult.BLOCKED:
            raise ValueError(f"after {result} nobody is called again")
        case _:
            assert_never(result)


def _again(call: Call, why: str, at: datetime, *, at_most: int | None = None) -> Outcome:
    allowed = max_attempts(call.call_backs) if at_most is None else at_most + call.call_backs
    if call.attempt >= allowed:
        given_up = f"no answer after {call.attempt} attempts; the last: {why}"
        return Outcome(call.push_id, PushState.FAILED, ContactState.RELEASED, given_up)
    return _waiting(call, f"{why} at attempt {call.attempt} of {allowed}", at)


def _waiting(call: Call, detail: str, at: datetime) -> Outcome:
    if at >= call.plan_expire_time:
        over = f"{detail}; the plan ends before the next"
        return Outcome(call.push_id, PushState.EXPIRED, ContactState.RELEASED, over)
    return Outcome(call.push_id, PushState.HELD, ContactState.RELEASED, detail, hold_until=at)


def _last_moment(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(LEGAL_ZONE).date(), time.max, LEGAL_ZONE)


def _local(at: datetime) -> str:
    return f"{at.astimezone(LEGAL_ZONE):%Y-%m-%d %H:%M}"
