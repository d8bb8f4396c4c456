"""What the gate would know of a customer whom nobody has planned to contact."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.dispatch.domain.plans import Channel
from services.dispatch.domain.rules import PastContact, Rule


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer as a target would name them; `policy` is empty where none in particular is meant, `msisdn` where it is unknown."""

    customer_id: str
    owner_id: str
    msisdn: str
    number_since: date | None
    city: str
    arm: str
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Counting contacts of the owner, what forbids every contact, and the channels on which the address is none."""

    past: tuple[PastContact, ...]
    opted_out: bool
    barred: Rule | None
    dead: frozenset[Channel]


class StandingReader(Protocol):
    async def of(self, candidate: Candidate, *, since: datetime, now: datetime) -> Standing:
        """Return what is known now; contacts count that were reserved after `since`."""
        ...
