"""A call that was lent: its phases, what platforms report of it, and the lease that it is part of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, TypeAlias

from services.dispatch.domain.plans import Channel, PlanId
from services.dispatch.domain.pushes import Answer, ContactId, PushId, PushState

CallId = NewType("CallId", int)

LONGEST_LEASE = timedelta(hours=4)
"""However often it is renewed: who needs calls for longer leases others."""

_UNANSWERED_AT_MOST = 3
MAX_CALL_BACKS = 3


def max_attempts(call_backs: int) -> int:
    """Return how often a customer may be dialled in one plan; each call-back that was agreed allows one more."""
    return _UNANSWERED_AT_MOST + call_backs


class CallPhase(StrEnum):
    """Leased and started are in a platform's hands; the other three are over."""

    LEASED = "leased"
    STARTED = "started"
    FINISHED = "finished"
    RETURNED = "returned"
    """The lease ended or was released before the call was started, or leave to dial was refused."""
    LAPSED = "lapsed"
    """Started, and no result came: the customer may have been talked to."""


class SystemResult(StrEnum):
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    SUBSCRIBER_ABSENT = "subscriber_absent"
    INVALID_NUMBER = "invalid_number"
    ANSWERING_MACHINE = "answering_machine"
    FAX = "fax"
    REJECTED = "rejected"
    CONGESTION = "congestion"
    ABANDONED = "abandoned"
    """Answered, but there was no agent to talk."""
    BLOCKED = "blocked"
    """By the platform's own lists or hours."""
    ERROR = "error"


class BusinessResult(StrEnum):
    ACCEPTED = "accepted"
    CONSIDERING = "considering"
    NOT_INTERESTED = "not_interested"
    DO_NOT_CALL = "do_not_call"
    CALL_BACK = "call_back"
    WRONG_PARTY = "wrong_party"
    WRONG_NUMBER = "wrong_number"
    COMPLAINT = "complaint"
    LANGUAGE = "language"
    OTHER = "other"


ANSWERS = {
    BusinessResult.ACCEPTED: Answer.ACCEPTED,
    BusinessResult.CONSIDERING: Answer.CONSIDERING,
    BusinessResult.CALL_BACK: Answer.CONSIDERING,
    BusinessResult.NOT_INTERESTED: Answer.DECLINED,
    BusinessResult.DO_NOT_CALL: Answer.OPTED_OUT,
    BusinessResult.COMPLAINT: Answer.OPTED_OUT,
}
"""The others say nothing of what the customer wants."""

OPT_OUT_SOURCES = {BusinessResult.DO_NOT_CALL: "call", BusinessResult.COMPLAINT: "complaint"}
"""The results that are an opt-out from everything, and where it is said to come from."""


@dataclass(frozen=True, slots=True)
class Report:
    """A platform's word on one call; without a system result it asks for leave to dial. `call_back_at` comes with CALL_BACK."""

    call_id: CallId | None
    system_result: SystemResult | None = None
    business_result: BusinessResult | None = None
    call_back_at: datetime | None = None

    @property
    def result(self) -> "Result":
        return (self.system_result, self.business_result, self.call_back_at)


Result: TypeAlias = tuple[SystemResult | None, BusinessResult | None, datetime | None]
"""What was said at the end of a call: by the network, by the customer, and for when."""


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt, with where its push and its plan stand now.

    `agreed` says that it is a call-back: the customer was talked to before. `call_backs` counts those of the push so far.
    """

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
    result: Result
    agreed: bool
    call_backs: int
    push_state: PushState
    push_contact: ContactId | None
    plan_expire_time: datetime
    traceparent: str

    @property
    def holds_its_push(self) -> bool:
        """Whether no later attempt has taken the push over."""
        return self.push_contact == self.contact_id


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """What a customer once answered to an offer."""

    policy: str
    channel: Channel
    answer: Answer
    at: datetime


@dataclass(frozen=True, slots=True)
class LentCall:
    """A call as the platform gets it, with what its agent should know of the customer."""

    call_id: CallId
    msisdn: str
    customer_id: str
    city: str
    policy: str
    attempt: int
    max_attempts: int
    not_after: datetime
    call_back_at: datetime | None
    earlier_answers: tuple[EarlierAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """What a platform asked for, and until when it has it. `principal` is empty where it was lent before that was noted."""

    request_id: str
    plan_id: PlanId
    principal: str
    max_calls: int
    duration: timedelta
    lease_time: datetime
    end_time: datetime
    renewal: str = ""
    """The request that renewed it last."""

    def lasts(self, now: datetime) -> bool:
        return now < self.end_time

    def renewed(self, duration: timedelta, now: datetime) -> datetime:
        """Return when it ends if it is kept for so long from now: not sooner than it would, nor later than leases may."""
        return max(self.end_time, min(now + duration, self.lease_time + LONGEST_LEASE))


class CallVerdict(StrEnum):
    TAKEN = "taken"
    DO_NOT_DIAL = "do_not_dial"
    CONFLICT = "conflict"
    UNKNOWN_CALL = "unknown_call"


@dataclass(frozen=True, slots=True)
class CallReceipt:
    verdict: CallVerdict
    detail: str = ""
