"""What gateways bring: receipts matched with contacts, replies kept once each.

A receipt may come before the answer to its own message is recorded, so it is kept first and matched whenever both are there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, text

from services.dispatch.domain.pushes import Answer, ContactId, Delivery, PushId
from services.dispatch.ports.channels import Receipt, Reply
from services.dispatch.ports.store import AnsweredContact, ContactRef
from services.dispatch.postgres.claims import contact_ref
from shared.db.engine import Database
from shared.db.transactions import WriteTransaction

_VALIDITY = timedelta(hours=72)
"""Gateway ids carry no year: an older row of the same id is another message's."""

# By the driver's own parameters: it is run within a transaction, and without one.
_KEEP_RECEIPTS = """
    INSERT INTO dispatch.receipts AS old (account, message_id, status, msisdn, receive_time)
    SELECT DISTINCT ON (1, 2, 3) r.account, r.message_id, r.status, r.msisdn, CAST($5 AS timestamptz)
      FROM unnest(CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS text[]), CAST($4 AS text[]))
           AS r(account, message_id, status, msisdn)
     ORDER BY 1, 2, 3
    ON CONFLICT (account, message_id, status) DO UPDATE
       SET msisdn = excluded.msisdn, receive_time = excluded.receive_time, contact_id = NULL
     WHERE old.receive_time < CAST($6 AS timestamptz)
"""

# The contacts are locked with the receipts, so that of two that match two parts of one message the second one waits, or is
# passed over and comes again: else neither would see the other's, and the message be pending for ever. What is locked stays
# where it is, so that it is found again by its place: by its key, the planner would go through the whole table for each row
# as long as it takes the table for empty, a minute after the first receipts. And as long as it knows nothing of accounts, it
# takes them for many, and would first join all contacts of the one account: IS TRUE keeps it from that.
_MATCH = text("""
    WITH found AS (
        SELECT r.ctid AS place, c.contact_id
          FROM dispatch.receipts AS r
          JOIN dispatch.messages AS m USING (message_id)
          JOIN dispatch.contacts AS c
            ON c.contact_id = m.contact_id AND (c.account = r.account) IS TRUE AND r.msisdn IN (c.msisdn, '')
         WHERE r.contact_id IS NULL AND r.receive_time > :oldest AND c.reserve_time > :oldest
         ORDER BY r.receive_time LIMIT :limit FOR UPDATE OF r, c SKIP LOCKED
    )
    UPDATE dispatch.receipts AS r SET contact_id = f.contact_id FROM found AS f WHERE r.ctid = f.place
    RETURNING f.contact_id
""")

# `shared.wire.cmpp.stats.outcome_of_parts`, with the best word of each part: a later word replaces "undelivered" only, and
# what was delivered stays so. A statement of its own, to see what others committed before the locks of the one above.
_DELIVER = text("""
    WITH parts AS (
        SELECT m.contact_id, m.message_id, bool_or(r.status = 'DELIVRD') AS delivered
          FROM dispatch.contacts AS c
          JOIN dispatch.messages AS m USING (contact_id)
          JOIN dispatch.receipts AS r
            ON r.account = c.account AND r.message_id = m.message_id AND r.contact_id = m.contact_id
         WHERE c.contact_id = ANY(CAST(:contacts AS bigint[])) GROUP BY m.contact_id, m.message_id
    ), words AS (
        SELECT c.contact_id,
               CASE WHEN NOT bool_and(p.delivered) THEN 'undelivered' WHEN count(*) >= c.parts THEN 'delivered' END AS word
          FROM parts AS p JOIN dispatch.contacts AS c USING (contact_id)
         WHERE c.state = 'sent' GROUP BY c.contact_id, c.parts
    )
    UPDATE dispatch.contacts AS c SET delivery = w.word FROM words AS w
     WHERE c.contact_id = w.contact_id
       AND (c.delivery IS NULL OR (c.delivery = 'undelivered' AND w.word = 'delivered')) AND w.word IS NOT NULL
    RETURNING c.contact_id, c.plan, c.push_id, c.customer_id, c.traceparent, c.delivery
""")

# Only where nothing else of the number is on its way: its receipt would be taken for this one's. Receipts that nothing waits
# for are passed over at once, so that many of them, of messages that were never ours, cannot keep out the others. The pushes
# stay locked, so that two who adopt two parts of one message see each other's.
_ADOPT = text("""
    WITH lost AS (
        SELECT ctid AS place, account, message_id, msisdn FROM dispatch.receipts AS r
         WHERE contact_id IS NULL AND receive_time > :oldest
           AND EXISTS (SELECT 1 FROM dispatch.contacts AS c
                        WHERE c.msisdn = r.msisdn AND c.account = r.account AND c.reserve_time > :oldest
                          AND c.state = 'indeterminate')
           -- What is about a known message only waits for its turn to be matched with it.
           AND NOT EXISTS (SELECT 1 FROM dispatch.messages AS m JOIN dispatch.contacts AS c USING (contact_id)
                            WHERE m.message_id = r.message_id AND c.account = r.account AND c.reserve_time > :oldest)
         ORDER BY receive_time LIMIT :limit FOR UPDATE SKIP LOCKED
    ), candidates AS (
        SELECT l.place, l.message_id, min(c.contact_id) AS contact_id
          FROM lost AS l
          JOIN dispatch.contacts AS c ON c.msisdn = l.msisdn AND c.account = l.account AND c.reserve_time > :oldest
         WHERE c.state IN ('indeterminate', 'reserved')
         GROUP BY l.place, l.message_id HAVING count(*) = 1 AND min(c.state) = 'indeterminate'
    ), matched AS (
        UPDATE dispatch.receipts AS r SET contact_id = x.contact_id FROM candidates AS x WHERE r.ctid = x.place
    ), named AS (
        INSERT INTO dispatch.messages (contact_id, message_id) SELECT contact_id, message_id FROM candidates
        ON CONFLICT DO NOTHING
    )
    SELECT p.contact_id FROM dispatch.pushes AS p JOIN dispatch.contacts AS c USING (push_id, contact_id)
     WHERE c.contact_id IN (SELECT contact_id FROM candidates) ORDER BY p.push_id FOR UPDATE OF p
""")

# A receipt proves that a part was taken; the message has left when each of its parts is known to have been.
_SETTLE = text("""
    WITH complete AS (
        SELECT c.contact_id, c.push_id FROM dispatch.contacts AS c JOIN dispatch.messages AS m USING (contact_id)
         WHERE c.contact_id = ANY(CAST(:contacts AS bigint[])) AND c.state = 'indeterminate'
         GROUP BY c.contact_id HAVING count(*) >= c.parts
    ), sent AS (
        UPDATE dispatch.pushes AS p SET state = 'sent', detail = 'settled by a late receipt' FROM complete AS x
         WHERE p.push_id = x.push_id AND p.contact_id = x.contact_id AND p.state = 'indeterminate'
        RETURNING p.contact_id
    )
    UPDATE dispatch.contacts AS c SET state = 'sent', send_time = c.reserve_time FROM sent
     WHERE c.contact_id = sent.contact_id
    RETURNING c.contact_id, c.plan, c.push_id, c.customer_id, c.traceparent
""")

_ANSWERED = """
    SELECT c.contact_id, c.plan, c.push_id, c.customer_id, c.traceparent, c.policy, pl.offers
      FROM dispatch.contacts AS c JOIN dispatch.push_plans AS pl USING (plan)
"""

_LATEST = text(f"""{_ANSWERED}
     WHERE c.msisdn = :msisdn AND c.channel = 'sms' AND c.state <> 'released' AND c.reserve_time > :since
     ORDER BY c.reserve_time DESC, c.contact_id DESC LIMIT 1
""")

_OF_PUSH = text(f"""{_ANSWERED}
      JOIN dispatch.pushes AS p ON p.push_id = c.push_id AND p.contact_id = c.contact_id
     WHERE p.push_id = :push AND c.state <> 'released'
""")

_KEEP_REPLY = text("""
    INSERT INTO dispatch.replies AS old (account, message_id, msisdn, text, meaning, contact_id, receive_time)
    VALUES (:account, :message_id, :msisdn, :text, :meaning, :contact, :now)
    ON CONFLICT (account, message_id) DO UPDATE
       SET msisdn = excluded.msisdn, text = excluded.text, meaning = excluded.meaning,
           contact_id = excluded.contact_id, receive_time = excluded.receive_time
     WHERE old.receive_time < :oldest
""")

_KEEP_DEAD = text("""
    INSERT INTO dispatch.dead_addresses (channel, customer_id, msisdn, status, told_time)
    SELECT DISTINCT ON (pl.channel, p.customer_id, p.msisdn) pl.channel, p.customer_id, p.msisdn, d.status, :now
      FROM unnest(CAST(:pushes AS bigint[]), CAST(:statuses AS text[])) AS d(push_id, status)
      JOIN dispatch.pushes AS p USING (push_id) JOIN dispatch.push_plans AS pl USING (plan)
     ORDER BY pl.channel, p.customer_id, p.msisdn
    ON CONFLICT (channel, customer_id, msisdn) DO UPDATE SET status = excluded.status, told_time = excluded.told_time
""")

_ANSWER = text("""
    UPDATE dispatch.contacts SET answer = :answer, answer_time = :now
     WHERE contact_id = :contact AND (answer IS NULL OR answer <> CAST(:answer AS text))
""")


@dataclass(frozen=True, slots=True)
class KeptReceipts:
    """`services.dispatch.ports.store.ReceiptKeeper`."""

    database: Database

    async def keep(self, receipts: Sequence[Receipt], now: datetime) -> None:
        await self.database.run(_KEEP_RECEIPTS, *_values_of(receipts, now))


class IncomingTables:
    """`services.dispatch.ports.store.Incoming`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def keep_dead(self, pushes: Mapping[PushId, str], now: datetime) -> None:
        values = {"pushes": list(pushes), "statuses": list(pushes.values()), "now": now}
        await self._tx.connection.execute(_KEEP_DEAD, values)

    async def keep_receipts(self, receipts: Sequence[Receipt], now: datetime) -> None:
        await self._tx.connection.exec_driver_sql(_KEEP_RECEIPTS, _values_of(receipts, now))

    async def match_receipts(
        self, now: datetime, *, limit: int
    ) -> tuple[Sequence[ContactRef], Sequence[tuple[ContactRef, Delivery]]]:
        asked = {"oldest": now - _VALIDITY, "limit": limit}
        return await self._settle((await self._tx.connection.execute(_MATCH, asked)).scalars())

    async def settle_by_number(
        self, now: datetime, *, limit: int
    ) -> tuple[Sequence[ContactRef], Sequence[tuple[ContactRef, Delivery]]]:
        asked = {"oldest": now - _VALIDITY, "limit": limit}
        return await self._settle((await self._tx.connection.execute(_ADOPT, asked)).scalars())

    async def latest_contact(self, msisdn: str, since: datetime) -> AnsweredContact | None:
        asked = {"msisdn": msisdn, "since": since}
        return _answered((await self._tx.connection.execute(_LATEST, asked)).one_or_none())

    async def contact_of_push(self, push_id: PushId) -> AnsweredContact | None:
        return _answered((await self._tx.connection.execute(_OF_PUSH, {"push": push_id})).one_or_none())

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

    async def _settle(
        self, contacts: Iterable[ContactId]
    ) -> tuple[Sequence[ContactRef], Sequence[tuple[ContactRef, Delivery]]]:
        """Say of contacts with new receipts what these say together; return those that are known to have left now, and
        those whose delivery changed."""
        touched = sorted(set(contacts))
        if not touched:
            return (), ()
        settled = [contact_ref(row) for row in await self._tx.connection.execute(_SETTLE, {"contacts": touched})]
        rows = await self._tx.connection.execute(_DELIVER, {"contacts": touched})
        return settled, [(contact_ref(row), Delivery(row.delivery)) for row in rows]


def _answered(row: Row[tuple[object, ...]] | None) -> AnsweredContact | None:
    if row is None:
        return None
    keywords = {offer["policy"]: str(offer["order_keyword"]) for offer in row.offers}
    return AnsweredContact(contact_ref(row), keywords[row.policy])


def _values_of(receipts: Sequence[Receipt], now: datetime) -> tuple[object, ...]:
    return (
        [receipt.account for receipt in receipts],
        [receipt.gateway_message_id for receipt in receipts],
        [receipt.status for receipt in receipts],
        [receipt.msisdn for receipt in receipts],
        now,
        now - _VALIDITY,
    )
