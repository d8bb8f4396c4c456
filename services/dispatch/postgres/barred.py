"""Whom the newest customer views forbid to contact, in PostgreSQL."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, select

from services.dispatch.domain.rules import Rule
from services.dispatch.tables import BARRED, BARRED_BY
from shared.db.locks import advisory_lock
from shared.db.transactions import WriteTransaction


class BarredTable:
    """`services.dispatch.ports.views.BarredCustomers`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def snapshot(self) -> str:
        await advisory_lock(self._tx, "dispatch.barred", ["customers"])
        return (await self._tx.connection.execute(select(BARRED_BY.c.snapshot))).scalar_one_or_none() or ""

    async def replace(self, snapshot: str, customers: Iterable[tuple[str, Rule]]) -> int:
        await self._tx.connection.execute(delete(BARRED))
        rows = ((customer_id, rule.value) for customer_id, rule in customers)
        count = await self._tx.copy_records(BARRED, ("customer_id", "rule"), rows)
        await self._tx.connection.execute(delete(BARRED_BY))
        await self._tx.connection.execute(insert(BARRED_BY).values(snapshot=snapshot))
        return count
