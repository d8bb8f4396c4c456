"""PAP's documents as values (WAP-247, chapter 9). Times are aware; empty text and None are absent attributes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Priority(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class DeliveryMethod(StrEnum):
    CONFIRMED = "confirmed"
    PREFER_CONFIRMED = "preferconfirmed"
    UNCONFIRMED = "unconfirmed"
    NOT_SPECIFIED = "notspecified"


class ReplaceMethod(StrEnum):
    PENDING_ONLY = "pending-only"
    ALL = "all"


class MessageState(StrEnum):
    """What became of a push. `is_final` states are the last that a gateway tells of."""

    REJECTED = "rejected"
    PENDING = "pending"
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"
    EXPIRED = "expired"
    ABORTED = "aborted"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        return self not in {MessageState.PENDING, MessageState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class QualityOfService:
    priority: Priority = Priority.MEDIUM
    delivery_method: DeliveryMethod = DeliveryMethod.NOT_SPECIFIED
    network: str = ""
    network_required: bool = False
    bearer: str = ""
    bearer_required: bool = False


@dataclass(frozen=True, slots=True)
class PushMessage:
    """Bring the content that comes with this to `addresses`, not before and not after. `push_id` is ours, and the same
    when a push is tried again. At `notify_requested_to` the gateway tells what became of it."""

    push_id: str
    addresses: tuple[str, ...]
    deliver_before_timestamp: datetime | None = None
    deliver_after_timestamp: datetime | None = None
    source_reference: str = ""
    progress_notes_requested: bool = False
    ppg_notify_requested_to: str = ""
    replace_push_id: str = ""
    replace_method: ReplaceMethod | None = None
    quality: QualityOfService | None = None


@dataclass(frozen=True, slots=True)
class ProgressNote:
    stage: str
    note: str = ""
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class PushResponse:
    """Whether the gateway took a push. The HTTP status says nothing about it."""

    push_id: str
    code: int
    desc: str = ""
    sender_address: str = ""
    sender_name: str = ""
    reply_time: datetime | None = None
    progress: tuple[ProgressNote, ...] = ()


@dataclass(frozen=True, slots=True)
class ResultNotification:
    """What became of a push to one address. It comes again until it is answered with a ResultNotificationResponse."""

    push_id: str
    address: str
    message_state: MessageState
    code: int
    desc: str = ""
    sender_address: str = ""
    sender_name: str = ""
    received_time: datetime | None = None
    event_time: datetime | None = None
    quality: QualityOfService | None = None


@dataclass(frozen=True, slots=True)
class ResultNotificationResponse:
    push_id: str
    address: str
    code: int
    desc: str = ""


@dataclass(frozen=True, slots=True)
class CancelMessage:
    """Do not deliver what has not been delivered: to `addresses`, or to all of the push."""

    push_id: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelResult:
    code: int
    desc: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelResponse:
    push_id: str
    results: tuple[CancelResult, ...]


@dataclass(frozen=True, slots=True)
class BadMessageResponse:
    """The gateway could not read what it was sent; it may not even know of which push."""

    code: int
    desc: str = ""
    bad_message_fragment: str = ""


PapMessage = (
    PushMessage
    | PushResponse
    | ResultNotification
    | ResultNotificationResponse
    | CancelMessage
    | CancelResponse
    | BadMessageResponse
)
