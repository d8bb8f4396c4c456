"""A lease's life in any order: leased, renewed, released, reported, expired, refused; the balance stays exact throughout."""

import asyncio
import uuid
from collections import Counter
from datetime import datetime, timedelta

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Row, TextClause, text

from services.dispatch.channels.tracing import PushTraces
from services.dispatch.domain.calls import (
    LONGEST_LEASE,
    BusinessResult,
    CallId,
    CallReceipt,
    CallVerdict,
    Lease,
    Report,
    SystemResult,
)
from services.dispatch.domain.plans import Channel, Plan
from services.dispatch.use_cases.calls import report_calls
from services.dispatch.use_cases.leases import Lent, lease_calls, release_lease, renew_lease
from services.dispatch.use_cases.opt_outs import record_opt_out, withdraw_pushes
from services.dispatch.worker.housekeeping import Housekeeping
from shared.clock import ManualClock
from shared.db.engine import open_database
from shared.db.roles import service_url
from shared.errors import WrongState
from tests.databases import ROLE_SECRET
from tests.factories.dispatch import CONTRACT, MORNING, plan_request, target_row
from tests.integration.dispatch.rig import Rig

LINES = 5
ENDS = MORNING + timedelta(days=3)
TABLES = "pushes, contacts, claims, leases, calls, opt_outs, push_plans, runs, run_stages, outbox"
UNANSWERED = sorted(set(SystemResult) - {SystemResult.ANSWERED})
TALKS = sorted(set(BusinessResult) - {BusinessResult.CALL_BACK})

_DISAGREEING = text("""
    SELECT p.push_id, p.state, count(k.call_id) AS in_hand, count(c.contact_id) AS reserved
      FROM dispatch.pushes AS p
      LEFT JOIN dispatch.calls AS k ON k.push_id = p.push_id AND k.phase IN ('leased', 'started')
      LEFT JOIN dispatch.contacts AS c ON c.contact_id = k.contact_id AND c.state = 'reserved' AND c.contact_id = p.contact_id
     GROUP BY p.push_id, p.state
    HAVING count(k.call_id) <> CASE p.state WHEN 'leased' THEN 1 ELSE 0 END OR count(c.contact_id) <> count(k.call_id)
""")
_ORPHANS = text("""
    SELECT contact_id FROM dispatch.contacts WHERE state = 'reserved'
       AND contact_id NOT IN (SELECT contact_id FROM dispatch.calls WHERE phase IN ('leased', 'started'))
""")
_TALKED_TO = text("""
    SELECT p.customer_id FROM dispatch.pushes AS p JOIN dispatch.contacts AS c USING (push_id)
     WHERE c.state = 'sent' AND p.state IN ('planned', 'cancelled', 'expired', 'suppressed') AND p.call_back_time IS NULL
""")


class LeaseMachine(RuleBasedStateMachine):
    admin_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock(MORNING)
        self.leases: dict[str, datetime] = {}
        """Lease -> since when it is lent."""
        self.not_after: dict[CallId, datetime] = {}
        self.customer_of: dict[CallId, str] = {}
        self.over: set[CallId] = set()
        self.opted_out: set[str] = set()
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.opened = open_database(service_url(self.admin_url, "dispatch", ROLE_SECRET), application_name="machine")
        self.rig = Rig(await self.opened.__aenter__(), self.clock)
        self.rounds = Housekeeping(self.rig.work, dict, timedelta(minutes=30), self.clock)
        async with self.rig.database.write() as tx:
            names = ", ".join(f"dispatch.{name.strip()}" for name in TABLES.split(","))
            await tx.connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))

    def teardown(self) -> None:
        self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    @initialize()
    def make_plan(self) -> None:
        rows = [target_row(line, policy=CONTRACT.policy) for line in range(1, LINES + 1)]
        request = plan_request(Channel.CALL, expire_time=ENDS)
        self.plan: Plan = self.runner.run(self.rig.plan(rows, request))

    @rule(size=st.integers(1, LINES), minutes=st.sampled_from([1, 10, 60]))
    def lease(self, size: int, minutes: int) -> None:
        lent = self.runner.run(self._lease(size, timedelta(minutes=minutes)))
        self._note(lent)
        self.leases[lent.lease.request_id] = self.clock.now()
        assert not {call.customer_id for call in lent.calls} & self.opted_out

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), minutes=st.sampled_from([1, 10, 60]))
    def renew(self, data: st.DataObject, minutes: int) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.leases, key=lambda each: self.leases[each])))
        try:
            self._note(self.runner.run(self._renew(lease_id, timedelta(minutes=minutes))))
        except WrongState:
            return

    def _note(self, lent: Lent) -> None:
        """Take the calls in hand; whoever holds a lease believes the times that it was told last."""
        since = self.leases.get(lent.lease.request_id, self.clock.now())
        for call in lent.calls:
            assert self.clock.now() < call.not_after <= min(lent.lease.end_time, ENDS, since + LONGEST_LEASE)
            assert self.rig.rules.hours[Channel.CALL].are_open(call.not_after - timedelta(microseconds=1))
            assert call.not_after >= self.not_after.get(call.call_id, call.not_after)
            self.not_after[call.call_id] = call.not_after
            self.customer_of[call.call_id] = call.customer_id

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.leases, key=lambda each: self.leases[each])))
        self.runner.run(self._release(lease_id))
        assert self.runner.run(self._release(lease_id))[0] == 0

    @precondition(lambda self: set(self.not_after) - self.over)
    @rule(data=st.data(), later=st.sampled_from([0, 0, 1, 10, 60]))
    def start(self, data: st.DataObject, later: int) -> None:
        """Ask for leave to dial, at once or after a while, of a call that was not seen to end."""
        self.clock.advance(timedelta(minutes=later))
        call_id = data.draw(st.sampled_from(sorted(set(self.not_after) - self.over)))
        verdict = self._report(Report(call_id)).verdict
        self.over |= {call_id} if verdict is CallVerdict.DO_NOT_DIAL else set()
        if self.clock.now() >= self.not_after[call_id] or self.customer_of[call_id] in self.opted_out:
            assert verdict is CallVerdict.DO_NOT_DIAL

    @precondition(lambda self: self.not_after)
    @rule(
        data=st.data(),
        said=st.one_of(
            st.sampled_from(TALKS).map(lambda business: (SystemResult.ANSWERED, business, None)),
            st.sampled_from(UNANSWERED).map(lambda system: (system, None, None)),
            st.integers(0, 80).map(lambda hours: (SystemResult.ANSWERED, BusinessResult.CALL_BACK, hours)),
        ),
    )
    def finish(self, data: st.DataObject, said: tuple[SystemResult, BusinessResult | None, int | None]) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.not_after)))
        system, business, hours = said
        at = None if hours is None else self.clock.now() + timedelta(hours=hours)
        report = Report(call_id, system, business, at)
        verdict = self._report(report).verdict
        assert verdict in {CallVerdict.TAKEN, CallVerdict.CONFLICT}
        self.over.add(call_id)
        before = self.runner.run(self._stored())
        assert self._report(report).verdict is verdict
        assert self.runner.run(self._stored()) == before
        if verdict is CallVerdict.TAKEN and business in {BusinessResult.DO_NOT_CALL, BusinessResult.COMPLAINT}:
            self.opted_out.add(self.customer_of[call_id])

    @rule(line=st.integers(1, LINES))
    def opt_out(self, line: int) -> None:
        self.runner.run(self._opt_out(line))
        self.opted_out.add(f"c-{line}")

    @rule(minutes=st.sampled_from([1, 9, 30, 60, 600, 1440]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule()
    def housekeeping(self) -> None:
        self.runner.run(self.rounds.go_round())

    @invariant()
    def every_push_stands_in_one_place(self) -> None:
        if not hasattr(self, "plan"):
            return
        assert sum(self.runner.run(self.rig.states(self.plan)).values()) == LINES
        assert self.runner.run(self._found(_DISAGREEING)) == []
        assert self.runner.run(self._found(_ORPHANS)) == []
        assert self.runner.run(self._found(_TALKED_TO)) == []

    def _report(self, report: Report) -> CallReceipt:
        return self.runner.run(self._reported(report))

    async def _reported(self, report: Report) -> CallReceipt:
        async with self.rig.work() as work:
            (receipt,) = await report_calls(
                [report], cities=None, work=work, rules=self.rig.rules, now=self.clock.now()
            )
        return receipt

    async def _lease(self, size: int, duration: timedelta) -> Lent:
        now = self.clock.now()
        asked = Lease(str(uuid.uuid4()), self.plan.plan_id, "dialer", size, duration, now, now + duration)
        async with self.rig.work() as work:
            return await lease_calls(asked, cities=None, work=work, traces=PushTraces(), rules=self.rig.rules, now=now)

    async def _renew(self, lease_id: str, duration: timedelta) -> Lent:
        async with self.rig.work() as work:
            return await renew_lease(
                lease_id,
                request_id=str(uuid.uuid4()),
                duration=duration,
                principal="dialer",
                work=work,
                rules=self.rig.rules,
                now=self.clock.now(),
            )

    async def _release(self, lease_id: str) -> tuple[int, int]:
        async with self.rig.work() as work:
            return await release_lease(lease_id, principal="dialer", work=work, now=self.clock.now())

    async def _opt_out(self, line: int) -> None:
        async with self.rig.work() as work:
            opt_out = await record_opt_out(f"c-{line}", "", "desk", work=work, now=self.clock.now())
        async with self.rig.work() as work:
            await withdraw_pushes(opt_out, work=work)

    async def _stored(self) -> Counter[tuple[object, ...]]:
        rows = await self._found(
            text("SELECT push_id, state, detail, hold_until, attempts, call_backs FROM dispatch.pushes")
        )
        events = await self._found(text("SELECT payload->>'kind', payload->>'customer' FROM dispatch.outbox"))
        return Counter(tuple(row) for row in [*rows, *events])

    async def _found(self, asked: TextClause) -> list[Row[tuple[object, ...]]]:
        async with self.rig.database.read() as tx:
            return list(await tx.connection.execute(asked))


def test_a_leases_life_keeps_the_balance_whatever_comes_when(admin_url: str) -> None:
    machine = type("Machine", (LeaseMachine,), {"admin_url": admin_url})
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=slow),
    )
