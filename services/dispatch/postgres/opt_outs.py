"""Opt-outs in PostgreSQL, and the withdrawal of what has not left."""

from datetime import datetime

from sqlalchemy import text

from services.dispatch.domain.pushes import OptOut
from shared.db.transactions import WriteTransaction

_INSERT = text("""
    INSERT INTO dispatch.opt_outs (customer_id, msisdn, source, create_time)
    VALUES (:customer, :msisdn, :source, :now) ON CONFLICT DO NOTHING
    RETURNING opt_out_id, customer_id, msisdn, source, create_time
""")

_FIND = text("""
    SELECT opt_out_id, customer_id, msisdn, source, create_time FROM dispatch.opt_outs
     WHERE customer_id = CAST(:customer AS text) AND (customer_id <> '' OR msisdn = :msisdn)
""")

# Waits for whoever is writing one of them right now.
_LOCK_OPEN = text("""
    SELECT p.push_id FROM dispatch.pushes AS p JOIN dispatch.push_plans AS pl USING (plan)
     WHERE p.state IN ('planned', 'held', 'claimed', 'leased')
       AND (p.customer_id = CAST(:customer AS text)
            OR (p.msisdn = CAST(:msisdn AS text) AND (CAST(:customer AS text) = '' OR pl.create_time <= :since)))
     ORDER BY p.push_id FOR UPDATE OF p
""")

# What is being written, or is on the phone, has left as far as anybody knows.
_WITHDRAW = text("""
    WITH cancelled AS (
        UPDATE dispatch.pushes AS p SET state = 'cancelled', detail = 'opted out', hold_until = NULL
         WHERE p.push_id = ANY(CAST(:pushes AS bigint[]))
           AND (p.state IN ('planned', 'held')
                OR (p.state = 'claimed' AND EXISTS (
                    SELECT 1 FROM dispatch.claims AS c WHERE c.claim = p.claim
                       AND (c.phase = 'claimed' OR (c.phase = 'written' AND p.write_time IS NULL))))
                OR (p.state = 'leased' AND EXISTS (
                    SELECT 1 FROM dispatch.calls AS k WHERE k.contact_id = p.contact_id AND k.phase = 'leased')))
        RETURNING p.push_id, p.contact_id
    ), calls AS (
        UPDATE dispatch.calls AS k SET phase = 'returned' FROM cancelled AS x
         WHERE k.contact_id = x.contact_id AND k.phase = 'leased'
    ), contacts AS (
        UPDATE dispatch.contacts AS c SET state = 'released' FROM cancelled AS x
         WHERE c.contact_id = x.contact_id AND c.state = 'reserved'
    )
    SELECT count(*) FROM cancelled
""")


class OptOutTable:
    """`services.dispatch.ports.store.OptOuts`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def record(self, customer_id: str, msisdn: str, source: str, now: datetime) -> tuple[OptOut, bool]:
        values = {"customer": customer_id, "msisdn": msisdn, "source": source, "now": now}
        created = (await self._tx.connection.execute(_INSERT, values)).one_or_none()
        row = created or (await self._tx.connection.execute(_FIND, values)).one()
        return OptOut(*row), created is not None

    async def withdraw_open(self, opt_out: OptOut) -> int:
        known = {"customer": opt_out.customer_id, "msisdn": opt_out.msisdn, "since": opt_out.create_time}
        pushes = list((await self._tx.connection.execute(_LOCK_OPEN, known)).scalars())
        if not pushes:
            return 0
        return int((await self._tx.connection.execute(_WITHDRAW, {"pushes": pushes})).scalar_one())
