"""The ledger against a trivial sequential model: claims, results, deaths, opt-outs and time in any order."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
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
from sqlalchemy import text

from services.dispatch.channels.tracing import PushTraces
from services.dispatch.domain.plans import Offer, Plan
from services.dispatch.domain.pushes import ContactState, Outcome, Push, PushId, PushState
from services.dispatch.use_cases.admission import Destination, admit
from services.dispatch.use_cases.opt_outs import record_opt_out, withdraw_pushes
from services.dispatch.use_cases.sending import bury_worker, record_results, still_to_write
from shared.clock import LEGAL_ZONE, ManualClock
from shared.db.engine import open_database
from shared.db.roles import service_url
from tests.databases import ROLE_SECRET
from tests.factories.dispatch import MORNING, plan_request, target_row
from tests.integration.dispatch.rig import Rig

LINES = 6
WEEK = timedelta(days=7)
ENDS = MORNING + timedelta(days=400)
TABLES = "pushes, contacts, claims, opt_outs, push_plans, runs, run_stages, outbox"
RESULTS = {
    "sent": (PushState.SENT, ContactState.SENT),
    "indeterminate": (PushState.INDETERMINATE, ContactState.INDETERMINATE),
    "throttled": (PushState.PLANNED, ContactState.RELEASED),
    "refused": (PushState.FAILED, ContactState.RELEASED),
}


@dataclass
class ModelPush:
    """One push as the model has it; two lines belong to one owner."""

    line: int
    policy: str
    state: str = "planned"
    until: datetime | None = None
    contact_at: datetime | None = None
    """When its contact counts from; None when none counts."""

    @property
    def owner(self) -> int:
        return (self.line - 1) // 2


@dataclass
class ModelClaim:
    worker: str
    pushes: set[PushId]
    phase: str = "claimed"
    written: set[PushId] = field(default_factory=set)


def _kept_back(taken: Collection[PushId], *, late: bool) -> frozenset[PushId]:
    """What the time for the batch did not suffice for."""
    return frozenset(sorted(taken)[-1:]) if late else frozenset()


class LedgerMachine(RuleBasedStateMachine):
    admin_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock(MORNING)
        self.pushes: dict[PushId, ModelPush] = {}
        self.plans: list[Plan] = []
        self.claims: dict[str, ModelClaim] = {}
        self.opted_out: set[int] = set()
        self.names = 0
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.opened = open_database(service_url(self.admin_url, "dispatch", ROLE_SECRET), application_name="machine")
        self.rig = Rig(await self.opened.__aenter__(), self.clock)
        async with self.rig.database.write() as tx:
            names = ", ".join(f"dispatch.{name.strip()}" for name in TABLES.split(","))
            await tx.connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))

    def teardown(self) -> None:
        self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    @initialize()
    def make_plans(self) -> None:
        """Each line is in four plans; two of them offer the same."""
        for policy in ("a", "b", "c", "a"):
            offers = [Offer(policy, "", "x", "")]
            rows = [target_row(line, policy=policy, owner=f"o-{(line - 1) // 2}") for line in range(1, LINES + 1)]
            plan = self.runner.run(self.rig.plan(rows, plan_request(offers=offers, expire_time=ENDS)))
            self.plans.append(plan)
            for push in self.runner.run(self._stored(plan)):
                self.pushes[push.push_id] = ModelPush(push.rank, policy)

    @rule(plan_index=st.integers(0, 3), limit=st.integers(2, LINES))
    def claim(self, plan_index: int, limit: int) -> None:
        plan = self.plans[plan_index]
        expected = self._expected(plan, limit)
        self.names += 1
        claim, worker = f"claim-{self.names:03}", f"worker-{self.names:03}"
        admitted = self.runner.run(self._admit(plan, claim, worker, limit))
        assert admitted == expected
        if admitted:
            self.claims[claim] = ModelClaim(worker, set(admitted))

    def _expected(self, plan: Plan, limit: int) -> list[PushId]:
        """Go through the planned pushes by rank, as a careful clerk would, and say who may leave."""
        mine = [(push_id, push) for push_id, push in self.pushes.items() if self._is_of(plan, push_id)]
        planned = sorted((item for item in mine if item[1].state == "planned"), key=lambda item: item[1].line)
        local = self.clock.now().astimezone(LEGAL_ZONE)
        if not 8 <= local.hour < 21:
            opening = local.replace(hour=8, minute=0) + timedelta(days=0 if local.hour < 8 else 1)
            for _, push in planned:
                push.state, push.until = "held", opening
            return []
        allowed = []
        for push_id, push in planned[:limit]:
            if (until := self._held_until(push)) is not None:
                push.state, push.until = "held", until
            elif push.line in self.opted_out:
                push.state = "suppressed"
            else:
                push.state, push.until, push.contact_at = "claimed", None, self.clock.now()
                allowed.append(push_id)
        return allowed

    def _held_until(self, push: ModelPush) -> datetime | None:
        if push.line in self.opted_out:
            return None
        counting = [
            other
            for other in self.pushes.values()
            if other.owner == push.owner and other.contact_at and other.contact_at + WEEK > self.clock.now()
        ]
        times = sorted(other.contact_at for other in counting if other.contact_at)
        same = [
            other.contact_at
            for other in counting
            if other.contact_at and (other.line, other.policy) == (push.line, push.policy)
        ]
        untils = [max(same) + WEEK] if same else []
        untils += [times[-2] + WEEK] if len(times) >= 2 else []
        return max(untils, default=None)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """Begin to write, write some, and either note it or die before."""
        claim, model = data.draw(st.sampled_from(sorted(self.claims.items(), key=lambda item: item[0])))
        if model.phase != "claimed":
            return
        dies = data.draw(st.booleans())
        late = data.draw(st.booleans())
        taken = self.runner.run(self._write(claim, dies=dies, late=late))
        refused = {push_id for push_id in model.pushes if self.pushes[push_id].line in self.opted_out}
        assert taken == model.pushes - refused
        model.phase = "writing" if dies else "written"
        model.written = set() if dies else taken - _kept_back(taken, late=late)
        for push_id in set() if dies else refused:
            self._end(push_id, "cancelled")

    @precondition(lambda self: any(model.phase != "claimed" for model in self.claims.values()))
    @rule(data=st.data(), verdict=st.sampled_from(sorted(RESULTS)))
    def settle(self, data: st.DataObject, verdict: str) -> None:
        ready = sorted(claim for claim, model in self.claims.items() if model.phase != "claimed")
        claim = data.draw(st.sampled_from(ready))
        model = self.claims.pop(claim)
        state, contact = RESULTS[verdict]
        now = self.clock.now()
        outcomes = [
            Outcome(push_id, state, contact, "", sent_at=now if verdict == "sent" else None) for push_id in model.pushes
        ]
        self.runner.run(self._record(claim, outcomes))
        for push_id in model.pushes:
            push = self.pushes[push_id]
            if push.state == "claimed":
                push.state = state.value
                push.contact_at = {"sent": now, "indeterminate": push.contact_at}.get(verdict)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """Somebody finds the worker's key free."""
        model = self.claims.pop(data.draw(st.sampled_from(sorted(self.claims))))
        self.runner.run(self._bury(model.worker))
        for push_id in model.pushes:
            if self.pushes[push_id].state != "claimed":
                continue
            if model.phase == "writing" or push_id in model.written:
                self.pushes[push_id].state = "indeterminate"
            else:
                self._end(push_id, "planned")

    @rule(line=st.integers(1, LINES))
    def opt_out(self, line: int) -> None:
        self.opted_out.add(line)
        self.runner.run(self._opt_out(line))
        unwritten = {
            push_id
            for model in self.claims.values()
            if model.phase != "writing"
            for push_id in model.pushes - model.written
        }
        for push_id, push in self.pushes.items():
            waits = push.state in {"planned", "held"} or (push.state == "claimed" and push_id in unwritten)
            if push.line == line and waits:
                self._end(push_id, "cancelled")

    def _end(self, push_id: PushId, state: str) -> None:
        push = self.pushes[push_id]
        push.state, push.until, push.contact_at = state, None, None

    @precondition(lambda self: not self.claims)
    @rule(hours=st.sampled_from([1, 6, 13, 24, 96, 168]))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))
        for plan in self.plans:
            self.runner.run(self._release(plan))
        for push in self.pushes.values():
            if push.state == "held" and push.until is not None and push.until <= self.clock.now():
                push.state, push.until = "planned", None

    @invariant()
    def states_and_balance_are_the_models(self) -> None:
        for plan in self.plans:
            stored = self.runner.run(self._stored(plan))
            mine = {push.push_id: self.pushes[push.push_id] for push in stored}
            assert {push.push_id: (push.state.value, push.hold_until) for push in stored} == {
                push_id: (push.state, push.until) for push_id, push in mine.items()
            }
            assert self.runner.run(self.rig.states(plan)) == Counter(push.state for push in mine.values())

    def _is_of(self, plan: Plan, push_id: PushId) -> bool:
        return sorted(self.pushes).index(push_id) // LINES == self.plans.index(plan)

    async def _stored(self, plan: Plan) -> Sequence[Push]:
        async with self.rig.reading() as reading:
            return await reading.contacts.pushes(plan.plan_id, state=None, after_rank=0, limit=100, cities=None)

    async def _admit(self, plan: Plan, claim: str, worker: str, limit: int) -> list[PushId]:
        async with self.rig.work() as work:
            destination = Destination(PushState.CLAIMED, claim, "account")
            admission = await admit(
                plan,
                destination,
                limit=limit,
                work=work,
                traces=PushTraces(),
                rules=self.rig.rules,
                now=self.clock.now(),
            )
            if admission.admitted:
                await work.claims.begin(claim, worker)
        return [one.target.push_id for one in admission.admitted]

    async def _write(self, claim: str, *, dies: bool, late: bool) -> set[PushId]:
        async with self.rig.work() as work:
            assert await work.claims.begin_writing(claim)
        taken: frozenset[PushId] = frozenset()
        try:
            async with self.rig.work() as work:
                taken = await still_to_write(claim, work=work)
                if dies:
                    raise InterruptedError
                await work.claims.wrote(claim, unwritten=_kept_back(taken, late=late), now=self.clock.now())
        except InterruptedError:
            pass
        return set(taken)

    async def _record(self, claim: str, outcomes: list[Outcome]) -> None:
        async with self.rig.work() as work:
            await record_results(claim, outcomes, work=work, now=self.clock.now())

    async def _bury(self, worker: str) -> None:
        async with self.rig.work() as work:
            await bury_worker(worker, work=work, now=self.clock.now())

    async def _opt_out(self, line: int) -> None:
        async with self.rig.work() as work:
            opt_out = await record_opt_out(f"c-{line}", "", "desk", work=work, now=self.clock.now())
        async with self.rig.work() as work:
            await withdraw_pushes(opt_out, work=work)

    async def _release(self, plan: Plan) -> None:
        async with self.rig.work() as work:
            await work.ledger.release_held(plan.plan_id, self.clock.now(), limit=100)


def test_the_ledger_does_what_a_trivial_model_does(admin_url: str) -> None:
    machine = type("Machine", (LedgerMachine,), {"admin_url": admin_url})
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=slow),
    )
