"""What gateways bring: receipts matched with contacts, replies kept once each.

A receipt may come before the answer to its own message is recorded, so it is kept first and matched whenever both are there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import TextClause, text

from services.dispatch.domain.pushes import Answer, ContactId, Delivery
from services.dispatch.ports.channels import Receipt, Reply
from services.dispatch.ports.store import ContactRef
from services.dispatch.postgres.claims import contact_ref
from shared.db.transactions import WriteTransaction

_VALIDITY = timedelta(hours=72)
"""Gateway ids carry no year: an older row of the same id is another message's."""

_KEEP_RECEIPTS = text("""
    INSERT INTO dispatch.receipts AS old (account, message_id, status, msisdn, receive_time)
    SELECT DISTINCT ON (1, 2, 3) r.account, r.message_id, r.status, r.msisdn, :now
      FROM unnest(CAST(:accounts AS text[]), CAST(:message_ids AS text[]), CAST(:statuses AS text[]),
                  CAST(:msisdns AS text[])) AS r(account, message_id, status, msisdn)
     ORDER BY 1, 2, 3
    ON CONFLICT (account, message_id, status) DO UPDATE
       SET msisdn = excluded.msisdn, receive_time = excluded.receive_time, contact_id = NULL
     WHERE old.receive_time < :oldest
""")

# A later word replaces "undelivered" only: what was delivered stays so.
_MATCH = text("""
    WITH found AS (
        SELECT r.account, r.message_id, r.status, c.contact_id,
               CASE r.status WHEN 'DELIVRD' THEN 'delivered' ELSE 'undelivered' END AS delivery
          FROM dispatch.receipts AS r
          JOIN dispatch.contacts AS c ON c.message_id = r.message_id AND c.account = r.account AND c.msisdn = r.msisdn
         WHERE r.contact_id IS NULL AND r.receive_time > :oldest AND c.reserve_time > :oldest
         ORDER BY r.receive_time LIMIT :limit FOR UPDATE OF r SKIP LOCKED
    ), matched AS (
        UPDATE dispatch.receipts AS r SET contact_id = f.contact_id FROM found AS f
         WHERE (r.account, r.message_id, r.status) = (f.account, f.message_id, f.status)
    ), best AS (
        SELECT contact_id, min(delivery) AS delivery FROM found GROUP BY contact_id
    )
    UPDATE dispatch.contacts AS c SET delivery = b.delivery FROM best AS b
     WHERE c.contact_id = b.contact_id
       AND (c.delivery IS NULL OR (c.delivery = 'undelivered' AND b.delivery = 'delivered'))
    RETURNING c.contact_id, c.plan, c.push_id, c.customer_id, c.traceparent, c.delivery
""")

# Only where nothing else of the number is on its way: its receipt would be taken for this one's. Receipts that nothing waits
# for are passed over at once, so that many of them, of messages that were never ours, cannot keep out the others.
_SETTLE_BY_NUMBER = text("""
    WITH lost AS (
        SELECT account, message_id, status, msisdn FROM dispatch.receipts AS r
         WHERE contact_id IS NULL AND receive_time > :oldest
           AND EXISTS (SELECT 1 FROM dispatch.contacts AS c
                        WHERE c.msisdn = r.msisdn AND c.account = r.account AND c.reserve_time > :oldest
                          AND c.state = 'indeterminate')
         ORDER BY receive_time LIMIT :limit FOR UPDATE SKIP LOCKED
    ), candidates AS (
        SELECT l.account, l.message_id, l.status, min(c.contact_id) AS contact_id
          FROM lost AS l
          JOIN dispatch.contacts AS c ON c.msisdn = l.msisdn AND c.account = l.account AND c.reserve_time > :oldest
         WHERE c.state IN ('indeterminate', 'reserved')
         GROUP BY l.account, l.message_id, l.status HAVING count(*) = 1 AND min(c.state) = 'indeterminate'
    ), matched AS (
        UPDATE dispatch.receipts AS r SET contact_id = x.contact_id FROM candidates AS x
         WHERE (r.account, r.message_id, r.status) = (x.account, x.message_id, x.status)
    ), best AS (
        SELECT contact_id, min(message_id) AS message_id,
               min(CASE status WHEN 'DELIVRD' THEN 'delivered' ELSE 'undelivered' END) AS delivery
          FROM candidates GROUP BY contact_id
    ), sent AS (
        UPDATE dispatch.pushes AS p SET state = 'sent', detail = 'settled by a late receipt' FROM best AS b
         WHERE p.contact_id = b.contact_id AND p.state = 'indeterminate'
        RETURNING p.contact_id
    )
    UPDATE dispatch.contacts AS c
       SET state = 'sent', send_time = c.reserve_time, delivery = b.delivery, message_id = b.message_id
      FROM best AS b JOIN sent USING (contact_id) WHERE c.contact_id = b.contact_id AND c.state = 'indeterminate'
    RETURNING c.contact_id, c.plan, c.push_id, c.customer_id, c.traceparent, c.delivery
""")

_LATEST = text("""
    SELECT c.contact_id, c.plan, c.push_id, c.customer_id, c.traceparent, c.policy, pl.offers
      FROM dispatch.contacts AS c JOIN dispatch.push_plans AS pl USING (plan)
     WHERE c.msisdn = :msisdn AND c.channel = 'sms' AND c.state <> 'released' AND c.reserve_time > :since
     ORDER BY c.reserve_time DESC, c.contact_id DESC LIMIT 1
""")

_KEEP_REPLY = text("""
    INSERT INTO dispatch.replies AS old (account, message_id, msisdn, text, meaning, contact_id, receive_time)
    VALUES (:account, :message_id, :msisdn, :text, :meaning, :contact, :now)
    ON CONFLICT (account, message_id) DO UPDATE
       SET msisdn = excluded.msisdn, text = excluded.text, meaning = excluded.meaning,
           contact_id = excluded.contact_id, receive_time = excluded.receive_time
     WHERE old.receive_time < :oldest
""")

_ANSWER = text("""
    UPDATE dispatch.contacts SET answer = :answer, answer_time = :now
     WHERE contact_id = :contact AND (answer IS NULL OR answer <> CAST(:answer AS text))
""")


class IncomingTables:
    """`services.dispatch.ports.store.Incoming`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def keep_receipts(self, receipts: Sequence[Receipt], now: datetime) -> None:
        values = {
            "accounts": [receipt.account for receipt in receipts],
            "message_ids": [receipt.gateway_message_id for receipt in receipts],
            "statuses": [receipt.status for receipt in receipts],
            "msisdns": [receipt.msisdn for receipt in receipts],
            "now": now,
            "oldest": now - _VALIDITY,
        }
        await self._tx.connection.execute(_KEEP_RECEIPTS, values)

    async def match_receipts(self, now: datetime, *, limit: int) -> Sequence[tuple[ContactRef, Delivery]]:
        return await self._deliveries(_MATCH, {"oldest": now - _VALIDITY, "limit": limit})

    async def settle_by_number(self, now: datetime, *, limit: int) -> Sequence[tuple[ContactRef, Delivery]]:
        return await self._deliveries(_SETTLE_BY_NUMBER, {"oldest": now - _VALIDITY, "limit": limit})

    async def latest_contact(self, msisdn: str, since: datetime) -> tuple[ContactRef, str] | None:
        asked = {"msisdn": msisdn, "since": since}
        row = (await self._tx.connection.execute(_LATEST, asked)).one_or_none()
        if row is None:
            return None
        keywords = {offer["policy"]: str(offer["order_keyword"]) for offer in row.offers}
        return contact_ref(row), keywords[row.policy]

    async def keep_reply(self, reply: Reply, meaning: str, contact: ContactRef | None, now: datetime) -> bool:
        values = {
            "account": reply.account,
            "message_id": reply.gateway_message_id,
            "msisdn": reply.msisdn,
            "text": reply.text,
            "meaning": meaning,
            "contact": contact.contact_id if contact else None,
            "now": now,
            "oldest": now - _VALIDITY,
        }
        return (await self._tx.connection.execute(_KEEP_REPLY, values)).rowcount == 1

    async def answer(self, contact_id: ContactId, answer: Answer, now: datetime) -> bool:
        values = {"contact": contact_id, "answer": answer.value, "now": now}
        return (await self._tx.connection.execute(_ANSWER, values)).rowcount == 1

    async def _deliveries(
        self, statement: TextClause, asked: Mapping[str, object]
    ) -> Sequence[tuple[ContactRef, Delivery]]:
        rows = await self._tx.connection.execute(statement, asked)
        return [(contact_ref(row), Delivery(row.delivery)) for row in rows]
