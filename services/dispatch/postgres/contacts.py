"""What people and other services ask of contacts, pushes and events."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Row, select, tuple_

from services.dispatch.domain.plans import Channel, PlanId
from services.dispatch.domain.pushes import (
    Answer,
    Contact,
    ContactId,
    ContactState,
    Delivery,
    OptOut,
    Push,
    PushId,
    PushState,
)
from services.dispatch.ports.store import ContactPlace, EventPage
from services.dispatch.postgres.events import page_of_events
from services.dispatch.tables import CONTACTS, OPT_OUTS, PUSHES
from shared.db.transactions import AnyTransaction


class ContactQueries:
    """`services.dispatch.ports.store.ContactReader`."""

    def __init__(self, tx: AnyTransaction) -> None:
        self._tx = tx

    async def contacts(
        self,
        customer_id: str,
        *,
        since: datetime,
        after: ContactPlace | None,
        limit: int,
        cities: Collection[str] | None,
    ) -> Sequence[Contact]:
        columns = CONTACTS.c
        place = tuple_(columns.reserve_time, columns.contact_id)
        statement = select(CONTACTS).where(columns.customer_id == customer_id, columns.reserve_time >= since)
        if after is not None:
            statement = statement.where(place < (after.reserve_time, after.contact_id))
        if cities is not None:
            statement = statement.where(columns.city.in_(cities))
        statement = statement.order_by(columns.reserve_time.desc(), columns.contact_id.desc()).limit(limit)
        return [contact_of(row) for row in await self._tx.connection.execute(statement)]

    async def opt_out_of(self, customer_id: str) -> OptOut | None:
        columns = OPT_OUTS.c
        statement = select(OPT_OUTS).where(columns.customer_id == customer_id).order_by(columns.opt_out_id).limit(1)
        row = (await self._tx.connection.execute(statement)).one_or_none()
        return OptOut(*row) if row else None

    async def pushes(
        self, plan_id: PlanId, *, state: PushState | None, after_rank: int, limit: int, cities: Collection[str] | None
    ) -> Sequence[Push]:
        columns = PUSHES.c
        statement = select(PUSHES).where(columns.plan == plan_id, columns.rank > after_rank)
        if state is not None:
            statement = statement.where(columns.state == state)
        if cities is not None:
            statement = statement.where(columns.city.in_(cities))
        return [
            Push(
                push_id=PushId(row.push_id),
                rank=row.rank,
                customer_id=row.customer_id,
                policy=row.policy,
                arm=row.arm,
                state=PushState(row.state),
                detail=row.detail,
                hold_until=row.hold_until,
            )
            for row in await self._tx.connection.execute(statement.order_by(columns.rank).limit(limit))
        ]

    async def events(self, *, cursor: str, limit: int) -> EventPage:
        return await page_of_events(self._tx, cursor=cursor, limit=limit)


def contact_of(row: Row[tuple[object, ...]]) -> Contact:
    """Return a row of the ledger as a value."""
    return Contact(
        contact_id=ContactId(row.contact_id),
        customer_id=row.customer_id,
        channel=Channel(row.channel),
        policy=row.policy,
        plan_id=PlanId(row.plan),
        state=ContactState(row.state),
        reserve_time=row.reserve_time,
        send_time=row.send_time,
        delivery=Delivery(row.delivery) if row.delivery else None,
        answer=Answer(row.answer) if row.answer else None,
        answer_time=row.answer_time,
        traceparent=row.traceparent,
    )
