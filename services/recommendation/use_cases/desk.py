"""What to offer one customer now: the list that was switched in, under what happened since."""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

import structlog

from services.recommendation.domain import Arm, Catalogue, Policy, Product, Zone
from services.recommendation.ports import Answer, ContactRecord, Contacts, Desk, DeskItem, DeskList
from services.recommendation.use_cases.rules import Readings
from shared.clock import Clock, local_date
from shared.errors import Denied, Failure, NotFound
from shared.rpc.identity import Caller

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

_WITHHELD = {"red_list": "on the red list", "no_consent": "has not agreed to marketing", "": ""}
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Offered:
    """One policy as it stands at the desk; `answer` is None where the customer was not asked since the switch, `product`
    where the policy is about none."""

    item: DeskItem
    policy: Policy
    product: Product | None
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class DeskAnswer(Generic[Entry]):
    """The answer to the desk: zones in priority order, none of them empty. `contacts` is None where dispatch was not there."""

    found: DeskList
    zones: tuple[tuple[Zone, tuple[Offered, ...]], ...]
    contacts: ContactRecord[Entry] | None
    withheld_reason: str


async def answer_desk(
    *,
    customer_id: str,
    msisdn: str,
    caller: Caller,
    desk: Desk,
    contacts: Contacts[Entry],
    readings: Readings,
    clock: Clock,
) -> DeskAnswer[Entry]:
    """Answer for the customer with `customer_id`, else for the one with the 11 digits of `msisdn`.

    Without dispatch the list is answered all the same. Raises NotFound, Denied outside the caller's cities.
    """
    found, record = await _look_up(customer_id, msisdn, desk, contacts)
    if found is None:
        raise NotFound(f"a policy list of customer {customer_id}" if customer_id else "a policy list of this number")
    if not caller.sees(found.city):
        raise Denied(f"this customer is outside the cities of {caller.principal}")
    reason = _withheld_reason(found, record)
    if reason:
        return DeskAnswer(found, (), record, reason)
    catalogue = await readings.catalogue(found.catalogue_id)
    offered = _offered(found, catalogue, record, local_date(clock.now()))
    return DeskAnswer(found, _zones(offered), record, "")


async def _look_up(
    customer_id: str, msisdn: str, desk: Desk, contacts: Contacts[Entry]
) -> tuple[DeskList | None, ContactRecord[Entry] | None]:
    """Look for list and contacts at once where the customer is known: somebody is waiting."""
    if customer_id:
        return await asyncio.gather(desk.by_customer(customer_id), _ask(contacts, customer_id))
    found = await desk.by_msisdn(msisdn)
    return found, await _ask(contacts, found.customer_id) if found else None


async def _ask(contacts: Contacts[Entry], customer_id: str) -> ContactRecord[Entry] | None:
    try:
        return await contacts.of(customer_id)
    except Failure as failure:
        log.warning("contacts_not_read", why=failure.message, reason=failure.reason)
        return None


def _withheld_reason(found: DeskList, record: ContactRecord[Entry] | None) -> str:
    if record is not None and record.opted_out:
        return "opted out"
    if found.withheld:
        return _WITHHELD[found.withheld]
    return "in the control group" if found.arm is Arm.CONTROL else ""


def _offered(found: DeskList, catalogue: Catalogue, record: ContactRecord[Entry] | None, today: date) -> list[Offered]:
    """Return what may be offered today, with the latest answer that came after the switch."""
    answers = _answers_since(found, record) if record is not None else {}
    return [
        Offered(item, policy, catalogue.products.get(policy.product), answers.get(item.policy))
        for item in found.items
        if (policy := catalogue.policies[item.policy]).valid_on(today)
    ]


def _answers_since(found: DeskList, record: ContactRecord[Entry]) -> dict[str, Answer]:
    since = [answered for answered in record.answers if answered.time >= found.switch_time]
    return {answered.policy: answered.answer for answered in sorted(since, key=lambda answered: answered.time)}


def _zones(offered: list[Offered]) -> tuple[tuple[Zone, tuple[Offered, ...]], ...]:
    zones: dict[Zone, list[Offered]] = {}
    for offer in offered:
        zones.setdefault(offer.item.zone, []).append(offer)
    return tuple((zone, tuple(offers)) for zone, offers in zones.items())
