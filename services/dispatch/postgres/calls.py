"""Leases and calls in PostgreSQL. A call changes only under the row lock of its push."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, insert, select, text, update

from services.dispatch.domain.calls import (
    BusinessResult,
    Call,
    CallId,
    CallPhase,
    LentCall,
    Report,
    SystemResult,
)
from services.dispatch.domain.plans import PlanId
from services.dispatch.domain.pushes import ContactId, Outcome, PushId, PushState, Target
from services.dispatch.ports.store import Lease
from services.dispatch.postgres.refusals import opted_out
from services.dispatch.tables import CALLS, CONTACTS, LEASES, PUSHES
from shared.db.locks import advisory_lock
from shared.db.transactions import WriteTransaction

_LOCK_PUSHES = text("""
    SELECT push_id FROM dispatch.pushes
     WHERE push_id IN (SELECT push_id FROM dispatch.calls WHERE call_id = ANY(CAST(:calls AS bigint[])))
     ORDER BY push_id FOR UPDATE
""")

_READ = text("""
    SELECT k.call_id, k.plan, k.push_id, k.contact_id, c.customer_id, c.msisdn, c.city, k.attempt, k.not_after, k.phase,
           k.system_result, k.business_result, p.state, p.contact_id AS push_contact, pl.expire_time, c.traceparent
      FROM dispatch.calls AS k
      JOIN dispatch.pushes AS p USING (push_id)
      JOIN dispatch.push_plans AS pl ON pl.plan = k.plan
      JOIN dispatch.contacts AS c ON c.contact_id = k.contact_id
     WHERE k.call_id = ANY(CAST(:calls AS bigint[]))
""")

_REFUSED = text(f"""
    SELECT k.call_id FROM dispatch.calls AS k
      JOIN dispatch.pushes AS p USING (push_id) JOIN dispatch.push_plans AS pl ON pl.plan = k.plan
     WHERE k.call_id = ANY(CAST(:calls AS bigint[])) AND {opted_out("p", "pl")}
""")

_LENT = text("""
    SELECT k.call_id, c.msisdn, c.customer_id, c.policy, k.attempt, k.not_after
      FROM dispatch.calls AS k JOIN dispatch.contacts AS c USING (contact_id)
      JOIN dispatch.pushes AS p ON p.push_id = k.push_id
     WHERE k.lease = :lease ORDER BY p.rank
""")

_LEND = text("""
    INSERT INTO dispatch.calls (lease, plan, push_id, contact_id, attempt, lease_time, not_after, phase)
    SELECT :lease, :plan, c.push_id, c.contact_id, c.attempt, :now, c.not_after, 'leased'
      FROM unnest(CAST(:pushes AS bigint[]), CAST(:contacts AS bigint[]), CAST(:attempts AS integer[]),
                  CAST(:not_after AS timestamptz[])) AS c(push_id, contact_id, attempt, not_after)
""")

_TAKE_BACK = text("""
    WITH taken AS (
        UPDATE dispatch.calls SET phase = 'returned' WHERE push_id = :push AND phase = 'leased' RETURNING contact_id
    )
    UPDATE dispatch.contacts SET state = 'released' WHERE contact_id IN (SELECT contact_id FROM taken)
""")

_OVERDUE = text("""
    SELECT call_id FROM dispatch.calls
     WHERE (phase = 'leased' AND not_after <= :now) OR (phase = 'started' AND start_time <= :started_before)
     ORDER BY call_id LIMIT :limit
""")


class CallTable:
    """`services.dispatch.ports.store.Calls`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def lease(self, request_id: str) -> Lease | None:
        await advisory_lock(self._tx, "dispatch.lease", [request_id])
        row = (await self._tx.connection.execute(select(LEASES).where(LEASES.c.request_id == request_id))).one_or_none()
        if row is None:
            return None
        return Lease(row.request_id, PlanId(row.plan), row.max_calls, timedelta(seconds=row.seconds), row.end_time)

    async def lend(self, lease: Lease, calls: Sequence[tuple[Target, ContactId, datetime]], *, now: datetime) -> None:
        stored = {"request_id": lease.request_id, "plan": lease.plan_id, "max_calls": lease.max_calls}
        seconds = int(lease.duration.total_seconds())
        await self._tx.connection.execute(insert(LEASES).values(**stored, seconds=seconds, end_time=lease.end_time))
        values = {
            "lease": lease.request_id,
            "plan": lease.plan_id,
            "now": now,
            "pushes": [target.push_id for target, _, _ in calls],
            "contacts": [contact_id for _, contact_id, _ in calls],
            "attempts": [target.attempts + 1 for target, _, _ in calls],
            "not_after": [not_after for _, _, not_after in calls],
        }
        await self._tx.connection.execute(_LEND, values)

    async def lent(self, request_id: str) -> Sequence[LentCall]:
        return [LentCall(*row) for row in await self._tx.connection.execute(_LENT, {"lease": request_id})]

    async def lock(self, call_ids: Collection[CallId]) -> Mapping[CallId, Call]:
        asked = {"calls": sorted(call_ids)}
        await self._tx.connection.execute(_LOCK_PUSHES, asked)
        return {CallId(row.call_id): _call(row) for row in await self._tx.connection.execute(_READ, asked)}

    async def refused(self, call_ids: Collection[CallId]) -> frozenset[CallId]:
        return frozenset((await self._tx.connection.execute(_REFUSED, {"calls": sorted(call_ids)})).scalars())

    async def start(self, call_id: CallId, now: datetime) -> None:
        started = {"phase": CallPhase.STARTED, "start_time": now}
        await self._tx.connection.execute(update(CALLS).where(CALLS.c.call_id == call_id).values(**started))

    async def end(self, call_id: CallId, phase: CallPhase, report: Report | None, now: datetime) -> None:
        ended: dict[str, object] = {"phase": phase, "finish_time": now}
        if report is not None:
            ended |= {"system_result": report.system_result, "business_result": report.business_result}
        await self._tx.connection.execute(update(CALLS).where(CALLS.c.call_id == call_id).values(**ended))

    async def settle_contact(self, call: Call, outcome: Outcome) -> None:
        changed = {"state": outcome.contact, "send_time": outcome.sent_at}
        statement = update(CONTACTS).where(CONTACTS.c.contact_id == call.contact_id).values(**changed)
        await self._tx.connection.execute(statement)

    async def settle_push(self, call: Call, outcome: Outcome, *, attempts: int) -> None:
        changed = {"state": outcome.push, "detail": outcome.detail, "hold_until": outcome.hold_until}
        statement = update(PUSHES).where(PUSHES.c.push_id == call.push_id)
        await self._tx.connection.execute(statement.values(**changed, attempts=PUSHES.c.attempts + attempts))

    async def take_back(self, push_id: PushId) -> bool:
        return (await self._tx.connection.execute(_TAKE_BACK, {"push": push_id})).rowcount > 0

    async def overdue(self, now: datetime, *, started_before: datetime, limit: int) -> Sequence[CallId]:
        asked = {"now": now, "started_before": started_before, "limit": limit}
        return [CallId(call_id) for call_id in (await self._tx.connection.execute(_OVERDUE, asked)).scalars()]


def _call(row: Row[tuple[object, ...]]) -> Call:
    return Call(
        call_id=CallId(row.call_id),
        plan_id=PlanId(row.plan),
        push_id=PushId(row.push_id),
        contact_id=ContactId(row.contact_id),
        customer_id=row.customer_id,
        msisdn=row.msisdn,
        city=row.city,
        attempt=row.attempt,
        not_after=row.not_after,
        phase=CallPhase(row.phase),
        system_result=SystemResult(row.system_result) if row.system_result else None,
        business_result=BusinessResult(row.business_result) if row.business_result else None,
        push_state=PushState(row.state),
        push_contact=ContactId(row.push_contact) if row.push_contact else None,
        plan_expire_time=row.expire_time,
        traceparent=row.traceparent,
    )
