"""Calls in PostgreSQL. A call changes only under the row lock of its push."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Row, text, update

from services.dispatch.domain.calls import (
    BusinessResult,
    Call,
    CallId,
    CallPhase,
    Report,
    SystemResult,
)
from services.dispatch.domain.plans import PlanId
from services.dispatch.domain.pushes import ContactId, Outcome, PushId, PushState
from services.dispatch.postgres.refusals import opted_out
from services.dispatch.tables import CALLS, CONTACTS, PUSHES
from shared.db.transactions import WriteTransaction

_LOCK_PUSHES = text("""
    SELECT push_id FROM dispatch.pushes
     WHERE push_id IN (SELECT push_id FROM dispatch.calls WHERE call_id = ANY(CAST(:calls AS bigint[])))
     ORDER BY push_id FOR UPDATE
""")

_READ = text("""
    SELECT k.call_id, k.plan, k.push_id, k.contact_id, c.customer_id, c.msisdn, c.city, k.attempt, k.not_after, k.phase,
           k.system_result, k.business_result, k.call_back_time, k.due_time, p.call_backs, p.state,
           p.contact_id AS push_contact, pl.expire_time, c.traceparent
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
    """`services.dispatch.ports.calls.Calls`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

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
            ended |= {
                "system_result": report.system_result,
                "business_result": report.business_result,
                "call_back_time": report.call_back_at,
            }
        await self._tx.connection.execute(update(CALLS).where(CALLS.c.call_id == call_id).values(**ended))

    async def settle_contact(self, call: Call, outcome: Outcome) -> None:
        changed = {"state": outcome.contact, "send_time": outcome.sent_at}
        statement = update(CONTACTS).where(CONTACTS.c.contact_id == call.contact_id).values(**changed)
        await self._tx.connection.execute(statement)

    async def settle_push(self, call: Call, outcome: Outcome, *, attempts: int) -> None:
        changed: dict[str, object] = {
            "state": outcome.push,
            "detail": outcome.detail,
            "hold_until": outcome.hold_until,
            "attempts": PUSHES.c.attempts + attempts,
        }
        if outcome.call_back_at is not None:
            changed |= {"call_back_time": outcome.call_back_at, "call_backs": PUSHES.c.call_backs + 1}
        await self._tx.connection.execute(update(PUSHES).where(PUSHES.c.push_id == call.push_id).values(**changed))

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
        result=(
            SystemResult(row.system_result) if row.system_result else None,
            BusinessResult(row.business_result) if row.business_result else None,
            row.call_back_time,
        ),
        agreed=row.due_time is not None,
        call_backs=row.call_backs,
        push_state=PushState(row.state),
        push_contact=ContactId(row.push_contact) if row.push_contact else None,
        plan_expire_time=row.expire_time,
        traceparent=row.traceparent,
    )
