"""Contacts at the desk in PostgreSQL: entries of the ledger without a push."""

from datetime import datetime

from sqlalchemy import RowMapping, insert, select, text

from services.dispatch.domain.plans import Channel
from services.dispatch.domain.pushes import Contact, ContactState, DeskContact
from services.dispatch.postgres.ledger import OWNERS
from services.dispatch.postgres.records import contact_of
from services.dispatch.tables import CONTACTS
from shared.db.locks import advisory_lock
from shared.db.transactions import WriteTransaction
from shared.errors import AlreadyExists

_EARLIER = text("""
    SELECT count(*) FROM dispatch.contacts
     WHERE customer_id = :customer AND policy = :policy AND plan = '' AND channel = 'desk'
""")
_COMPARED = ("customer_id", "owner_id", "msisdn", "city", "policy", "answer")


class DeskTable:
    """`services.dispatch.ports.store.DeskContacts`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def record(self, said: DeskContact, *, traceparent: str, now: datetime) -> tuple[Contact, bool]:
        await advisory_lock(self._tx, "dispatch.desk", [said.request_id])
        statement = select(CONTACTS).where(CONTACTS.c.request_id == said.request_id)
        if (known := (await self._tx.connection.execute(statement)).mappings().one_or_none()) is not None:
            _require_same(known, said)
            return contact_of(known), False
        await advisory_lock(self._tx, OWNERS, [said.owner_id])
        place = {"customer": said.customer_id, "policy": said.policy}
        earlier = (await self._tx.connection.execute(_EARLIER, place)).scalar_one()
        added = insert(CONTACTS).values(**_values(said, said.at or now), attempt=earlier + 1, traceparent=traceparent)
        stored = (await self._tx.connection.execute(added.returning(CONTACTS))).mappings().one()
        return contact_of(stored), True


def _values(said: DeskContact, at: datetime) -> dict[str, object]:
    return {
        **{name: getattr(said, name) for name in ("request_id", *_COMPARED)},
        "plan": "",
        "channel": Channel.DESK,
        "state": ContactState.SENT,
        "reserve_time": at,
        "send_time": at,
        "answer_time": at,
        "account": "",
    }


def _require_same(known: RowMapping, said: DeskContact) -> None:
    same = all(known[name] == getattr(said, name) for name in _COMPARED)
    if not same or (said.at is not None and said.at != known["send_time"]):
        raise AlreadyExists(f"contact of request {said.request_id}")
