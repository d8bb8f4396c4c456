"""What becomes of a call that was lent: its phases, its results, and what a result says about push and contact."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, assert_never

from services.dispatch.domain.plans import PlanId
from services.dispatch.domain.pushes import Answer, ContactId, ContactState, EventKind, Outcome, PushId, PushState
from services.dispatch.domain.rules import Hours

CallId = NewType("CallId", int)

MAX_ATTEMPTS = 3
BUSY_PAUSE = timedelta(minutes=15)


class CallPhase(StrEnum):
    """Leased and started are in a platform's hands; the other three are over."""

    LEASED = "leased"
    STARTED = "started"
    FINISHED = "finished"
    RETURNED = "returned"
    """The lease ended before the call was started, or leave to dial was refused."""
    LAPSED = "lapsed"
    """Started, and no result came: the customer may have been talked to."""


class SystemResult(StrEnum):
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    SUBSCRIBER_ABSENT = "subscriber_absent"
    INVALID_NUMBER = "invalid_number"


class BusinessResult(StrEnum):
    ACCEPTED = "accepted"
    CONSIDERING = "considering"
    NOT_INTERESTED = "not_interested"
    DO_NOT_CALL = "do_not_call"


ANSWERS = {
    BusinessResult.ACCEPTED: Answer.ACCEPTED,
    BusinessResult.CONSIDERING: Answer.CONSIDERING,
    BusinessResult.NOT_INTERESTED: Answer.DECLINED,
    BusinessResult.DO_NOT_CALL: Answer.OPTED_OUT,
}


@dataclass(frozen=True, slots=True)
class Report:
    """A platform's word on one call; without a system result it asks for leave to dial."""

    call_id: CallId | None
    system_result: SystemResult | None = None
    business_result: BusinessResult | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt, with where its push and its plan stand now."""

    call_id: CallId
    plan_id: PlanId
    push_id: PushId
    contact_id: ContactId
    customer_id: str
    msisdn: str
    city: str
    attempt: int
    not_after: datetime
    phase: CallPhase
    system_result: SystemResult | None
    business_result: BusinessResult | None
    push_state: PushState
    push_contact: ContactId | None
    plan_expire_time: datetime
    traceparent: str

    @property
    def holds_its_push(self) -> bool:
        """Whether no later attempt has taken the push over."""
        return self.push_contact == self.contact_id


@dataclass(frozen=True, slots=True)
class LentCall:
    """A call as the platform gets it."""

    call_id: CallId
    msisdn: str
    customer_id: str
    policy: str
    attempt: int
    not_after: datetime


class CallVerdict(StrEnum):
    TAKEN = "taken"
    DO_NOT_DIAL = "do_not_dial"
    CONFLICT = "conflict"
    UNKNOWN_CALL = "unknown_call"


@dataclass(frozen=True, slots=True)
class CallReceipt:
    verdict: CallVerdict
    detail: str = ""


def outcome_of(call: Call, result: SystemResult, *, hours: Hours, now: datetime) -> Outcome:
    """Return what the network's word makes of push and contact; a call that nobody answered is no contact."""
    match result:
        case SystemResult.ANSWERED:
            told = EventKind.SENT
            at = min(now, call.not_after)  # a late report does not make the call later
            return Outcome(call.push_id, PushState.SENT, ContactState.SENT, "answered", told, sent_at=at)
        case SystemResult.INVALID_NUMBER:
            return Outcome(call.push_id, PushState.FAILED, ContactState.RELEASED, "the number does not exist")
        case SystemResult.BUSY:
            return _again(call, "busy", now + BUSY_PAUSE)
        case SystemResult.NO_ANSWER:
            return _again(call, "no answer", hours.next_opening(now))
        case SystemResult.SUBSCRIBER_ABSENT:
            return _again(call, "switched off or out of coverage", hours.next_opening(now))
        case _:
            assert_never(result)


def _again(call: Call, why: str, at: datetime) -> Outcome:
    if call.attempt >= MAX_ATTEMPTS:
        given_up = f"no answer after {call.attempt} attempts; the last: {why}"
        return Outcome(call.push_id, PushState.FAILED, ContactState.RELEASED, given_up)
    detail = f"{why} at attempt {call.attempt} of {MAX_ATTEMPTS}"
    if at >= call.plan_expire_time:
        return Outcome(
            call.push_id, PushState.EXPIRED, ContactState.RELEASED, f"{detail}; the plan ends before the next"
        )
    return Outcome(call.push_id, PushState.HELD, ContactState.RELEASED, detail, hold_until=at)
