"""Plans in PostgreSQL: created with the run that loads them, read with it, counted in one statement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.dispatch.domain.plans import (
    PLAN_KIND,
    Balance,
    Channel,
    Offer,
    Plan,
    PlanId,
    PlanRequest,
    PlanState,
)
from services.dispatch.domain.pushes import PushState
from services.dispatch.ports.store import PLAN_STARTED, PlanPage, TargetValues
from services.dispatch.tables import NOTICES, PLANS, PUSHES, RUNS
from shared.db.locks import notify
from shared.db.transactions import AnyTransaction, WriteTransaction
from shared.errors import NotFound
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.runs.domain import Run, RunPlace
from shared.runs.store import RunStore
from shared.runs.tables import run_of

_TARGET_COLUMNS = ("rank", "customer_id", "owner_id", "msisdn", "city", "arm", "policy", "product", "number_since")

_BALANCES = text("""
    SELECT plan, 'push' AS counted, state AS value, count(*) AS n
      FROM dispatch.pushes WHERE plan = ANY(CAST(:plans AS text[])) GROUP BY plan, state
    UNION ALL
    SELECT plan, 'delivery', delivery, count(*)
      FROM dispatch.contacts WHERE plan = ANY(CAST(:plans AS text[])) AND delivery IS NOT NULL GROUP BY plan, delivery
    UNION ALL
    SELECT plan, 'call', phase, count(*)
      FROM dispatch.calls WHERE plan = ANY(CAST(:plans AS text[])) GROUP BY plan, phase
""")


_STARTED = text("""
    SELECT plan FROM dispatch.push_plans AS pl
     WHERE state = 'started'
       AND EXISTS (SELECT 1 FROM dispatch.pushes AS p WHERE p.plan = pl.plan AND p.state IN ('planned', 'held'))
     ORDER BY start_time
""")


class _Count(NamedTuple):
    plan: str
    counted: str
    value: str
    n: int


class PlanQueries:
    """`services.dispatch.ports.store.PlanReader`."""

    def __init__(self, tx: AnyTransaction) -> None:
        self._reading = tx

    async def get(self, plan_id: PlanId) -> Plan:
        found = await self.find(plan_id)
        if found is None:
            raise NotFound(f"{PLAN_KIND}/{plan_id}")
        return found

    async def find(self, plan_id: PlanId) -> Plan | None:
        plans = await self._plans([plan_id])
        return plans[0] if plans else None

    async def page(self, *, after: RunPlace | None, limit: int) -> PlanPage:
        page = await RunStore(RUNS).page(self._reading, PLAN_KIND, after=after, limit=limit)
        plans = await self._plans([PlanId(run.run_id) for run in page.runs])
        return PlanPage(tuple(plans), page.next_place)

    async def balances(self, plan_ids: Sequence[PlanId]) -> Mapping[PlanId, Balance]:
        rows = await self._reading.connection.execute(_BALANCES, {"plans": list(plan_ids)})
        counts = [_Count(*row) for row in rows]
        return {plan: _balance([count for count in counts if count.plan == plan]) for plan in plan_ids}

    async def notice(self, channel: Channel) -> tuple[str, datetime] | None:
        statement = select(NOTICES.c.notice, NOTICES.c.update_time).where(NOTICES.c.channel == channel)
        row = (await self._reading.connection.execute(statement)).one_or_none()
        return (row.notice, row.update_time) if row else None

    async def _plans(self, plan_ids: Sequence[PlanId]) -> list[Plan]:
        """Return the plans that are there, newest first. Their runs are read second: who is created meanwhile has one, then."""
        if not plan_ids:
            return []  # every idle channel asks several times a second
        newest_first = PLANS.c.create_time.desc(), PLANS.c.plan.desc()
        statement = select(PLANS).where(PLANS.c.plan.in_(plan_ids)).order_by(*newest_first)
        rows = (await self._reading.connection.execute(statement)).all()
        runs = RUNS.runs
        found_runs = await self._reading.connection.execute(select(runs).where(runs.c.run_id.in_(plan_ids)))
        loads = {row.run_id: run_of(row) for row in found_runs}
        return [_plan(row, loads[row.plan]) for row in rows]


class PlanTable(PlanQueries):
    """`services.dispatch.ports.store.Plans`."""

    def __init__(self, tx: WriteTransaction) -> None:
        super().__init__(tx)
        self._tx = tx

    async def create(self, plan_id: PlanId, request: PlanRequest, *, principal: str, now: datetime) -> Plan:
        asked = _asked(request)
        load = await RunStore(RUNS).create(
            self._tx, kind=PLAN_KIND, run_id=plan_id, request=asked, principal=principal, now=now
        )
        # Asked again, it is left alone: its loader may hold it, and wait for the run that this transaction holds.
        if (known := await self.find(plan_id)) is not None:
            return known
        statement = insert(PLANS).values(
            plan=plan_id,
            display_name=request.display_name,
            channel=request.channel,
            state=PlanState.LOADING,
            targets=asdict(request.targets),
            offers=[asdict(offer) for offer in request.offers],
            expire_time=request.expire_time,
            create_time=load.create_time,
            traceparents=[],
        )
        await self._tx.connection.execute(statement)
        return await self.get(plan_id)

    async def start(self, plan_id: PlanId, *, by: str, traceparent: str, now: datetime) -> bool:
        ready = (PLANS.c.plan == plan_id, PLANS.c.state == PlanState.READY)
        row = (await self._tx.connection.execute(select(PLANS.c.traceparents).where(*ready).with_for_update())).first()
        if row is None:
            return False
        traceparents = [*row.traceparents, *([traceparent] if traceparent else [])]
        changed = {"state": PlanState.STARTED, "start_time": now, "started_by": by, "traceparents": traceparents}
        await self._tx.connection.execute(update(PLANS).where(*ready).values(**changed))
        await notify(self._tx, PLAN_STARTED)
        return True

    async def load(self, plan_id: PlanId, targets: Iterable[TargetValues], *, traceparent: str) -> int:
        columns = ("plan", "state", *_TARGET_COLUMNS)
        rows = ((plan_id, PushState.PLANNED.value, *values) for values in targets)
        count = await self._tx.copy_records(PUSHES, columns, rows)
        loaded = {"state": PlanState.READY, "traceparents": [traceparent] if traceparent else []}
        await self._tx.connection.execute(update(PLANS).where(PLANS.c.plan == plan_id).values(**loaded))
        return count

    async def started(self, known: Mapping[PlanId, Plan]) -> Sequence[Plan]:
        plan_ids = [PlanId(plan) for plan in (await self._tx.connection.execute(_STARTED)).scalars()]
        unknown = await self._plans([plan_id for plan_id in plan_ids if plan_id not in known])
        plans = {**known, **{plan.plan_id: plan for plan in unknown}}
        return [plans[plan_id] for plan_id in plan_ids]

    async def tell(self, channel: Channel, notice: str, now: datetime) -> None:
        told = {"notice": notice, "update_time": now}
        statement = upsert(NOTICES).values(channel=channel, **told)
        await self._tx.connection.execute(statement.on_conflict_do_update(index_elements=["channel"], set_=told))


def _asked(request: PlanRequest) -> JsonObject:
    """Return what tells one request from another: the planner's words, not what settings made of them."""
    return {
        "display_name": request.display_name,
        "channel": request.channel.value,
        "targets": asdict(request.targets),
        "offers": [_words(offer) for offer in request.offers],
        "expire_time": request.expire_time.isoformat(),
    }


def _words(offer: Offer) -> list[str]:
    """Return an offer's words; those that were added later only where there are any, so that a repeat of a request from
    before is still recognised."""
    words = [offer.policy, offer.product, offer.text, offer.order_keyword]
    return [*words, offer.title, offer.href] if offer.title or offer.href else words


def _plan(row: Row[tuple[object, ...]], load: Run) -> Plan:
    request = PlanRequest(
        display_name=row.display_name,
        channel=Channel(row.channel),
        targets=Dataset(**row.targets),
        offers=tuple(Offer(**offer) for offer in row.offers),
        expire_time=row.expire_time,
    )
    return Plan(
        plan_id=PlanId(row.plan),
        request=request,
        stored_state=PlanState(row.state),
        create_time=row.create_time,
        start_time=row.start_time,
        traceparents=tuple(row.traceparents),
        load=load,
    )


def _balance(counts: Sequence[_Count]) -> Balance:
    def of(counted: str) -> dict[str, int]:
        return {count.value: count.n for count in counts if count.counted == counted}

    deliveries, calls = of("delivery"), of("call")
    return Balance(
        states=of("push"),
        delivered=deliveries.get("delivered", 0),
        undelivered=deliveries.get("undelivered", 0),
        calls_leased=sum(calls.values()),
        calls_reported=calls.get("finished", 0),
        calls_returned=calls.get("returned", 0) + calls.get("lapsed", 0),
    )
