"""Feedback over a real socket and a real PostgreSQL, with a dispatch written by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from visavis.common.v1 import run_pb2
from visavis.feedback.v1 import evaluation_service_pb2 as evaluation_pb
from visavis.feedback.v1 import evaluation_service_pb2_grpc as evaluation_rpc
from visavis.feedback.v1 import feedback_service_pb2 as pb
from visavis.feedback.v1 import feedback_service_pb2_grpc as rpc

from services.feedback.datasets import LakeTargets
from services.feedback.domain import ContactEvent, EventKind, PlanName, StartedPlan
from services.feedback.ports import EventPage
from services.feedback.postgres import PostgresFeedback
from services.feedback.servicer import SERVICE_NAMES, EvaluationServicer, FeedbackServicer
from services.feedback.settings import FeedbackServerSettings
from services.feedback.tables import RUNS, metadata
from services.feedback.worker import DispatchFollower, handlers
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.errors import DeadlineExceeded, Denied, Failure, InvalidInput, NotFound, Unavailable
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.refs import to_ref
from shared.rpc.client import open_channel
from shared.rpc.identity import Caller, Role, acting_as
from shared.rpc.server import running
from shared.runs.worker import RunWorker
from tests.databases import schema_differences
from tests.factories.feedback import NOW, lake_in, publish_targets, publish_views

PLAN = PlanName("pushPlans/spring")


@dataclass
class FakeDispatch:
    """A dispatch whose events a test writes; it may be away, or in trouble when asked for a plan."""

    targets: Dataset
    log: list[ContactEvent] = field(default_factory=list)
    away: bool = False
    trouble: list[Failure] = field(default_factory=list)
    plan_calls: int = 0

    async def events(self, cursor: str, *, limit: int) -> EventPage:
        if self.away:
            raise Unavailable("dispatch is away")
        start = int(cursor or 0)
        return EventPage(tuple(self.log[start : start + 2]), str(min(start + 2, len(self.log))))

    async def plan(self, name: PlanName) -> tuple[StartedPlan, Dataset]:
        if self.trouble:
            raise self.trouble.pop()
        self.plan_calls += 1
        return StartedPlan(name, "Spring", NOW), self.targets

    def tell(self, kind: EventKind, customer: str = "", *, minutes: int = 1) -> None:
        at = NOW + timedelta(minutes=minutes)
        self.log.append(ContactEvent(f"e{len(self.log)}", kind, at, PLAN, customer, ""))


@dataclass(frozen=True)
class Feedback:
    """A running feedback and its stubs."""

    control: "rpc.FeedbackServiceAsyncStub"
    evaluation: "evaluation_rpc.EvaluationServiceAsyncStub"
    lake: Lake
    dispatch: FakeDispatch

    async def report(self) -> evaluation_pb.PlanReport:
        asked = evaluation_pb.GetPlanReportRequest(push_plan=PLAN)
        return (await self.evaluation.GetPlanReport(asked)).report

    async def arm(self, name: str, until: Callable[[evaluation_pb.ArmReport], bool]) -> evaluation_pb.ArmReport:
        """Return an arm's report once `until` holds."""
        async with asyncio.timeout(20):
            while True:
                try:
                    found = next(arm for arm in (await self.report()).arms if arm.arm == name)
                except NotFound:
                    found = None
                if found is not None and until(found):
                    return found
                await asyncio.sleep(0.02)


@pytest.fixture
async def feedback(service_database: Callable[[str], Awaitable[Database]], tmp_path: Path) -> AsyncIterator[Feedback]:
    database, lake = await service_database("feedback"), lake_in(tmp_path)
    dispatch = FakeDispatch(publish_targets(lake, ["targeted"] * 4 + ["random"] * 2 + ["control"] * 3))
    async with _background(database, lake, dispatch), _served(database) as channel:
        yield Feedback(rpc.FeedbackServiceStub(channel), evaluation_rpc.EvaluationServiceStub(channel), lake, dispatch)


@asynccontextmanager
async def _background(database: Database, lake: Lake, dispatch: FakeDispatch) -> AsyncIterator[None]:
    stop, clock = asyncio.Event(), ManualClock(NOW)
    runs = RunWorker(database=database, tables=RUNS, handlers=handlers(lake, clock), clock=clock)
    follower = DispatchFollower(dispatch, LakeTargets(lake), PostgresFeedback(database).open_intake)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(runs.run(stop))
        tasks.create_task(follower.run(stop))
        yield
        stop.set()


@asynccontextmanager
async def _served(database: Database) -> AsyncIterator[grpc.aio.Channel]:
    def register(server: grpc.aio.Server) -> None:
        rpc.add_FeedbackServiceServicer_to_server(FeedbackServicer(database, ManualClock(NOW)), server)
        evaluation_rpc.add_EvaluationServiceServicer_to_server(EvaluationServicer(database), server)

    settings = FeedbackServerSettings(port=0, drain_seconds=0)
    async with (
        running(settings, register=register, service_names=SERVICE_NAMES, checks={}) as port,
        open_channel(f"127.0.0.1:{port}", client_name="test") as channel,
    ):
        yield channel


def order(customer: str, *, order_id: str = "", at: datetime = NOW + timedelta(hours=1)) -> pb.Outcome:
    outcome = pb.Outcome(order_id=order_id or f"order {customer}", customer_id=customer, policy="newspaper-trial")
    outcome.order_time.FromDatetime(at)
    return outcome


async def test_arms_are_drawn_once_for_one_request(feedback: Feedback) -> None:
    views = publish_views(feedback.lake, [f"owner {n}" for n in range(400)])
    asked = pb.CreateControlGroupRequest(
        request_id="6a9f1c1e-0000-4000-8000-000000000001",
        cycle="2026-11",
        views=to_ref(views),
        control_percent=10,
        random_percent=20,
        seed=1,
    )
    name = (await feedback.control.CreateControlGroup(asked)).control_group.name
    async with asyncio.timeout(20):
        while True:
            group = (await feedback.control.GetControlGroup(pb.GetControlGroupRequest(name=name))).control_group
            if group.status.state == run_pb2.RUN_STATE_SUCCEEDED:
                break
            await asyncio.sleep(0.02)
    again = (await feedback.control.CreateControlGroup(asked)).control_group
    assert again.membership == group.membership
    assert sum(group.arm_counts.values()) == group.membership.row_count == 400


async def test_a_yes_at_the_desk_is_an_order_told_once_or_twice(feedback: Feedback) -> None:
    feedback.dispatch.tell(EventKind.PLAN_STARTED, minutes=0)
    at = NOW + timedelta(minutes=5)
    for kind, customer, event in (
        (EventKind.SENT, "c006", "e-1"),
        (EventKind.ACCEPTED, "c006", "e-2"),
        (EventKind.ACCEPTED, "c006", "e-2"),
        (EventKind.DECLINED, "c007", "e-3"),
    ):
        said = ContactEvent(event, kind, at, PlanName(""), customer, "", policy="newspaper-trial")
        feedback.dispatch.log.append(said)
    control = await feedback.arm("control", lambda arm: arm.success_count > 0)
    assert (control.success_count, control.sent_count, control.declined_count) == (1, 0, 0)


async def test_success_counts_answers_and_orders_once_and_control_by_itself(feedback: Feedback) -> None:
    tell = feedback.dispatch.tell
    tell(EventKind.PLAN_STARTED)
    for customer in ("c000", "c001", "c002", "c004"):
        tell(EventKind.SENT, customer)
    tell(EventKind.DELIVERED, "c000")
    tell(EventKind.ACCEPTED, "c000")
    tell(EventKind.DECLINED, "c001")
    await feedback.control.RecordOutcomes(
        pb.RecordOutcomesRequest(outcomes=[order("c000"), order("c002"), order("c006")])
    )
    targeted = await feedback.arm("targeted", lambda arm: arm.declined_count == 1)
    control = await feedback.arm("control", lambda arm: arm.success_count == 1)
    assert (targeted.member_count, targeted.sent_count, targeted.success_count) == (4, 3, 2)
    assert targeted.success_percent == pytest.approx(200 / 3)
    assert (control.member_count, control.sent_count) == (3, 0)
    assert control.success_percent == pytest.approx(100 / 3)


async def test_an_order_before_the_start_is_no_success(feedback: Feedback) -> None:
    feedback.dispatch.tell(EventKind.PLAN_STARTED)
    early = order("c006", at=NOW - timedelta(days=1))
    await feedback.control.RecordOutcomes(pb.RecordOutcomesRequest(outcomes=[early]))
    control = await feedback.arm("control", lambda arm: arm.member_count == 3)
    assert control.success_count == 0


async def test_an_order_told_twice_counts_once(feedback: Feedback) -> None:
    asked = pb.RecordOutcomesRequest(outcomes=[order("c006"), order("c007")])
    assert (await feedback.control.RecordOutcomes(asked)).recorded_count == 2
    again = await feedback.control.RecordOutcomes(asked)
    assert (again.recorded_count, again.duplicate_count) == (0, 2)


async def test_all_wrong_outcomes_are_named_at_once(feedback: Feedback) -> None:
    with pytest.raises(InvalidInput) as caught:
        await feedback.control.RecordOutcomes(pb.RecordOutcomesRequest(outcomes=[pb.Outcome(), order("c006")]))
    fields = {violation.field for violation in caught.value.violations}
    assert fields == {f"outcomes[0].{name}" for name in ("order_id", "customer_id", "policy", "order_time")}


async def test_events_are_taken_after_dispatch_was_away(feedback: Feedback) -> None:
    feedback.dispatch.away = True
    feedback.dispatch.tell(EventKind.PLAN_STARTED)
    feedback.dispatch.tell(EventKind.OPTED_OUT, "c003")
    await asyncio.sleep(0.5)
    feedback.dispatch.away = False
    targeted = await feedback.arm("targeted", lambda arm: arm.opted_out_count == 1)
    assert targeted.outcome_count == 1
    assert feedback.dispatch.plan_calls == 1


async def test_a_report_is_as_of_the_newest_event_or_order(feedback: Feedback) -> None:
    feedback.dispatch.tell(EventKind.PLAN_STARTED)
    feedback.dispatch.tell(EventKind.SENT, "c000", minutes=5)
    await feedback.arm("targeted", lambda arm: arm.sent_count == 1)
    assert (await feedback.report()).as_of_time.ToDatetime(UTC) == NOW + timedelta(minutes=5)
    await feedback.control.RecordOutcomes(pb.RecordOutcomesRequest(outcomes=[order("c006")]))
    assert (await feedback.report()).as_of_time.ToDatetime(UTC) == NOW + timedelta(hours=1)


async def test_events_are_taken_after_a_plan_that_could_not_be_read(feedback: Feedback) -> None:
    feedback.dispatch.trouble = [NotFound(PLAN), DeadlineExceeded("slow")]
    feedback.dispatch.tell(EventKind.PLAN_STARTED)
    feedback.dispatch.tell(EventKind.SENT, "c000")
    targeted = await feedback.arm("targeted", lambda arm: arm.sent_count == 1)
    assert targeted.member_count == 4
    assert feedback.dispatch.trouble == []


async def test_what_came_of_one_member_is_told_as_the_report_counts_it(feedback: Feedback) -> None:
    async def came_of(customer: str) -> evaluation_pb.MemberOutcome:
        asked = evaluation_pb.GetMemberOutcomeRequest(push_plan=PLAN, customer_id=customer)
        return (await feedback.evaluation.GetMemberOutcome(asked)).outcome

    tell = feedback.dispatch.tell
    tell(EventKind.PLAN_STARTED)
    for customer in ("c000", "c001"):
        tell(EventKind.SENT, customer)
    tell(EventKind.DECLINED, "c001")
    orders = [
        order("c000", order_id="later", at=NOW + timedelta(hours=3)),
        order("c000", at=NOW + timedelta(hours=2)),
        order("c002"),
        order("c006"),
    ]
    await feedback.control.RecordOutcomes(pb.RecordOutcomesRequest(outcomes=orders))
    targeted = await feedback.arm("targeted", lambda arm: arm.declined_count == 1)
    ordered, declined, unsent, control = [await came_of(customer) for customer in ("c000", "c001", "c002", "c006")]
    assert (ordered.arm, ordered.policy, ordered.sent, ordered.success) == ("targeted", "newspaper-trial", True, True)
    assert ordered.order_time.ToDatetime(UTC) == NOW + timedelta(hours=2)
    assert (declined.answer, declined.reached, declined.success) == ("declined", True, False)
    assert (unsent.sent, unsent.HasField("order_time"), unsent.success) == (False, True, False)
    assert (control.arm, control.sent, control.success) == ("control", False, True)
    assert targeted.success_count == 1


async def test_who_is_no_member_or_sees_some_cities_only_is_told_nothing(feedback: Feedback) -> None:
    feedback.dispatch.tell(EventKind.PLAN_STARTED)
    await feedback.arm("control", lambda arm: arm.member_count == 3)
    ask = feedback.evaluation.GetMemberOutcome
    with pytest.raises(NotFound, match="nobody"):
        await ask(evaluation_pb.GetMemberOutcomeRequest(push_plan=PLAN, customer_id="nobody"))
    with pytest.raises(InvalidInput, match="customer_id"):
        await ask(evaluation_pb.GetMemberOutcomeRequest(push_plan=PLAN))
    with acting_as(Caller("li", Role.CLERK, frozenset({"A"}))), pytest.raises(Denied):
        await ask(evaluation_pb.GetMemberOutcomeRequest(push_plan=PLAN, customer_id="c000"))


async def test_a_name_that_is_no_plan_is_refused(feedback: Feedback) -> None:
    with pytest.raises(InvalidInput, match="push_plan"):
        await feedback.evaluation.GetPlanReport(evaluation_pb.GetPlanReportRequest(push_plan="pushPlans/"))


async def test_a_plan_nobody_heard_of_is_not_found(feedback: Feedback) -> None:
    with pytest.raises(NotFound):
        await feedback.report()


async def test_the_migrations_make_the_declared_tables(
    service_database: Callable[[str], Awaitable[Database]],
) -> None:
    assert await schema_differences(await service_database("feedback"), metadata) == []
