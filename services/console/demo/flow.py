"""The demonstration: a simulated province through one whole cycle, four push plans, and what came of them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.feedback.v1 import evaluation_service_pb2 as evaluation_pb

from services.console.clients import Clients
from services.console.cycle import CycleInputs, CycleResult, run_cycle
from services.console.demo.report import DemoReport, arm_figures, push_states
from services.console.matrices import extraction_matrix
from services.console.plans import Channel, PlanRequest, Zone, create_plan
from services.console.publishing import Publisher
from services.console.render.channels import side_by_side
from services.console.runs import Follower, Progress, patient
from shared.clock import LEGAL_ZONE, Clock, SystemClock
from shared.errors import NotFound, Unavailable

CYCLE = "2026-11"
START = datetime(2026, 11, 9, 9, 30, tzinfo=LEGAL_ZONE)
"""A Monday morning of the cycle: calls and messages are within hours whenever the demonstration is run."""

PLANNER, REVIEWER = "planner", "reviewer"
"""Who takes the matrices in, and who stands for them: never one and the same."""

_CONTROL_PERCENT = 10
_RANDOM_PERCENT = 10
_SETTLE_SECONDS = 120.0
_QUIET_SECONDS = 2.0
_LOOK_SECONDS = 0.3


_FEWEST_CONTACTS, _MOST_CONTACTS = 50, 600
"""Of each plan: enough to compare arms by, and no more than a morning's work for one line and 25 agents."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """A plan of the demonstration: what is offered of the lists, by a zone or by an extraction matrix of the planner's."""

    display_name: str
    channel: Channel
    zone: Zone | None
    extraction: str = ""


_WISHES = (
    _Wish("New services by SMS", Channel.SMS, Zone.NEW_SERVICE),
    _Wish("Retention by call", Channel.CALL, Zone.RETENTION),
    _Wish("Voice packs by WAP push", Channel.WAP, Zone.VOICE_USAGE),
    _Wish("Newspaper trial for the young by mail", Channel.MAIL, None, extraction="extraction.csv"),
)

Plans = Mapping[str, plan_pb.PushPlan]
"""The demonstration's plans by their names for people."""


def weekday_morning() -> SystemClock:
    """Return a clock that reads START now."""
    return SystemClock(START - SystemClock().now())


async def run_demo_cycle(
    extracts: Path, planner: Path, *, seed: int, clients: Clients, progress: Progress
) -> CycleResult:
    """Run the cycle of the demonstration over the sandbox's extracts."""
    inputs = CycleInputs(
        cycle=CYCLE,
        extracts=extracts,
        planner=planner,
        control_percent=_CONTROL_PERCENT,
        random_percent=_RANDOM_PERCENT,
        seed=seed,
        products=(),
        reviewer=REVIEWER,
    )
    return await run_cycle(inputs, clients=clients, follower=Follower(progress))


async def start_plans(
    result: CycleResult, planner: Path, *, clients: Clients, progress: Progress, clock: SystemClock
) -> Plans:
    """Create and start the plans, in the order in which they were wished for."""
    plans: dict[str, plan_pb.PushPlan] = {}
    for wish in _WISHES:
        matrix = await _extraction(planner / wish.extraction, result, clients, progress) if wish.extraction else ""
        request = PlanRequest(
            display_name=wish.display_name,
            assembly_run=result.assembly_run,
            channel=wish.channel,
            zone=wish.zone,
            policy="",
            limit=min(_MOST_CONTACTS, max(_FEWEST_CONTACTS, result.assembly_run.lists.row_count // 8)),
            cities=(),
            expire_time=clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=7),
            matrix=matrix,
        )
        plan = await create_plan(request, clients=clients, follower=Follower(progress))
        start = partial(clients.plans.StartPushPlan, plan_pb.StartPushPlanRequest(name=plan.name))
        plans[wish.display_name] = (await patient(start)).push_plan
    return plans


@dataclass(frozen=True, slots=True)
class Settled:
    """The plans as counted at `time`; calls that customers asked for may come due later."""

    plans: Plans
    time: datetime


async def _extraction(path: Path, result: CycleResult, clients: Clients, progress: Progress) -> str:
    """Take an extraction matrix in and have it approved: unapproved it reaches nobody."""
    matrix = await extraction_matrix(str(path), clients)
    publisher = Publisher(clients, Follower(progress), REVIEWER)
    await publisher.approve([matrix], catalogue=result.assembly_run.policy_catalogue)
    return matrix


async def settle(plans: Plans, *, clients: Clients, progress: Callable[[Plans], None], clock: Clock) -> Settled:
    """Wait until every push has left or waits for a rule, every lent call is reported, and nothing moves for two seconds.

    Raises Unavailable, saying what is still in work, after two minutes.
    """
    deadline = time.monotonic() + _SETTLE_SECONDS
    current, quiet_since = plans, time.monotonic()
    while time.monotonic() < deadline:
        counted_from = clock.now()
        latest = {name: await _read(plan.name, clients) for name, plan in plans.items()}
        if latest != current:
            current, quiet_since = latest, time.monotonic()
        progress(current)
        if all(map(_is_settled, current.values())) and time.monotonic() - quiet_since > _QUIET_SECONDS:
            return Settled(current, counted_from)
        await asyncio.sleep(_LOOK_SECONDS)
    notices = "; ".join(f"{plan.display_name}: {plan.channel_notice or 'still in work'}" for plan in current.values())
    raise Unavailable(f"the plans did not settle within {_SETTLE_SECONDS:.0f} s: {notices}")


async def reports(plans: Plans, *, clients: Clients) -> Mapping[str, evaluation_pb.PlanReport]:
    """Return each plan's report once feedback has heard of the start of the plan and has caught up."""
    return {name: await _report(plan.name, clients) for name, plan in plans.items()}


async def contacted_customer(plans: Plans, *, clients: Clients) -> str:
    """Return a customer who was contacted, to look at; empty if nobody was."""
    for plan in plans.values():
        asked = plan_pb.ListPushesRequest(parent=plan.name, state=plan_pb.PUSH_STATE_SENT, page_size=1)
        for push in (await clients.plans.ListPushes(asked)).pushes:
            return push.customer_id
    return ""


def demo_report(
    result: CycleResult,
    settled: Settled,
    evaluated: Mapping[str, evaluation_pb.PlanReport],
    *,
    trace_id: str,
    seconds: Mapping[str, float],
) -> DemoReport:
    """Put the figures of a finished demonstration together."""
    customers = next(table for table in result.imported.tables if table.table == "customers")
    views, lists, plans = result.snapshot, result.assembly_run, settled.plans
    return DemoReport(
        time=settled.time.isoformat(),
        customers=customers.row_count,
        lists=lists.lists.row_count,
        rejects=customers.reject_count + views.rejects.row_count + lists.rejects.row_count,
        targets={name: plan.balance.total_count for name, plan in plans.items()},
        pushes={name: push_states(plan.balance) for name, plan in plans.items()},
        calls_leased=sum(plan.balance.calls_leased_count for plan in plans.values()),
        calls_reported=sum(plan.balance.calls_reported_count for plan in plans.values()),
        calls_returned=sum(plan.balance.calls_returned_count for plan in plans.values()),
        arms={name: arm_figures(report) for name, report in evaluated.items()},
        channels=side_by_side((plan, evaluated[name]) for name, plan in plans.items()),
        trace_id=trace_id,
        seconds=seconds,
    )


def _is_settled(plan: plan_pb.PushPlan) -> bool:
    balance = plan.balance
    return balance.planned_count + balance.claimed_count + balance.leased_count == 0


async def _read(name: str, clients: Clients) -> plan_pb.PushPlan:
    return (await patient(lambda: clients.plans.GetPushPlan(plan_pb.GetPushPlanRequest(name=name)))).push_plan


async def _report(plan: str, clients: Clients) -> evaluation_pb.PlanReport:
    deadline = time.monotonic() + _SETTLE_SECONDS
    asked = evaluation_pb.GetPlanReportRequest(push_plan=plan)
    before = None
    while True:
        try:
            report = (await patient(lambda: clients.evaluation.GetPlanReport(asked))).report
        except NotFound:
            report = None
        if report is not None and report == before:
            return report
        if time.monotonic() > deadline:
            raise Unavailable(f"feedback has not caught up with {plan} within {_SETTLE_SECONDS:.0f} s")
        before = report
        await asyncio.sleep(1.0)
