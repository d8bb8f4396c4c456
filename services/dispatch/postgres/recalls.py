"""Recalls in PostgreSQL: contacts that their gateways are asked to take back."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from services.dispatch.domain.pushes import ContactId
from services.dispatch.ports.channels import Recall, RecallAnswer
from shared.db.transactions import WriteTransaction

_DUE = text("""
    SELECT contact_id, push_id, plan, msisdn FROM dispatch.contacts
     WHERE recall = 'due' AND account = :account AND state IN ('sent', 'indeterminate') AND delivery IS NULL
       AND reserve_time > :since
     ORDER BY reserve_time LIMIT :limit
""")

_END = text("UPDATE dispatch.contacts SET recall = :answer WHERE contact_id = :contact AND recall = 'due'")


class RecallTable:
    """`services.dispatch.ports.store.Recalls`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def due(self, account: str, *, since: datetime, limit: int) -> Sequence[tuple[ContactId, Recall]]:
        rows = await self._tx.connection.execute(_DUE, {"account": account, "since": since, "limit": limit})
        return [(ContactId(row.contact_id), Recall(str(row.push_id), row.plan, row.msisdn)) for row in rows]

    async def end(self, contact_id: ContactId, answer: RecallAnswer) -> None:
        await self._tx.connection.execute(_END, {"contact": contact_id, "answer": answer.value})
