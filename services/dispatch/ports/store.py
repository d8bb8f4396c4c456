"""What dispatch needs of its store, one Protocol per concern; all of one `Work` or `Reading` share a transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from services.dispatch.domain.plans import Balance, Channel, Plan, PlanId, PlanRequest
from services.dispatch.domain.pushes import (
    Answer,
    Contact,
    ContactEvent,
    ContactId,
    Delivery,
    DeskContact,
    OptOut,
    Outcome,
    Push,
    PushId,
    PushState,
    Target,
)
from services.dispatch.domain.rules import Record
from services.dispatch.ports.calls import Calls, Leases
from services.dispatch.ports.channels import Recall, RecallAnswer, Receipt, Reply
from services.dispatch.ports.records import PushRecords
from services.dispatch.ports.standing import StandingReader
from services.dispatch.ports.views import BarredCustomers
from shared.runs.domain import RunPlace

PLAN_STARTED = "dispatch_plan_started"
"""The name by which the database tells those who listen that a plan is started."""

TargetValues: TypeAlias = tuple[object, ...]
"""Values of rank, customer_id, owner_id, msisdn, city, arm, policy, product, number_since."""


@dataclass(frozen=True, slots=True)
class PlanPage:
    """Some plans, newest first, and the place to go on from; None after the last."""

    plans: tuple[Plan, ...]
    next_place: RunPlace | None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in the order of their commit, and the cursor behind the last."""

    events: tuple[ContactEvent, ...]
    cursor: str


class PlanReader(Protocol):
    async def get(self, plan_id: PlanId) -> Plan:
        """Raises NotFound."""
        ...

    async def find(self, plan_id: PlanId) -> Plan | None: ...

    async def page(self, *, after: RunPlace | None, limit: int) -> PlanPage: ...

    async def balances(self, plan_ids: Sequence[PlanId]) -> Mapping[PlanId, Balance]:
        """Count in one snapshot."""
        ...

    async def notice(self, channel: Channel) -> tuple[str, datetime] | None:
        """Return the channel's last notice and when it was given; None before the first."""
        ...


class Plans(PlanReader, Protocol):
    async def create(self, plan_id: PlanId, request: PlanRequest, *, principal: str, now: datetime) -> Plan:
        """Store the plan and queue its loading; raises AlreadyExists if the id was used for another request."""
        ...

    async def start(self, plan_id: PlanId, *, by: str, traceparent: str, now: datetime) -> bool:
        """Start a plan that is ready; False if it is not ready."""
        ...

    async def load(self, plan_id: PlanId, targets: Iterable[TargetValues], *, traceparent: str) -> int:
        """Add one planned push per target, make the plan ready, and return how many."""
        ...

    async def started(self, known: Mapping[PlanId, Plan]) -> Sequence[Plan]:
        """Return the started plans that may have something to push, the longest started first; those that are `known` as they
        are there."""
        ...

    async def tell(self, channel: Channel, notice: str, now: datetime) -> None:
        """Store the channel's notice."""
        ...


class ContactReader(Protocol):
    async def opt_out_of(self, customer_id: str) -> OptOut | None: ...

    async def pushes(
        self, plan_id: PlanId, *, state: PushState | None, after_rank: int, limit: int, cities: Collection[str] | None
    ) -> Sequence[Push]: ...

    async def events(self, *, cursor: str, limit: int) -> EventPage: ...


@dataclass(frozen=True, slots=True)
class ContactRef:
    """A contact that something happened to."""

    contact_id: ContactId
    plan_id: PlanId
    push_id: PushId
    customer_id: str
    traceparent: str


@dataclass(frozen=True, slots=True)
class AnsweredContact:
    """A contact that somebody answers, and the order keyword it offered."""

    contact: ContactRef
    keyword: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """A contact about to be reserved for a target."""

    target: Target
    traceparent: str


@dataclass(frozen=True, slots=True)
class Aside:
    """A push that a rule keeps back: held until then, or suppressed or expired for good."""

    push_id: PushId
    state: PushState
    detail: str
    until: datetime | None = None


class Ledger(Protocol):
    """Pushes and contacts, changed together."""

    async def pick(self, plan_id: PlanId, *, limit: int, cities: Collection[str] | None) -> Sequence[Target]:
        """Lock planned pushes that nobody else has locked, best first."""
        ...

    async def pick_call_backs(self, plan_id: PlanId, *, limit: int, cities: Collection[str] | None) -> Sequence[Target]:
        """Lock such of them only whose customers agreed to be called back by now, the earliest agreed first."""
        ...

    async def record_of(self, targets: Sequence[Target], *, since: datetime) -> Record:
        """Lock the targets' owners until the end of the transaction, then read what is known of them."""
        ...

    async def reserve(
        self,
        plan: Plan,
        reservations: Sequence[Reservation],
        *,
        state: PushState,
        account: str,
        claim: str,
        now: datetime,
    ) -> Mapping[PushId, ContactId]:
        """Add a reserved contact for each, and put its push into `state` under `claim`."""
        ...

    async def set_aside(self, asides: Sequence[Aside]) -> None: ...

    async def set_planned_aside(
        self, plan_id: PlanId, state: PushState, detail: str, *, until: datetime | None, limit: int
    ) -> int:
        """Put up to `limit` planned pushes aside at once; return how many."""
        ...

    async def release_held(self, plan_id: PlanId, now: datetime, *, limit: int) -> int: ...

    async def release_all_held(self, now: datetime, *, limit: int) -> int:
        """Do so for every started plan, up to `limit` of each."""
        ...

    async def expire(self, now: datetime, *, limit: int) -> int:
        """Let planned and held pushes of ended plans expire."""
        ...


class Claims(Protocol):
    """Batches in a worker's hands, and what is known of them after its death."""

    async def begin(self, claim: str, worker_key: str) -> None: ...

    async def begin_writing(self, claim: str) -> bool:
        """Note that from now on anything of it may have left; False if it was taken away."""
        ...

    async def lock(self, claim: str) -> frozenset[PushId]:
        """Lock and return its pushes that are still to be written."""
        ...

    async def refused(self, claim: str) -> frozenset[PushId]:
        """Return those of its pushes whose customers have opted out by now."""
        ...

    async def wrote(self, claim: str, *, unwritten: Collection[PushId], now: datetime) -> None:
        """Note that all have been written that `lock` returned and that were not withdrawn, but these."""
        ...

    async def withdraw(self, pushes: Collection[PushId]) -> None:
        """Cancel locked pushes that are not to be written after all."""
        ...

    async def record(self, claim: str, outcomes: Sequence[Outcome]) -> Sequence[ContactRef]:
        """Settle pushes that are claimed or indeterminate under `claim`, with their contacts, and end the claim.

        Returns the contacts of those settled.
        """
        ...

    async def give_back(self, claim: str) -> None:
        """Plan all its pushes again: nothing of it was written."""
        ...

    async def worker_keys(self) -> frozenset[str]: ...

    async def bury(self, worker_key: str) -> Sequence[ContactRef]:
        """Settle all claims of a dead worker: provably unwritten pushes are planned again, all others indeterminate.

        Returns the contacts of the latter.
        """
        ...


class DeskContacts(Protocol):
    async def record(self, said: DeskContact, *, traceparent: str, now: datetime) -> tuple[Contact, bool]:
        """Add what was said at the desk to the ledger, or find it by its request; the flag says whether it is new.

        Raises AlreadyExists if the request was about something else.
        """
        ...


class OptOuts(Protocol):
    async def record(self, customer_id: str, msisdn: str, source: str, now: datetime) -> tuple[OptOut, bool]:
        """Store it, or find it; the flag says whether it is new."""
        ...

    async def withdraw_open(self, opt_out: OptOut) -> int:
        """Cancel what has not left, after waiting for what is leaving right now; return how many."""
        ...


class Incoming(Protocol):
    """What gateways and customers say, kept and matched with contacts."""

    async def keep_dead(self, pushes: Mapping[PushId, str], now: datetime) -> None:
        """Note that the addresses of these pushes are none on their channels, with the gateway's word for it."""
        ...

    async def keep_receipts(self, receipts: Sequence[Receipt], now: datetime) -> None: ...

    async def match_receipts(
        self, now: datetime, *, limit: int
    ) -> tuple[Sequence[ContactRef], Sequence[tuple[ContactRef, Delivery]]]:
        """Match kept receipts with contacts by the gateway's id. Return the indeterminate contacts that are known to have
        left now: they were sent; and those whose delivery changed."""
        ...

    async def settle_by_number(
        self, now: datetime, *, limit: int
    ) -> tuple[Sequence[ContactRef], Sequence[tuple[ContactRef, Delivery]]]:
        """Match those left over with the one indeterminate contact of their number, if there is exactly one. Return the
        contacts of which each part is known to have left now: they were sent; and those whose delivery changed."""
        ...

    async def latest_contact(self, msisdn: str, since: datetime) -> AnsweredContact | None:
        """Return the latest SMS contact of a number that has left or may have."""
        ...

    async def contact_of_push(self, push_id: PushId) -> AnsweredContact | None:
        """Return the contact of a push, if it has left or may have."""
        ...

    async def keep_reply(self, reply: Reply, meaning: str, contact: ContactRef | None, now: datetime) -> bool:
        """Store a reply; False if it is known already."""
        ...

    async def answer(self, contact_id: ContactId, answer: Answer, now: datetime) -> bool:
        """Record what the customer said; False if nothing changed."""
        ...


class Recalls(Protocol):
    """Contacts whose gateway is to take them back: `OptOuts.withdraw_open` asks for it."""

    async def due(self, account: str, *, since: datetime, limit: int) -> Sequence[tuple[ContactId, Recall]]:
        """Return what left, or may have, and was not delivered as far as is known."""
        ...

    async def end(self, contact_id: ContactId, answer: RecallAnswer) -> None:
        """Note what the gateway said, for good."""
        ...


class Events(Protocol):
    async def tell(self, events: Sequence[ContactEvent]) -> None: ...


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that one transaction may change; committed or rolled back by whoever opened it."""

    plans: Plans
    contacts: ContactReader
    ledger: Ledger
    claims: Claims
    leases: Leases
    calls: Calls
    barred: BarredCustomers
    desk: DeskContacts
    opt_outs: OptOuts
    incoming: Incoming
    recalls: Recalls
    events: Events


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that one read-only transaction may ask."""

    plans: PlanReader
    contacts: ContactReader
    push_records: PushRecords
    standings: StandingReader


WorkOpener = Callable[[], AbstractAsyncContextManager[Work]]
ReadingOpener = Callable[[], AbstractAsyncContextManager[Reading]]


class ReceiptKeeper(Protocol):
    """Keeps receipts in a transaction of its own, until they are matched; each once, however often it comes."""

    async def keep(self, receipts: Sequence[Receipt], now: datetime) -> None: ...


class PushTrace(Protocol):
    """The trace of one push, begun."""

    @property
    def traceparent(self) -> str: ...

    def end(self, outcome: str) -> None:
        """End its span, saying what became of the push."""
        ...


class Traces(Protocol):
    def begin(self, target: Target, plan: Plan) -> PushTrace:
        """Begin a trace of its own for a push, linked to what led to it."""
        ...
