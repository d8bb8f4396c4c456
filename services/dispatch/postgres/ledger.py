"""The ledger: picks pushes, reads what counts for their owners, and reserves contacts, each in one statement per batch."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import text

from services.dispatch.domain.plans import Plan, PlanId
from services.dispatch.domain.pushes import ContactId, PushId, PushState, Target
from services.dispatch.domain.rules import PastContact, Record, Rule
from services.dispatch.ports.store import Aside, Reservation
from services.dispatch.postgres.refusals import opted_out
from shared.db.locks import advisory_lock
from shared.db.transactions import WriteTransaction

OWNERS = "dispatch.owner"
"""What the locks of those are called whose contacts are being counted or added to."""

DEAD_FOR = timedelta(days=180)
"""So long before the window of the cap an address that was none is taken to be none still; then it is tried again."""

_PICK = text("""
    SELECT push_id, rank, customer_id, owner_id, msisdn, city, arm, policy, reservations, attempts, call_back_time, call_backs
      FROM dispatch.pushes
     WHERE plan = :plan AND state = 'planned'
       AND (CAST(:cities AS text[]) IS NULL OR city = ANY(CAST(:cities AS text[])))
     ORDER BY rank LIMIT :limit FOR UPDATE SKIP LOCKED
""")

_PICK_CALL_BACKS = text("""
    SELECT push_id, rank, customer_id, owner_id, msisdn, city, arm, policy, reservations, attempts, call_back_time, call_backs
      FROM dispatch.pushes
     WHERE plan = :plan AND state = 'planned' AND call_back_time IS NOT NULL
       AND (CAST(:cities AS text[]) IS NULL OR city = ANY(CAST(:cities AS text[])))
     ORDER BY call_back_time, rank LIMIT :limit FOR UPDATE SKIP LOCKED
""")

_RECORD = text(f"""
    SELECT owner_id, customer_id, policy, coalesce(send_time, reserve_time) AS at, NULL AS push_id, NULL AS rule
      FROM dispatch.contacts
     WHERE owner_id = ANY(CAST(:owners AS text[])) AND state <> 'released' AND reserve_time > :since
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, p.push_id, 'opt_out'
      FROM dispatch.pushes AS p JOIN dispatch.push_plans AS pl ON pl.plan = p.plan
     WHERE p.push_id = ANY(CAST(:pushes AS bigint[])) AND {opted_out("p", "pl")}
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, p.push_id, b.rule
      FROM dispatch.pushes AS p JOIN dispatch.barred_customers AS b USING (customer_id)
     WHERE p.push_id = ANY(CAST(:pushes AS bigint[]))
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, p.push_id, 'dead_address'
      FROM dispatch.pushes AS p JOIN dispatch.push_plans AS pl ON pl.plan = p.plan
      JOIN dispatch.dead_addresses AS d ON (d.channel, d.customer_id, d.msisdn) = (pl.channel, p.customer_id, p.msisdn)
     WHERE p.push_id = ANY(CAST(:pushes AS bigint[])) AND d.told_time > :dead_since
""")

_RESERVE = text("""
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:pushes AS bigint[]), CAST(:traceparents AS text[]), CAST(:parts AS integer[]))
            AS w(push_id, traceparent, parts)
    ), reserved AS (
        INSERT INTO dispatch.contacts (plan, push_id, attempt, customer_id, owner_id, msisdn, city, channel, policy,
                                       state, reserve_time, account, parts, traceparent)
        SELECT p.plan, p.push_id, p.reservations + 1, p.customer_id, p.owner_id, p.msisdn, p.city, :channel, p.policy,
               'reserved', :now, :account, w.parts, w.traceparent
          FROM wanted AS w JOIN dispatch.pushes AS p USING (push_id)
        RETURNING contact_id, push_id
    )
    UPDATE dispatch.pushes AS p
       SET state = :state, detail = '', hold_until = NULL, claim = :claim, write_time = NULL,
           reservations = p.reservations + 1, contact_id = r.contact_id
      FROM reserved AS r WHERE p.push_id = r.push_id
    RETURNING p.push_id, p.contact_id
""")

_SET_ASIDE = text("""
    UPDATE dispatch.pushes AS p SET state = a.state, detail = a.detail, hold_until = a.until
      FROM unnest(CAST(:pushes AS bigint[]), CAST(:states AS text[]), CAST(:details AS text[]),
                  CAST(:untils AS timestamptz[])) AS a(push_id, state, detail, until)
     WHERE p.push_id = a.push_id
""")

# Who agreed to be called back was reached before: without the call-back the push was sent all the same.
_SET_PLANNED_ASIDE = text("""
    UPDATE dispatch.pushes
       SET state = CASE WHEN call_back_time IS NOT NULL AND CAST(:state AS text) = 'expired' THEN 'sent' ELSE :state END,
           detail = :detail, hold_until = :until
     WHERE push_id IN (SELECT push_id FROM dispatch.pushes WHERE plan = :plan AND state = 'planned'
                        ORDER BY rank LIMIT :limit FOR UPDATE SKIP LOCKED)
""")

_RELEASE_HELD = text("""
    UPDATE dispatch.pushes SET state = 'planned', detail = '', hold_until = NULL
     WHERE push_id IN (SELECT push_id FROM dispatch.pushes WHERE plan = :plan AND state = 'held' AND hold_until <= :now
                        ORDER BY hold_until LIMIT :limit FOR UPDATE SKIP LOCKED)
""")

_RELEASE_ALL_HELD = text("""
    UPDATE dispatch.pushes SET state = 'planned', detail = '', hold_until = NULL
     WHERE push_id IN (
        SELECT due.push_id
          FROM dispatch.push_plans AS pl
          CROSS JOIN LATERAL (SELECT p.push_id FROM dispatch.pushes AS p
                               WHERE p.plan = pl.plan AND p.state = 'held' AND p.hold_until <= :now
                               ORDER BY p.hold_until LIMIT :limit FOR UPDATE SKIP LOCKED) AS due
         WHERE pl.state = 'started')
""")

_EXPIRE = text("""
    UPDATE dispatch.pushes
       SET state = CASE WHEN call_back_time IS NULL THEN 'expired' ELSE 'sent' END,
           detail = CASE WHEN call_back_time IS NULL THEN 'the plan has ended'
                         ELSE 'talked to, and not called back before the plan ended' END,
           hold_until = NULL
     WHERE push_id IN (SELECT p.push_id FROM dispatch.push_plans AS pl JOIN dispatch.pushes AS p USING (plan)
                        WHERE pl.expire_time <= :now AND p.state IN ('planned', 'held')
                        LIMIT :limit FOR UPDATE OF p SKIP LOCKED)
""")


class LedgerTables:
    """`services.dispatch.ports.store.Ledger`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def pick(self, plan_id: PlanId, *, limit: int, cities: Collection[str] | None) -> Sequence[Target]:
        asked = {"plan": plan_id, "limit": limit, "cities": None if cities is None else sorted(cities)}
        return [Target(*row) for row in await self._tx.connection.execute(_PICK, asked)]

    async def pick_call_backs(self, plan_id: PlanId, *, limit: int, cities: Collection[str] | None) -> Sequence[Target]:
        asked = {"plan": plan_id, "limit": limit, "cities": None if cities is None else sorted(cities)}
        return [Target(*row) for row in await self._tx.connection.execute(_PICK_CALL_BACKS, asked)]

    async def record_of(self, targets: Sequence[Target], *, since: datetime) -> Record:
        owners = sorted({target.owner_id for target in targets})
        await advisory_lock(self._tx, OWNERS, owners)
        asked = {
            "owners": owners,
            "since": since,
            "dead_since": since - DEAD_FOR,
            "pushes": [target.push_id for target in targets],
        }
        contacts: dict[str, list[PastContact]] = {}
        refused: dict[int, set[Rule]] = {}
        for row in await self._tx.connection.execute(_RECORD, asked):
            if row.push_id is not None:
                refused.setdefault(row.push_id, set()).add(Rule(row.rule))
            else:
                contacts.setdefault(row.owner_id, []).append(PastContact(row.customer_id, row.policy, row.at))
        opted_out = frozenset(push_id for push_id, rules in refused.items() if Rule.OPT_OUT in rules)
        barred = {push_id: min(rules) for push_id, rules in refused.items() if push_id not in opted_out}
        return Record(contacts, opted_out, barred)

    async def reserve(
        self,
        plan: Plan,
        reservations: Sequence[Reservation],
        *,
        state: PushState,
        account: str,
        claim: str,
        now: datetime,
    ) -> Mapping[PushId, ContactId]:
        wanted = {
            "pushes": [reservation.target.push_id for reservation in reservations],
            "traceparents": [reservation.traceparent for reservation in reservations],
            "parts": [plan.offer(reservation.target.policy).parts for reservation in reservations],
            "channel": plan.request.channel.value,
            "state": state.value,
            "account": account,
            "claim": claim,
            "now": now,
        }
        rows = await self._tx.connection.execute(_RESERVE, wanted)
        return {PushId(row.push_id): ContactId(row.contact_id) for row in rows}

    async def set_aside(self, asides: Sequence[Aside]) -> None:
        if not asides:
            return
        values = {
            "pushes": [aside.push_id for aside in asides],
            "states": [aside.state.value for aside in asides],
            "details": [aside.detail for aside in asides],
            "untils": [aside.until for aside in asides],
        }
        await self._tx.connection.execute(_SET_ASIDE, values)

    async def set_planned_aside(
        self, plan_id: PlanId, state: PushState, detail: str, *, until: datetime | None, limit: int
    ) -> int:
        values = {"plan": plan_id, "state": state.value, "detail": detail, "until": until, "limit": limit}
        return (await self._tx.connection.execute(_SET_PLANNED_ASIDE, values)).rowcount

    async def release_held(self, plan_id: PlanId, now: datetime, *, limit: int) -> int:
        values = {"plan": plan_id, "now": now, "limit": limit}
        return (await self._tx.connection.execute(_RELEASE_HELD, values)).rowcount

    async def release_all_held(self, now: datetime, *, limit: int) -> int:
        return (await self._tx.connection.execute(_RELEASE_ALL_HELD, {"now": now, "limit": limit})).rowcount

    async def expire(self, now: datetime, *, limit: int) -> int:
        return (await self._tx.connection.execute(_EXPIRE, {"now": now, "limit": limit})).rowcount
