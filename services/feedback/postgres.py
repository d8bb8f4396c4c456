"""All SQL of feedback."""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    and_,
    column,
    false,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from services.feedback.domain import (
    Arm,
    ArmCounts,
    ContactEvent,
    EventKind,
    MemberOutcome,
    Outcome,
    PlanName,
    PlanReport,
    StartedPlan,
)
from services.feedback.ports import MemberRow
from services.feedback.tables import CURSORS, MEMBERS, OUTCOMES, PLANS
from shared.db.engine import Database
from shared.db.outbox import Cursor, Cursors
from shared.db.transactions import AnyTransaction, WriteTransaction
from shared.errors import NotFound

_CONSUMER = "dispatch"
_Columns: TypeAlias = ReadOnlyColumnCollection[str, Any]

_MARKS: dict[EventKind, dict[str, object]] = {
    EventKind.SENT: {"sent": True},
    EventKind.INDETERMINATE: {"sent": True},  # may have left: it counts as contacted, as it counts against the cap
    EventKind.DELIVERED: {"sent": True, "reached": True, "delivery_known": True},
    EventKind.UNDELIVERED: {"sent": True, "delivery_known": True},
    EventKind.ACCEPTED: {"reached": True, "answer": "accepted"},
    EventKind.CONSIDERING: {"reached": True, "answer": "considering"},
    EventKind.DECLINED: {"reached": True, "answer": "declined"},
    EventKind.OPTED_OUT: {"opted_out": True},
}
"""What an event says about a member; PLAN_STARTED says nothing about any."""


class PostgresEvaluations:
    """The reading side: reports."""

    def __init__(self, tx: AnyTransaction) -> None:
        self._connection = tx.connection

    async def report(self, name: PlanName) -> PlanReport:
        """Count a plan's arms. Raises NotFound."""
        found = (await self._connection.execute(select(PLANS).where(PLANS.c.plan == name))).one_or_none()
        if found is None:
            raise NotFound(name)
        rows = (await self._connection.execute(_counts(name))).all()
        times = [time for time in (found.latest_event_time, *(row.latest_order_time for row in rows)) if time]
        plan = StartedPlan(name, found.display_name, found.start_time)
        return PlanReport(plan, tuple(_arm_counts(row) for row in rows), max(times, default=None))

    async def member(self, name: PlanName, customer_id: str) -> MemberOutcome:
        """Return what came of one customer of a plan, by the rules of its report. Raises NotFound."""
        found = (await self._connection.execute(_member_of(name, customer_id))).one_or_none()
        if found is None:
            raise NotFound(f"customer {customer_id} in {name}")
        return MemberOutcome(
            arm=Arm(found.arm),
            policy=found.policy,
            sent=found.sent,
            reached=found.reached,
            answer=found.answer or "",
            opted_out=found.opted_out,
            ordered_at=found.order_time,
            success=found.success,
        )


class PostgresIntake(PostgresEvaluations):
    """The writing side, inside one transaction."""

    def __init__(self, tx: WriteTransaction) -> None:
        super().__init__(tx)
        self._tx = tx
        self._cursors = Cursors(CURSORS)

    async def load_cursor(self) -> str:
        return await self._cursors.load(self._tx, _CONSUMER)

    async def save_cursor(self, cursor: str) -> None:
        await self._cursors.save(self._tx, _CONSUMER, Cursor(cursor))

    async def known_plans(self, names: Collection[PlanName]) -> set[PlanName]:
        statement = select(PLANS.c.plan).where(PLANS.c.plan.in_(names))
        return {PlanName(name) for name in (await self._connection.execute(statement)).scalars()}

    async def add_plan(self, plan: StartedPlan, members: AsyncIterator[MemberRow]) -> None:
        row = {"plan": plan.name, "display_name": plan.display_name, "start_time": plan.start_time}
        await self._connection.execute(insert(PLANS).values(row))
        await self._tx.copy_records(
            MEMBERS, ("plan", "customer_id", "arm", "policy"), (_member(plan.name, member) async for member in members)
        )

    async def apply(self, events: Sequence[ContactEvent]) -> None:
        """Mark members, one statement per run of events of one kind, so that a customer's later answer wins."""
        for kind, run in _runs(events):
            if kind in _MARKS:
                await self._mark(kind, run)
        if orders := [order for event in events if (order := event.as_order()) is not None]:
            await self.add_outcomes(orders)
        for plan, latest in _latest(events).items():
            greatest = func.greatest(func.coalesce(PLANS.c.latest_event_time, latest), latest)
            await self._connection.execute(update(PLANS).where(PLANS.c.plan == plan).values(latest_event_time=greatest))

    async def add_outcomes(self, outcomes: Sequence[Outcome]) -> int:
        """Store orders and return how many were new."""
        rows = [
            {"order_id": o.order_id, "customer_id": o.customer_id, "policy": o.policy, "order_time": o.order_time}
            for o in outcomes
        ]
        statement = insert(OUTCOMES).values(rows).on_conflict_do_nothing().returning(OUTCOMES.c.order_id)
        return len((await self._connection.execute(statement)).all())

    async def _mark(self, kind: EventKind, events: Sequence[ContactEvent]) -> None:
        """Mark them by two arrays: a statement for each, hundreds in a page, would be bound and planned one by one."""
        marked = (
            func.unnest(
                literal([event.plan for event in events], ARRAY(Text)),
                literal([event.customer_id for event in events], ARRAY(Text)),
            )
            .table_valued(column("plan", Text), column("customer_id", Text), name="marked")
            .render_derived()
        )
        statement = (
            update(MEMBERS)
            .where(MEMBERS.c.plan == marked.c.plan, MEMBERS.c.customer_id == marked.c.customer_id)
            .values(_MARKS[kind])
        )
        await self._connection.execute(statement)


@dataclass(frozen=True, slots=True)
class PostgresFeedback:
    """Opens transactions on feedback's schema."""

    database: Database

    def open_intake(self) -> AbstractAsyncContextManager[PostgresIntake]:
        """Open the writing side in one transaction, committed when the body ends."""
        return self._open_intake()

    @asynccontextmanager
    async def _open_intake(self) -> AsyncIterator[PostgresIntake]:
        async with self.database.write() as tx:
            yield PostgresIntake(tx)


def _counts(name: PlanName) -> Select[Any]:
    """Count each arm's customers: a success ordered the policy after the start, by answer or by itself in BOSS."""
    counted = _members(name, func.max(OUTCOMES.c.order_time)).subquery().c
    success, contacted = _success(counted), _contacted(counted)
    known = or_(success, counted.answer.is_not(None), counted.opted_out, counted.delivery_known)
    return (
        select(
            counted.arm,
            func.count().label("members"),
            _how_many(counted.sent).label("sent"),
            _how_many(counted.reached).label("reached"),
            _how_many(counted.answer == "declined").label("declined"),
            _how_many(counted.opted_out).label("opted_out"),
            _how_many(and_(success, contacted)).label("successes"),
            _how_many(known).label("outcomes"),
            func.max(counted.order_time).label("latest_order_time"),
        )
        .group_by(counted.arm)
        .order_by(counted.arm)
    )


def _member_of(name: PlanName, customer_id: str) -> Select[Any]:
    member = _members(name, func.min(OUTCOMES.c.order_time)).where(MEMBERS.c.customer_id == customer_id).subquery().c
    return select(*member, and_(_success(member), _contacted(member)).label("success"))


def _members(name: PlanName, which_order: ColumnElement[datetime]) -> Select[Any]:
    """Return a plan's members with the time of one of their orders of the policy after the plan's start, in `order_time`."""
    order_time = (
        select(which_order)
        .where(
            OUTCOMES.c.customer_id == MEMBERS.c.customer_id,
            OUTCOMES.c.policy == MEMBERS.c.policy,
            OUTCOMES.c.order_time >= PLANS.c.start_time,
        )
        .scalar_subquery()
    )
    return (
        select(MEMBERS, order_time.label("order_time"))
        .join(PLANS, PLANS.c.plan == MEMBERS.c.plan)
        .where(MEMBERS.c.plan == name)
    )


def _success(member: _Columns) -> ColumnElement[bool]:
    return or_(member.order_time.is_not(None), func.coalesce(member.answer == "accepted", false()))


def _contacted(member: _Columns) -> ColumnElement[bool]:
    return or_(member.sent, member.arm == Arm.CONTROL)


def _arm_counts(row: Row[Any]) -> ArmCounts:
    return ArmCounts(
        arm=Arm(row.arm),
        members=row.members,
        sent=row.sent,
        reached=row.reached,
        declined=row.declined,
        opted_out=row.opted_out,
        successes=row.successes,
        outcomes=row.outcomes,
    )


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


def _member(plan: PlanName, member: MemberRow) -> tuple[object, ...]:
    return (plan, *member)


def _runs(events: Sequence[ContactEvent]) -> Iterator[tuple[EventKind, list[ContactEvent]]]:
    for kind, run in groupby(events, key=attrgetter("kind")):
        yield kind, list(run)


def _latest(events: Sequence[ContactEvent]) -> dict[PlanName, datetime]:
    latest: dict[PlanName, datetime] = {}
    for event in events:
        if event.plan:
            latest[event.plan] = max(event.event_time, latest.get(event.plan, event.event_time))
    return latest
