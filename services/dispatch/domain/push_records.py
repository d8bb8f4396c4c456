"""What is kept about one push, for whoever asks why a customer got it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.dispatch.domain.calls import BusinessResult, CallId, CallPhase, SystemResult
from services.dispatch.domain.plans import Channel, Offer, PlanId
from services.dispatch.domain.pushes import Contact, Push
from shared.lake.dataset import Dataset


class ReplyMeaning(StrEnum):
    OPT_OUT = "opt_out"
    ACCEPTED = "accepted"
    UNMATCHED = "unmatched"
    """A person reads it."""


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """One word of a gateway on a message that it took."""

    message_id: str
    status: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A customer's message, as it was understood."""

    meaning: ReplyMeaning
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ContactEntry:
    """A contact of the push, with what gateway and customer said to it, in the order in which it came."""

    contact: Contact
    attempt: int
    account: str
    parts: int
    message_ids: Sequence[str]
    receipts: Sequence[KeptReceipt]
    replies: Sequence[KeptReply]


@dataclass(frozen=True, slots=True)
class CallEntry:
    """A call that was lent for the push. `due_at` is the time agreed before it, `call_back_at` that agreed in it."""

    call_id: CallId
    attempt: int
    phase: CallPhase
    leased_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    system_result: SystemResult | None
    business_result: BusinessResult | None
    due_at: datetime | None
    call_back_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlanOfPush:
    """The plan, as far as it says why and what; `offer` is that of the push's policy."""

    plan_id: PlanId
    display_name: str
    channel: Channel
    targets: Dataset
    created_at: datetime
    started_at: datetime | None
    offer: Offer


@dataclass(frozen=True, slots=True)
class PushRecord:
    """A push with all that is kept about it; contacts and calls from the first to the last."""

    push: Push
    plan: PlanOfPush
    msisdn: str
    city: str
    contacts: Sequence[ContactEntry]
    calls: Sequence[CallEntry]
    call_back_at: datetime | None
    call_backs: int
