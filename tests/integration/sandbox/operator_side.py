"""The operator's side of the sandbox, by hand: a dispatch and a feedback on a real socket that remember what they were told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import call_list_service_pb2_grpc as call_rpc
from visavis.dispatch.v1 import contact_pb2
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1 import push_plan_service_pb2_grpc as plan_rpc
from visavis.feedback.v1 import feedback_service_pb2 as feedback_pb
from visavis.feedback.v1 import feedback_service_pb2_grpc as feedback_rpc

from shared.clock import ManualClock

START = datetime(2026, 11, 9, 1, 30, tzinfo=UTC)


def plan(
    name: str,
    channel: contact_pb2.Channel.ValueType = contact_pb2.CHANNEL_CALL,
    *,
    offers: tuple[tuple[str, str], ...] = (("keep-1", ""),),
    state: plan_pb.PushPlan.State.ValueType = plan_pb.PushPlan.STATE_STARTED,
    started: datetime = START,
) -> plan_pb.PushPlan:
    made = plan_pb.PushPlan(name=f"pushPlans/{name}", channel=channel, state=state)
    made.start_time.FromDatetime(started)
    for policy, product in offers:
        made.offers.add(policy=policy, product=product)
    return made


@dataclass
class FakePlans(plan_rpc.PushPlanServiceServicer):
    """Lists plans newest first, two a page."""

    plans: list[plan_pb.PushPlan] = field(default_factory=list)

    async def ListPushPlans(  # noqa: N802 - gRPC's name
        self, request: plan_pb.ListPushPlansRequest, context: object
    ) -> plan_pb.ListPushPlansResponse:
        newest_first = sorted(self.plans, key=lambda plan: plan.start_time.ToNanoseconds(), reverse=True)
        first = int(request.page_token or 0)
        more = first + 2 < len(newest_first)
        return plan_pb.ListPushPlansResponse(
            push_plans=newest_first[first : first + 2], next_page_token=str(first + 2) if more else ""
        )


def _ends(now: datetime, duration: Duration) -> Timestamp:
    end_time = Timestamp()
    end_time.FromDatetime(now + duration.ToTimedelta())
    return end_time


@dataclass
class FakeCalls(call_rpc.CallListServiceServicer):
    """Lends the calls waiting, each to one lease at a time; the same request id gets the same lease again."""

    waiting: list[call_pb.LeasedCall] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)
    refused_plans: set[str] = field(default_factory=set)
    leases: dict[str, list[call_pb.LeasedCall]] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    finished: dict[str, call_pb.CallResult] = field(default_factory=dict)
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    withdrawn: set[str] = field(default_factory=set)
    """Calls that a renewed lease has no more."""
    renewed: list[call_pb.RenewLeaseRequest] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    asked: list[call_pb.LeaseCallsRequest] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    """Per report, what it was about: "started" or "finished"."""
    answers_to_lose: list[str] = field(default_factory=list)
    """The next answer about each ("lease", "started", "finished") is lost on its way, after the work was done."""

    def add(self, customer: str, *, policy: str = "keep-1", in_time: bool = True) -> str:
        call = call_pb.LeasedCall(name=f"calls/{len(self.waiting)}", customer_id=customer, policy=policy, attempt=1)
        call.not_after_time.FromDatetime(START + timedelta(minutes=10 if in_time else -10))
        self.waiting.append(call)
        return call.name

    def end_leases(self) -> None:
        """Lend again what was lent and not reported."""
        lent = [call for lease in self.leases.values() for call in lease]
        self.waiting = [call for call in lent if call.name not in self.finished] + self.waiting
        self.leases.clear()

    async def LeaseCalls(  # noqa: N802 - gRPC's name
        self, request: call_pb.LeaseCallsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> call_pb.LeaseCallsResponse:
        self.asked.append(request)
        if request.push_plan in self.refused_plans:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not a started call plan")
        if request.request_id not in self.leases:
            self.leases[request.request_id] = self.waiting[: request.max_calls]
            self.waiting = self.waiting[request.max_calls :]
        await self._perhaps_lose("lease", context)
        name = f"leases/{request.request_id}"
        return call_pb.LeaseCallsResponse(
            calls=self.leases[request.request_id], lease=name, end_time=_ends(START, request.lease_duration)
        )

    async def RenewLease(  # noqa: N802 - gRPC's name
        self, request: call_pb.RenewLeaseRequest, context: object
    ) -> call_pb.RenewLeaseResponse:
        self.renewed.append(request)
        lent = self.leases[request.lease.removeprefix("leases/")]
        left = [call for call in lent if call.name not in self.started and call.name not in self.withdrawn]
        return call_pb.RenewLeaseResponse(calls=left, end_time=_ends(self.clock.now(), request.lease_duration))

    async def ReleaseLease(  # noqa: N802 - gRPC's name
        self, request: call_pb.ReleaseLeaseRequest, context: object
    ) -> call_pb.ReleaseLeaseResponse:
        self.released.append(request.lease)
        return call_pb.ReleaseLeaseResponse()

    async def ReportCallResults(  # noqa: N802 - gRPC's name
        self, request: call_pb.ReportCallResultsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> call_pb.ReportCallResultsResponse:
        receipts = [self._take(result) for result in request.results]
        starts = request.results[0].phase == call_pb.CALL_PHASE_STARTED
        self.reports.append("started" if starts else "finished")
        await self._perhaps_lose(self.reports[-1], context)
        return call_pb.ReportCallResultsResponse(receipts=receipts)

    def _take(self, result: call_pb.CallResult) -> call_pb.CallReceipt:
        verdict = call_pb.CALL_VERDICT_TAKEN
        if result.phase == call_pb.CALL_PHASE_STARTED:
            self.started.append(result.call)
            if result.call in self.forbidden:
                verdict = call_pb.CALL_VERDICT_DO_NOT_DIAL
        elif self.finished.setdefault(result.call, result) != result:
            verdict = call_pb.CALL_VERDICT_CONFLICT
        return call_pb.CallReceipt(call=result.call, verdict=verdict)

    async def _perhaps_lose(self, answer: str, context: grpc.aio.ServicerContext[object, object]) -> None:
        if answer in self.answers_to_lose:
            self.answers_to_lose.remove(answer)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")


@dataclass
class FakeFeedback(feedback_rpc.FeedbackServiceServicer):
    """Takes orders, once each."""

    orders: dict[str, feedback_pb.Outcome] = field(default_factory=dict)
    refused_policies: set[str] = field(default_factory=set)
    requests: list[feedback_pb.RecordOutcomesRequest] = field(default_factory=list)

    async def RecordOutcomes(  # noqa: N802 - gRPC's name
        self, request: feedback_pb.RecordOutcomesRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> feedback_pb.RecordOutcomesResponse:
        self.requests.append(request)
        if self.refused_policies & {order.policy for order in request.outcomes}:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such policy")
        new = [order for order in request.outcomes if order.order_id not in self.orders]
        self.orders |= {order.order_id: order for order in new}
        return feedback_pb.RecordOutcomesResponse(
            recorded_count=len(new), duplicate_count=len(request.outcomes) - len(new)
        )


@dataclass
class Operator:
    """The three fakes behind one port."""

    plans: FakePlans = field(default_factory=FakePlans)
    calls: FakeCalls = field(default_factory=FakeCalls)
    feedback: FakeFeedback = field(default_factory=FakeFeedback)
    port: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer on a port of the system's choice; when run again, on the same one."""
        server = grpc.aio.server()
        plan_rpc.add_PushPlanServiceServicer_to_server(self.plans, server)
        call_rpc.add_CallListServiceServicer_to_server(self.calls, server)
        feedback_rpc.add_FeedbackServiceServicer_to_server(self.feedback, server)
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        await server.start()
        try:
            yield
        finally:
            await server.stop(None)
