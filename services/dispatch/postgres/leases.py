"""Leases in PostgreSQL: lent with their calls, kept for longer, given back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, TextClause, insert, select, text, update

from services.dispatch.domain.calls import CallId, EarlierAnswer, Lease, LentCall, max_attempts
from services.dispatch.domain.plans import Channel, PlanId
from services.dispatch.domain.pushes import Answer, ContactId, Target
from services.dispatch.tables import LEASES
from shared.db.locks import advisory_lock
from shared.db.transactions import WriteTransaction

_EARLIER_ANSWERS = 5

_LENT_COLUMNS = """
    SELECT k.call_id, c.msisdn, c.customer_id, c.city, c.policy, k.attempt, p.call_backs, k.not_after, k.due_time
      FROM dispatch.calls AS k JOIN dispatch.contacts AS c USING (contact_id)
      JOIN dispatch.pushes AS p ON p.push_id = k.push_id
"""
_BEST_FIRST = "ORDER BY k.due_time NULLS LAST, p.rank"
_LENT = text(f"{_LENT_COLUMNS} WHERE k.lease = :lease {_BEST_FIRST}")
_UNDIALLED = text(f"{_LENT_COLUMNS} WHERE k.lease = :lease AND k.phase = 'leased' {_BEST_FIRST}")

_ANSWERS = text("""
    SELECT asked.customer_id, a.policy, a.channel, a.answer, a.answer_time
      FROM unnest(CAST(:customers AS text[])) AS asked(customer_id), LATERAL (
        SELECT c.policy, c.channel, c.answer, c.answer_time, c.contact_id FROM dispatch.contacts AS c
         WHERE c.customer_id = asked.customer_id AND c.reserve_time > :since AND c.answer IS NOT NULL
         ORDER BY c.answer_time DESC, c.contact_id DESC LIMIT :most) AS a
     ORDER BY a.answer_time DESC, a.contact_id DESC
""")

_LEND = text("""
    INSERT INTO dispatch.calls (lease, plan, push_id, contact_id, attempt, lease_time, not_after, due_time, phase)
    SELECT :lease, :plan, c.push_id, c.contact_id, c.attempt, :now, c.not_after, c.due_time, 'leased'
      FROM unnest(CAST(:pushes AS bigint[]), CAST(:contacts AS bigint[]), CAST(:attempts AS integer[]),
                  CAST(:not_after AS timestamptz[]), CAST(:due AS timestamptz[]))
        AS c(push_id, contact_id, attempt, not_after, due_time)
""")

_LOCK_PUSHES = text("""
    SELECT push_id FROM dispatch.pushes
     WHERE push_id IN (SELECT push_id FROM dispatch.calls WHERE lease = :lease AND phase = 'leased')
     ORDER BY push_id FOR UPDATE
""")

_RENEW = text("""
    UPDATE dispatch.calls AS k SET not_after = greatest(k.not_after, least(:end_time, :closing, pl.expire_time))
      FROM dispatch.push_plans AS pl
     WHERE k.lease = :lease AND k.phase = 'leased' AND k.not_after > :now AND pl.plan = k.plan
""")

_RELEASE = text("""
    WITH returned AS (
        UPDATE dispatch.calls SET phase = 'returned', finish_time = :now WHERE lease = :lease AND phase = 'leased'
        RETURNING push_id, contact_id
    ), released AS (
        UPDATE dispatch.contacts AS c SET state = 'released' FROM returned AS r WHERE c.contact_id = r.contact_id
    ), planned AS (
        UPDATE dispatch.pushes AS p SET state = 'planned', detail = '' FROM returned AS r
         WHERE p.push_id = r.push_id AND p.contact_id = r.contact_id
    )
    SELECT (SELECT count(*) FROM returned) AS returned,
           (SELECT count(*) FROM dispatch.calls WHERE lease = :lease AND phase = 'started') AS started
""")


class LeaseTable:
    """`services.dispatch.ports.calls.Leases`."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx

    async def find(self, request_id: str) -> Lease | None:
        await advisory_lock(self._tx, "dispatch.lease", [request_id])
        row = (await self._tx.connection.execute(select(LEASES).where(LEASES.c.request_id == request_id))).one_or_none()
        return _lease(row) if row else None

    async def lend(self, lease: Lease, calls: Sequence[tuple[Target, ContactId, datetime]]) -> None:
        stored = {
            "request_id": lease.request_id,
            "plan": lease.plan_id,
            "principal": lease.principal,
            "max_calls": lease.max_calls,
            "seconds": int(lease.duration.total_seconds()),
            "lease_time": lease.lease_time,
            "end_time": lease.end_time,
        }
        await self._tx.connection.execute(insert(LEASES).values(**stored))
        values = {
            "lease": lease.request_id,
            "plan": lease.plan_id,
            "now": lease.lease_time,
            "pushes": [target.push_id for target, _, _ in calls],
            "contacts": [contact_id for _, contact_id, _ in calls],
            "attempts": [target.attempts + 1 for target, _, _ in calls],
            "not_after": [not_after for _, _, not_after in calls],
            "due": [target.call_back_at for target, _, _ in calls],
        }
        await self._tx.connection.execute(_LEND, values)

    async def lent(self, request_id: str, *, answers_since: datetime) -> Sequence[LentCall]:
        return await self._calls(_LENT, request_id, answers_since)

    async def undialled(self, request_id: str, *, answers_since: datetime) -> Sequence[LentCall]:
        return await self._calls(_UNDIALLED, request_id, answers_since)

    async def renew(self, lease: Lease, *, closing: datetime, now: datetime) -> None:
        renewed = {"end_time": lease.end_time, "renewal": lease.renewal}
        await self._tx.connection.execute(
            update(LEASES).where(LEASES.c.request_id == lease.request_id).values(**renewed)
        )
        await self._tx.connection.execute(_LOCK_PUSHES, {"lease": lease.request_id})
        limits = {"lease": lease.request_id, "end_time": lease.end_time, "closing": closing, "now": now}
        await self._tx.connection.execute(_RENEW, limits)

    async def release(self, request_id: str, now: datetime) -> tuple[int, int]:
        ended = update(LEASES).where(LEASES.c.request_id == request_id, LEASES.c.end_time > now).values(end_time=now)
        await self._tx.connection.execute(ended)
        await self._tx.connection.execute(_LOCK_PUSHES, {"lease": request_id})
        counts = (await self._tx.connection.execute(_RELEASE, {"lease": request_id, "now": now})).one()
        return counts.returned, counts.started

    async def _calls(self, statement: TextClause, request_id: str, answers_since: datetime) -> Sequence[LentCall]:
        rows = (await self._tx.connection.execute(statement, {"lease": request_id})).all()
        customers = sorted({row.customer_id for row in rows})
        asked = {"customers": customers, "since": answers_since, "most": _EARLIER_ANSWERS}
        answers: dict[str, list[EarlierAnswer]] = {}
        for row in await self._tx.connection.execute(_ANSWERS, asked):
            answer = EarlierAnswer(row.policy, Channel(row.channel), Answer(row.answer), row.answer_time)
            answers.setdefault(row.customer_id, []).append(answer)
        return [_lent(row, answers.get(row.customer_id, ())) for row in rows]


def _lease(row: Row[tuple[object, ...]]) -> Lease:
    return Lease(
        request_id=row.request_id,
        plan_id=PlanId(row.plan),
        principal=row.principal,
        max_calls=row.max_calls,
        duration=timedelta(seconds=row.seconds),
        lease_time=row.lease_time,
        end_time=row.end_time,
        renewal=row.renewal,
    )


def _lent(row: Row[tuple[object, ...]], answers: Sequence[EarlierAnswer]) -> LentCall:
    return LentCall(
        call_id=CallId(row.call_id),
        msisdn=row.msisdn,
        customer_id=row.customer_id,
        city=row.city,
        policy=row.policy,
        attempt=row.attempt,
        max_attempts=max_attempts(row.call_backs),
        not_after=row.not_after,
        call_back_at=row.due_time,
        earlier_answers=tuple(answers),
    )
