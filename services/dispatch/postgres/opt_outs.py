"""Opt-outs in PostgreSQL, and the withdrawal of what has not left."""

from datetime import datetime, timedelta

from sqlalchemy import text

from services.dispatch.domain.pushes import OptOut
from services.dispatch.postgres.refusals import held_when_said
from services.dispatch.postgres.written import surely_unwritten
from shared.db.transactions import WriteTransaction

_INSERT = text("""
    INSERT INTO dispatch.opt_outs AS o (customer_id, msisdn, source, create_time, latest_time)
    VALUES (:customer, :msisdn, :source, :now, :now)
    ON CONFLICT (customer_id, msisdn) DO UPDATE SET latest_time = greatest(o.latest_time, excluded.latest_time)
    RETURNING opt_out_id, customer_id, msisdn, source, create_time, latest_time,
        xmax = 0 AND NOT EXISTS (
            SELECT 1 FROM dispatch.opt_outs AS earlier
             WHERE earlier.customer_id = o.customer_id AND (earlier.customer_id <> '' OR earlier.msisdn = o.msisdn)
        ) AS is_new
""")

# Waits for whoever is writing one of them right now.
_LOCK_OPEN = text(f"""
    SELECT p.push_id FROM dispatch.pushes AS p JOIN dispatch.push_plans AS pl USING (plan)
     WHERE p.state IN ('planned', 'held', 'claimed', 'leased')
       AND (p.customer_id = CAST(:customer AS text)
            OR (p.msisdn = CAST(:msisdn AS text)
                AND {held_when_said("p", "pl", said="CAST(:since AS timestamptz)", customer="CAST(:customer AS text)")}))
     ORDER BY p.push_id FOR UPDATE OF p
""")

# What is being written, or is on the phone, has left as far as anybody knows.
_WITHDRAW = text(f"""
    WITH cancelled AS (
        UPDATE dispatch.pushes AS p
           SET state = CASE WHEN p.call_back_time IS NULL THEN 'cancelled' ELSE 'sent' END,
               detail = CASE WHEN p.call_back_time IS NULL THEN 'opted out' ELSE 'talked to, then opted out' END,
               hold_until = NULL
         WHERE p.push_id = ANY(CAST(:pushes AS bigint[]))
           AND (p.state IN ('planned', 'held')
                OR (p.state = 'claimed' AND EXISTS (
                    SELECT 1 FROM dispatch.claims AS c WHERE c.claim = p.claim AND {surely_unwritten("p", "c")}))
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


# What has left and is not known to have arrived may still lie at its gateway. What is being recorded counts, too: a contact
# that turns out not to have left is never asked for.
_RECALL = text("""
    UPDATE dispatch.contacts SET recall = 'due'
     WHERE channel = 'wap_push' AND state <> 'released' AND delivery IS NULL AND recall IS NULL AND reserve_time > :oldest
       AND ((customer_id = CAST(:customer AS text) AND CAST(:customer AS text) <> '')
            OR (msisdn = CAST(:msisdn AS text) AND CAST(:msisdn AS text) <> ''))
""")
_RECALLED = timedelta(hours=72)


class OptOutTable:
    """`services.dispatch.ports.store.OptOuts`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def record(self, customer_id: str, msisdn: str, source: str, now: datetime) -> tuple[OptOut, bool]:
        values = {"customer": customer_id, "msisdn": msisdn, "source": source, "now": now}
        *found, is_new = (await self._tx.connection.execute(_INSERT, values)).one()
        return OptOut(*found), is_new

    async def withdraw_open(self, opt_out: OptOut) -> int:
        known = {"customer": opt_out.customer_id, "msisdn": opt_out.msisdn, "since": opt_out.latest_time}
        pushes = list((await self._tx.connection.execute(_LOCK_OPEN, known)).scalars())
        await self._tx.connection.execute(_RECALL, {**known, "oldest": opt_out.latest_time - _RECALLED})
        if not pushes:
            return 0
        return int((await self._tx.connection.execute(_WITHDRAW, {"pushes": pushes})).scalar_one())
