"""Feedback's RPCs: parse, call, render."""

import uuid
from datetime import UTC

from visavis.feedback.v1 import evaluation_service_pb2 as evaluation_pb
from visavis.feedback.v1 import evaluation_service_pb2_grpc as evaluation_rpc
from visavis.feedback.v1 import feedback_service_pb2 as pb
from visavis.feedback.v1 import feedback_service_pb2_grpc as rpc

from services.feedback.domain import (
    Arm,
    ArmCounts,
    Interval,
    MemberOutcome,
    Outcome,
    PlanName,
    PlanReport,
    difference,
    wilson,
)
from services.feedback.postgres import PostgresEvaluations, PostgresIntake
from services.feedback.tables import RUNS
from services.feedback.use_cases import CONTROL_GROUPS, DrawArms, DrawnArms, record_outcomes
from shared.clock import Clock
from shared.db.engine import Database
from shared.errors import Denied, InvalidInput
from shared.lake.refs import from_ref, to_ref
from shared.rpc.calls import Context
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id
from shared.runs.domain import Run, RunState
from shared.runs.json import from_json, to_json
from shared.runs.messages import to_status
from shared.runs.store import RunStore

SERVICE_NAMES = (
    pb.DESCRIPTOR.services_by_name["FeedbackService"].full_name,
    evaluation_pb.DESCRIPTOR.services_by_name["EvaluationService"].full_name,
)


class FeedbackServicer(rpc.FeedbackServiceServicer):
    """Draws control groups and takes in what customers did."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._runs = RunStore(RUNS)

    async def CreateControlGroup(
        self, request: pb.CreateControlGroupRequest, context: Context
    ) -> pb.CreateControlGroupResponse:
        order = DrawArms(
            cycle=request.cycle,
            views=from_ref(request.views),
            control_percent=request.control_percent,
            random_percent=request.random_percent,
            seed=request.seed,
        )
        order.check()
        async with self._database.write() as tx:
            run = await self._runs.create(
                tx,
                kind=CONTROL_GROUPS,
                run_id=request.request_id or str(uuid.uuid4()),
                request=to_json(order),
                principal=current_caller().principal,
                now=self._clock.now(),
            )
        return pb.CreateControlGroupResponse(control_group=_control_group(run))

    async def GetControlGroup(self, request: pb.GetControlGroupRequest, context: Context) -> pb.GetControlGroupResponse:
        run_id = resource_id(CONTROL_GROUPS, request.name)
        async with self._database.read() as tx:
            run = await self._runs.get(tx, CONTROL_GROUPS, run_id)
        return pb.GetControlGroupResponse(control_group=_control_group(run))

    async def RecordOutcomes(self, request: pb.RecordOutcomesRequest, context: Context) -> pb.RecordOutcomesResponse:
        outcomes = [
            Outcome(o.order_id, o.customer_id, o.policy, o.order_time.ToDatetime(UTC)) for o in request.outcomes
        ]
        async with self._database.write() as tx:
            recorded = await record_outcomes(outcomes, evaluations=PostgresIntake(tx))
        return pb.RecordOutcomesResponse(recorded_count=recorded, duplicate_count=len(outcomes) - recorded)


class EvaluationServicer(evaluation_rpc.EvaluationServiceServicer):
    """Says what came of a push plan."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def GetPlanReport(
        self, request: evaluation_pb.GetPlanReportRequest, context: Context
    ) -> evaluation_pb.GetPlanReportResponse:
        resource_id("pushPlans", request.push_plan, field="push_plan")
        name = PlanName(request.push_plan)
        async with self._database.read() as tx:
            report = await PostgresEvaluations(tx).report(name)
        return evaluation_pb.GetPlanReportResponse(report=_report(report))

    async def GetMemberOutcome(
        self, request: evaluation_pb.GetMemberOutcomeRequest, context: Context
    ) -> evaluation_pb.GetMemberOutcomeResponse:
        caller = current_caller()
        if caller.cities is not None:
            raise Denied(f"outcomes bear no city; {caller.principal} sees only some")
        resource_id("pushPlans", request.push_plan, field="push_plan")
        if not request.customer_id:
            raise InvalidInput.of("customer_id", "expected the customer")
        async with self._database.read() as tx:
            found = await PostgresEvaluations(tx).member(PlanName(request.push_plan), request.customer_id)
        return evaluation_pb.GetMemberOutcomeResponse(outcome=_member_outcome(request, found))


def _control_group(run: Run) -> pb.ControlGroup:
    group = pb.ControlGroup(name=run.name, cycle=from_json(DrawArms, run.request).cycle, status=to_status(run))
    if run.state is RunState.SUCCEEDED:
        drawn = from_json(DrawnArms, run.result)
        group.membership.CopyFrom(to_ref(drawn.membership))
        group.arm_counts.update(drawn.counts)
    return group


def _report(report: PlanReport) -> evaluation_pb.PlanReport:
    targeted = report.success(Arm.TARGETED)
    message = evaluation_pb.PlanReport(
        push_plan=report.plan.name,
        display_name=report.plan.display_name,
        arms=[_arm(report.counts(arm)) for arm in Arm],
        lift_over_control=_lift(difference(targeted, report.success(Arm.CONTROL))),
        lift_over_random=_lift(difference(targeted, report.success(Arm.RANDOM))),
    )
    if report.as_of is not None:
        message.as_of_time.FromDatetime(report.as_of)
    return message


def _member_outcome(asked: evaluation_pb.GetMemberOutcomeRequest, found: MemberOutcome) -> evaluation_pb.MemberOutcome:
    message = evaluation_pb.MemberOutcome(
        push_plan=asked.push_plan,
        customer_id=asked.customer_id,
        arm=found.arm,
        policy=found.policy,
        sent=found.sent,
        reached=found.reached,
        answer=found.answer,
        opted_out=found.opted_out,
        success=found.success,
    )
    if found.ordered_at is not None:
        message.order_time.FromDatetime(found.ordered_at)
    return message


def _arm(counts: ArmCounts) -> evaluation_pb.ArmReport:
    success = wilson(counts.successes, counts.base)
    return evaluation_pb.ArmReport(
        arm=counts.arm,
        member_count=counts.members,
        sent_count=counts.sent,
        reached_count=counts.reached,
        declined_count=counts.declined,
        opted_out_count=counts.opted_out,
        success_count=counts.successes,
        success_percent=100 * success.estimate,
        success_percent_low=100 * success.low,
        success_percent_high=100 * success.high,
        outcome_count=counts.outcomes,
    )


def _lift(interval: Interval) -> evaluation_pb.Lift:
    return evaluation_pb.Lift(
        points=100 * interval.estimate, points_low=100 * interval.low, points_high=100 * interval.high
    )
