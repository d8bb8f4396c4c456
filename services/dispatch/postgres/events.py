"""Contact events in the outbox: told in the transaction of what they tell of."""

import os
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime

from services.dispatch.domain.plans import Channel
from services.dispatch.domain.pushes import ContactEvent, EventKind, PushId
from services.dispatch.ports.store import EventPage
from services.dispatch.tables import OUTBOX
from shared.db.outbox import Cursor, Outbox, OutboxEvent
from shared.db.transactions import AnyTransaction, WriteTransaction

_TOPIC = "contact_event"
_KEY_OCTETS = 16


class EventTable:
    """`services.dispatch.ports.store.Events`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def tell(self, events: Sequence[ContactEvent]) -> None:
        stored = [_stored(event, key) for event, key in zip(events, _keys(len(events)), strict=True)]
        await Outbox(OUTBOX).append(self._tx, stored)


async def page_of_events(tx: AnyTransaction, *, cursor: str, limit: int) -> EventPage:
    """Return events behind a cursor; raises InvalidInput if it is none."""
    page = await Outbox(OUTBOX).read(tx, [_TOPIC], after=Cursor(cursor), limit=limit)
    return EventPage(tuple(_event(stored) for stored in page.events), page.cursor)


def _keys(count: int) -> Iterator[str]:
    """Yield random UUIDs; the system is asked for their octets once."""
    octets = os.urandom(_KEY_OCTETS * count)
    for at in range(0, len(octets), _KEY_OCTETS):
        yield str(uuid.UUID(bytes=octets[at : at + _KEY_OCTETS], version=4))


def _stored(event: ContactEvent, key: str) -> OutboxEvent:
    return OutboxEvent(
        topic=_TOPIC,
        key=key,
        payload={
            "kind": event.kind.value,
            "time": event.time.isoformat(),
            "plan": event.plan_id,
            "push": event.push_id,
            "customer": event.customer_id,
            **({"policy": event.policy, "channel": event.channel.value} if event.channel else {}),
        },
        traceparent=event.traceparent,
    )


def _event(stored: OutboxEvent) -> ContactEvent:
    payload = stored.payload
    push = payload["push"]
    return ContactEvent(
        kind=EventKind(str(payload["kind"])),
        time=datetime.fromisoformat(str(payload["time"])),
        plan_id=str(payload["plan"]),
        push_id=PushId(push) if isinstance(push, int) else None,
        customer_id=str(payload["customer"]),
        policy=str(payload.get("policy", "")),
        channel=Channel(str(payload["channel"])) if "channel" in payload else None,
        traceparent=stored.traceparent,
        event_id=stored.key,
    )
