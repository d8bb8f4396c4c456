"""What dispatch needs of its store to lend calls and to settle what platforms report of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.dispatch.domain.calls import Call, CallId, CallPhase, Lease, LentCall, Report
from services.dispatch.domain.pushes import ContactId, Outcome, PushId, Target


class Leases(Protocol):
    async def find(self, request_id: str) -> Lease | None:
        """Return the lease of this id; until the transaction ends, nobody else asks for the same id."""
        ...

    async def lend(self, lease: Lease, calls: Sequence[tuple[Target, ContactId, datetime]]) -> None:
        """Store a lease with its calls: target, contact, and the time from which not to dial any more."""
        ...

    async def lent(self, request_id: str, *, answers_since: datetime) -> Sequence[LentCall]:
        """Return all its calls, with what their customers answered since then."""
        ...

    async def undialled(self, request_id: str, *, answers_since: datetime) -> Sequence[LentCall]:
        """Return those that may still be dialled."""
        ...

    async def renew(self, lease: Lease, *, closing: datetime, now: datetime) -> None:
        """Store its new end, and let its calls that may be dialled now be dialled up to it, the plan's end or `closing`."""
        ...

    async def release(self, request_id: str, now: datetime) -> tuple[int, int]:
        """End it, planning again what was not dialled. Return how many that were, and how many calls are on the phone."""
        ...


class Calls(Protocol):
    async def lock(self, call_ids: Collection[CallId]) -> Mapping[CallId, Call]:
        """Lock the pushes of these calls, then read the calls."""
        ...

    async def refused(self, call_ids: Collection[CallId]) -> frozenset[CallId]:
        """Return those whose customers have opted out by now."""
        ...

    async def start(self, call_id: CallId, now: datetime) -> None: ...

    async def end(self, call_id: CallId, phase: CallPhase, report: Report | None, now: datetime) -> None: ...

    async def settle_contact(self, call: Call, outcome: Outcome) -> None: ...

    async def settle_push(self, call: Call, outcome: Outcome, *, attempts: int) -> None:
        """Put the push where the outcome says, adding to the attempts made, and noting a call-back where one was agreed."""
        ...

    async def take_back(self, push_id: PushId) -> bool:
        """Return the push's lent call if it was not started; False if there is none."""
        ...

    async def overdue(self, now: datetime, *, started_before: datetime, limit: int) -> Sequence[CallId]:
        """Return calls not started by their end, and those started long ago without a result."""
        ...
