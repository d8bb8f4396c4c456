"""What people and other services ask of contacts, pushes and events."""

from collections.abc import Collection, Sequence

from sqlalchemy import select

from services.dispatch.domain.plans import PlanId
from services.dispatch.domain.pushes import OptOut, Push, PushState
from services.dispatch.ports.store import EventPage
from services.dispatch.postgres.events import page_of_events
from services.dispatch.postgres.push_records import push_of
from services.dispatch.tables import OPT_OUTS, PUSHES
from shared.db.transactions import AnyTransaction


class ContactQueries:
    """`services.dispatch.ports.store.ContactReader`."""

    def __init__(self, tx: AnyTransaction) -> None:
        self._tx = tx

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
        found = await self._tx.connection.execute(statement.order_by(columns.rank).limit(limit))
        return [push_of(row) for row in found.mappings()]

    async def events(self, *, cursor: str, limit: int) -> EventPage:
        return await page_of_events(self._tx, cursor=cursor, limit=limit)
