"""What desk and hotline ask about one customer, or one push, while somebody waits."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.dispatch.domain.push_records import PushRecord
from services.dispatch.domain.pushes import Contact, OptOut, PushId


@dataclass(frozen=True, slots=True)
class ContactPlace:
    """A place in a customer's contacts, newest first: behind the one with these values."""

    reserve_time: datetime
    contact_id: int


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A customer's contacts, newest first, and the first opt-out, if there is one."""

    contacts: Sequence[Contact]
    opt_out: OptOut | None


class Records(Protocol):
    async def of(
        self,
        customer_id: str,
        *,
        since: datetime,
        after: ContactPlace | None,
        limit: int,
        cities: Collection[str] | None,
    ) -> CustomerRecord:
        """Return up to `limit` contacts reserved from `since` on, those in `cities` (None: everywhere); raises Unavailable."""
        ...

    async def of_all(
        self, customer_ids: Sequence[str], *, since: datetime, limit: int, cities: Collection[str] | None
    ) -> Sequence[CustomerRecord]:
        """Return the same of several customers, in their order."""
        ...


class PushRecords(Protocol):
    async def of(self, push_id: PushId, *, cities: Collection[str] | None) -> PushRecord | None:
        """Return a push with all that is kept about it; None where there is none in `cities` (None: everywhere)."""
        ...
