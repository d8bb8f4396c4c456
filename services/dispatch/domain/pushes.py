"""Pushes and contacts, the states they can be in, and what is told to others about them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from services.dispatch.domain.plans import Channel, PlanId

PushId = NewType("PushId", int)
ContactId = NewType("ContactId", int)


class PushState(StrEnum):
    """Disjoint; the balance counts each."""

    PLANNED = "planned"
    HELD = "held"
    CLAIMED = "claimed"
    LEASED = "leased"
    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class ContactState(StrEnum):
    """All but released count against the cap."""

    RESERVED = "reserved"
    SENT = "sent"
    INDETERMINATE = "indeterminate"
    RELEASED = "released"


class Delivery(StrEnum):
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


class Answer(StrEnum):
    ACCEPTED = "accepted"
    CONSIDERING = "considering"
    DECLINED = "declined"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True, slots=True)
class Push:
    """One planned contact as people see it."""

    push_id: PushId
    rank: int
    customer_id: str
    policy: str
    arm: str
    state: PushState
    detail: str
    hold_until: datetime | None


@dataclass(frozen=True, slots=True)
class Target:
    """A push that is picked to leave now, with all that the rules ask about.

    `call_back_at`: when the customer agreed to be called; None unless this is about a call-back. `call_backs` counts those.
    """

    push_id: PushId
    rank: int
    customer_id: str
    owner_id: str
    msisdn: str
    city: str
    arm: str
    policy: str
    reservations: int
    attempts: int
    call_back_at: datetime | None = None
    call_backs: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """One entry of the ledger."""

    contact_id: ContactId
    customer_id: str
    channel: Channel
    policy: str
    plan_id: PlanId
    state: ContactState
    reserve_time: datetime
    send_time: datetime | None
    delivery: Delivery | None
    answer: Answer | None
    answer_time: datetime | None
    traceparent: str


@dataclass(frozen=True, slots=True)
class DeskContact:
    """What a clerk offered somebody who was there, and the answer; `at` is None where that is now."""

    request_id: str
    customer_id: str
    owner_id: str
    msisdn: str
    city: str
    policy: str
    answer: Answer
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OptOut:
    """A customer's word that there be no more marketing, said first and last at these times, from one number.

    `customer_id` is empty while only the number is known, `msisdn` where it came by the customer's name.
    """

    opt_out_id: int
    customer_id: str
    msisdn: str
    source: str
    create_time: datetime
    latest_time: datetime


class EventKind(StrEnum):
    PLAN_STARTED = "plan_started"
    SENT = "sent"
    INDETERMINATE = "indeterminate"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    ACCEPTED = "accepted"
    CONSIDERING = "considering"
    DECLINED = "declined"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True, slots=True)
class ContactEvent:
    """What other services are told. Empty texts where a plan, push or customer has no part in it."""

    kind: EventKind
    time: datetime
    plan_id: str = ""
    push_id: PushId | None = None
    customer_id: str = ""
    traceparent: str = ""
    policy: str = ""
    channel: Channel | None = None
    """These two of contacts at the desk, which have no push that says them."""
    event_id: str = ""
    """Given when it is stored."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one push and its contact, to be recorded together; `event` is told where there is one.

    `sent_at` is for contacts that left, `message_ids` are the gateway's for all that it is known to have taken; `hold_until` for pushes that are held.
    """

    push_id: PushId
    push: PushState
    contact: ContactState
    detail: str
    event: EventKind | None = None
    sent_at: datetime | None = None
    message_ids: tuple[str, ...] = ()
    hold_until: datetime | None = None
    call_back_at: datetime | None = None
    """The time that the customer agreed to, where a call ended so."""
    dead_address: str = ""
    """The gateway's word where it has no such address."""
