"""Claims in PostgreSQL: which batch is in whose hands, what of it may have left, and how it ends (ADR 0006)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text

from services.dispatch.domain.pushes import Outcome, PushId
from services.dispatch.ports.store import ContactRef
from services.dispatch.postgres.refusals import opted_out
from services.dispatch.postgres.written import surely_unwritten
from services.dispatch.tables import CLAIMS
from shared.db.transactions import WriteTransaction

_BEGIN_WRITING = text("UPDATE dispatch.claims SET phase = 'writing' WHERE claim = :claim AND phase = 'claimed'")

# The claim's row first, then the pushes in the order of their ids: everybody who locks both does it like this.
_LOCK = text("""
    WITH begun AS (SELECT claim FROM dispatch.claims WHERE claim = :claim AND phase = 'writing' FOR UPDATE)
    SELECT p.push_id FROM dispatch.pushes AS p JOIN begun USING (claim)
     WHERE p.state = 'claimed' ORDER BY p.push_id FOR UPDATE OF p
""")

_REFUSED = text(f"""
    SELECT p.push_id FROM dispatch.pushes AS p JOIN dispatch.push_plans AS pl USING (plan)
     WHERE p.claim = :claim AND p.state = 'claimed' AND {opted_out("p", "pl")}
""")

_WITHDRAW = text("""
    WITH cancelled AS (
        UPDATE dispatch.pushes SET state = 'cancelled', detail = 'opted out' WHERE push_id = ANY(CAST(:pushes AS bigint[]))
        RETURNING contact_id
    )
    UPDATE dispatch.contacts SET state = 'released' WHERE contact_id IN (SELECT contact_id FROM cancelled)
""")

_WROTE = text("""
    UPDATE dispatch.claims SET write_time = :now, unwritten = CAST(:unwritten AS bigint[]) WHERE claim = :claim
""")

_RECORD = text("""
    WITH outcomes AS (
        SELECT * FROM unnest(CAST(:pushes AS bigint[]), CAST(:states AS text[]), CAST(:contact_states AS text[]),
                             CAST(:details AS text[]), CAST(:sent AS timestamptz[]), CAST(:untils AS timestamptz[]))
            AS o(push_id, state, contact_state, detail, sent_at, hold_until)
    ), ended AS (
        DELETE FROM dispatch.claims WHERE claim = :claim
    ), settled AS (
        UPDATE dispatch.pushes AS p
           SET state = o.state, detail = o.detail, hold_until = o.hold_until,
               attempts = p.attempts + CASE o.state WHEN 'held' THEN 1 ELSE 0 END
          FROM outcomes AS o
         WHERE p.push_id = o.push_id AND p.claim = :claim AND (p.state = 'claimed' OR (p.state = 'indeterminate' AND o.state <> 'indeterminate'))
        RETURNING p.push_id, p.contact_id
    ), named AS (
        INSERT INTO dispatch.messages (contact_id, message_id)
        SELECT s.contact_id, m.message_id
          FROM settled AS s
          JOIN unnest(CAST(:parts_of AS bigint[]), CAST(:message_ids AS text[])) AS m(push_id, message_id) USING (push_id)
        ON CONFLICT DO NOTHING
    )
    UPDATE dispatch.contacts AS c
       SET state = o.contact_state, send_time = o.sent_at
      FROM settled AS s JOIN outcomes AS o USING (push_id) WHERE c.contact_id = s.contact_id
    RETURNING c.contact_id, c.plan, c.push_id, c.customer_id, c.traceparent
""")

_GIVE_BACK = text("""
    WITH ended AS (
        DELETE FROM dispatch.claims WHERE claim = :claim
    ), planned AS (
        UPDATE dispatch.pushes SET state = 'planned' WHERE claim = :claim AND state IN ('claimed', 'indeterminate')
        RETURNING contact_id
    )
    UPDATE dispatch.contacts SET state = 'released' WHERE contact_id IN (SELECT contact_id FROM planned)
""")

_LOCK_DEAD = text("SELECT claim FROM dispatch.claims WHERE worker_key = :worker_key ORDER BY claim FOR UPDATE")

_LOCK_THEIRS = text(f"""
    SELECT p.push_id, NOT {surely_unwritten("p", "c")} AS may_have_left
      FROM dispatch.pushes AS p JOIN dispatch.claims AS c USING (claim)
     WHERE p.claim = ANY(CAST(:claims AS text[])) AND p.state = 'claimed' ORDER BY p.push_id FOR UPDATE OF p
""")

_BURY = text("""
    WITH ended AS (
        DELETE FROM dispatch.claims WHERE claim = ANY(CAST(:claims AS text[]))
    ), settled AS (
        UPDATE dispatch.pushes
           SET state = CASE WHEN push_id = ANY(CAST(:unknown AS bigint[])) THEN 'indeterminate' ELSE 'planned' END,
               detail = CASE WHEN push_id = ANY(CAST(:unknown AS bigint[])) THEN :detail ELSE '' END
         WHERE push_id = ANY(CAST(:pushes AS bigint[]))
        RETURNING contact_id, state
    )
    UPDATE dispatch.contacts AS c
       SET state = CASE s.state WHEN 'indeterminate' THEN 'indeterminate' ELSE 'released' END
      FROM settled AS s WHERE c.contact_id = s.contact_id
    RETURNING c.contact_id, c.plan, c.push_id, c.customer_id, c.traceparent, c.state
""")


class ClaimTable:
    """`services.dispatch.ports.store.Claims`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def begin(self, claim: str, worker_key: str) -> None:
        await self._tx.connection.execute(insert(CLAIMS).values(claim=claim, worker_key=worker_key, phase="claimed"))

    async def begin_writing(self, claim: str) -> bool:
        return (await self._tx.connection.execute(_BEGIN_WRITING, {"claim": claim})).rowcount == 1

    async def lock(self, claim: str) -> frozenset[PushId]:
        return frozenset((await self._tx.connection.execute(_LOCK, {"claim": claim})).scalars())

    async def refused(self, claim: str) -> frozenset[PushId]:
        return frozenset((await self._tx.connection.execute(_REFUSED, {"claim": claim})).scalars())

    async def withdraw(self, pushes: Collection[PushId]) -> None:
        if pushes:
            await self._tx.connection.execute(_WITHDRAW, {"pushes": sorted(pushes)})

    async def wrote(self, claim: str, *, unwritten: Collection[PushId], now: datetime) -> None:
        await self._tx.connection.execute(_WROTE, {"claim": claim, "unwritten": sorted(unwritten), "now": now})

    async def record(self, claim: str, outcomes: Sequence[Outcome]) -> Sequence[ContactRef]:
        values = {
            "claim": claim,
            "pushes": [outcome.push_id for outcome in outcomes],
            "states": [outcome.push.value for outcome in outcomes],
            "contact_states": [outcome.contact.value for outcome in outcomes],
            "details": [outcome.detail for outcome in outcomes],
            "sent": [outcome.sent_at for outcome in outcomes],
            "untils": [outcome.hold_until for outcome in outcomes],
            "parts_of": [outcome.push_id for outcome in outcomes for _ in outcome.message_ids],
            "message_ids": [message_id for outcome in outcomes for message_id in outcome.message_ids],
        }
        return [contact_ref(row) for row in await self._tx.connection.execute(_RECORD, values)]

    async def give_back(self, claim: str) -> None:
        await self._tx.connection.execute(_GIVE_BACK, {"claim": claim})

    async def worker_keys(self) -> frozenset[str]:
        return frozenset((await self._tx.connection.execute(select(CLAIMS.c.worker_key).distinct())).scalars())

    async def bury(self, worker_key: str) -> Sequence[ContactRef]:
        dead = list((await self._tx.connection.execute(_LOCK_DEAD, {"worker_key": worker_key})).scalars())
        theirs = (await self._tx.connection.execute(_LOCK_THEIRS, {"claims": dead})).all()
        values = {
            "claims": dead,
            "pushes": [row.push_id for row in theirs],
            "unknown": [row.push_id for row in theirs if row.may_have_left],
            "detail": "its worker died while it was being sent: it may have left",
        }
        settled = await self._tx.connection.execute(_BURY, values)
        return [contact_ref(row) for row in settled if row.state == "indeterminate"]


def contact_ref(row: Sequence[Any]) -> ContactRef:
    """Build a reference from a row that begins with contact_id, plan, push_id, customer_id and traceparent of `contacts`."""
    return ContactRef(*row[:5])
