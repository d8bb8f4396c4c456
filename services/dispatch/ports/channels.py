"""What dispatch needs of a gateway, and what a gateway brings back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from services.dispatch.domain.plans import Channel


@dataclass(frozen=True, slots=True)
class Message:
    """One rendered message: what to put on the wire, for whom, and the instant after which nobody may receive it.

    A text longer than one SMS leaves in parts, and still is one message. Channels that have them show the offer's title and
    link, too; both are empty where it has none. `plan_id` and `offer_ends` say which plan it is of, and when that ends. `attempt`
    counts from 1 how often this recipient was tried, without the times when the gateway took nothing from anybody.
    """

    push_id: str
    msisdn: str
    text: str
    not_after: datetime
    title: str = ""
    href: str = ""
    plan_id: str = ""
    attempt: int = 1
    offer_ends: datetime | None = None


class Verdict(StrEnum):
    """What is known of one message after it was given to a channel."""

    SENT = "sent"
    """The gateway took it."""
    REJECTED_RECIPIENT = "rejected_recipient"
    """The number cannot be served, now or later. Not sent."""
    REJECTED = "rejected"
    """The gateway, or the channel itself, refused this message for good. Not sent."""
    THROTTLED = "throttled"
    """The gateway is too busy. Provably not sent; may be sent later."""
    INDETERMINATE = "indeterminate"
    """Written, but no answer came, or only some of its parts were taken: it may have left, in part or whole, and is never
    written again by itself."""
    NOT_WRITTEN = "not_written"
    """No byte of it was written. May be sent later."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """The verdict on one message. `detail` is for people; `gateway_message_ids` are those of the parts that the gateway is
    known to have taken; `configuration_fault` says that every further message would fare the same until somebody corrects
    the account's settings; `again_after` says of a throttled one that only its recipient needs so long a rest; `dead_address` is the
    gateway's word that there is no such address."""

    push_id: str
    verdict: Verdict
    detail: str
    gateway_message_ids: tuple[str, ...] = ()
    configuration_fault: bool = False
    again_after: timedelta | None = None
    dead_address: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a sent message, by the gateway: `status` is its word (DELIVRD, UNDELIV, EXPIRED, MK:0001 …).

    May come twice, before the answer to the message itself, or never. Dedupe on (account, gateway_message_id, status).
    Gateway ids carry no year and recur: correlate within 72 hours. Times are to the minute, None if unreadable. `dead_push` is a
    push of which `status` says that its address is none, where the channel can tell.
    """

    account: str
    gateway_message_id: str
    msisdn: str
    status: str
    submit_time: datetime | None
    done_time: datetime | None
    dead_push: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A message that a customer sent to the account's number. May come twice: dedupe on (account, gateway_message_id).

    `push_id` is the push that it answers, empty where the channel does not tell; `source` says how it came."""

    account: str
    gateway_message_id: str
    msisdn: str
    text: str
    push_id: str = ""
    source: str = "sms"


class IncomingMessages(Protocol):
    """Takes what comes back from a gateway. A return means durable: only then is it acknowledged; a raise means that
    the gateway will bring it again."""

    async def on_receipts(self, receipts: Sequence[Receipt]) -> None: ...

    async def on_reply(self, reply: Reply) -> None: ...


class Refusals(Protocol):
    """Takes the word of whoever got a push that there be no more."""

    async def on_refusal(self, push_id: str, source: str) -> bool:
        """Opt them out; False if there is no such push. A return means durable, and that what was on its way to them has left
        or been withdrawn; a raise means that nothing was promised."""
        ...


class WrittenBatch(Protocol):
    """A batch that has left, as far as it will: what was written is known now, what became of it later."""

    @property
    def written(self) -> frozenset[str]:
        """The push ids of which at least one byte may have left; all others certainly have not."""
        ...

    async def results(self) -> Sequence[SendResult]:
        """Wait for the answers and return one result per message, in the order given. Never raises for one of them."""
        ...


class MessageChannel(Protocol):
    """Takes rendered messages to a gateway, each at most once."""

    @property
    def ready(self) -> bool:
        """Whether a write has a chance now; while false, claim nothing."""
        ...

    @property
    def status(self) -> str:
        """The channel's condition in words for operations."""
        ...

    @property
    def notice(self) -> str:
        """What is wrong with the gateway, in words for planners; empty while nothing is."""
        ...

    async def write(self, messages: Sequence[Message]) -> WrittenBatch:
        """Write as many as the line, the window, the rate and the account's time limit allow, then return.

        Hold row locks until it returns, not until the answers. If it raises or is cancelled, treat every message of the
        batch as written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Recall:
    """A push that its gateway has, and that its customer refused since."""

    push_id: str
    plan_id: str
    msisdn: str


class RecallAnswer(StrEnum):
    """What a gateway says to a recall."""

    TAKEN_BACK = "taken_back"
    """It will not be delivered."""
    TOO_LATE = "too_late"
    """The gateway cannot, or can never, take it back."""
    UNKNOWN = "unknown"
    """No answer: it may be asked again."""


class RecallingChannel(Protocol):
    """A channel whose gateway takes back what it has not delivered."""

    @property
    def ready(self) -> bool: ...

    async def recall(self, recall: Recall) -> tuple[RecallAnswer, Receipt | None]:
        """Ask the gateway; what it took back has a receipt that says so. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """A channel that a worker serves: its gateway, and the account that its contacts are noted under; `recalling` where the
    gateway takes pushes back. `batch` is how many messages are claimed together."""

    channel: Channel
    gateway: MessageChannel
    account: str
    recalling: RecallingChannel | None = None
    batch: int = 64
