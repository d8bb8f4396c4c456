"""The outbound-call platform: leases calls, asks for leave to dial each, talks, and reports what was said."""

from __future__ import annotations  # the stubs' async classes exist for the type checker only

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from uuid import uuid4

import structlog
from google.protobuf.duration_pb2 import Duration
from visavis.dispatch.v1 import call_list_service_pb2 as pb
from visavis.dispatch.v1 import call_list_service_pb2_grpc as rpc
from visavis.dispatch.v1 import contact_pb2
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1 import push_plan_service_pb2_grpc as plan_rpc

from services.sandbox.rounds import REFUSALS, started_plans
from services.sandbox.world.catalogue import Subject, subject_of_offer
from services.sandbox.world.oracle import Answer, Line, Oracle
from shared.clock import Clock
from shared.observability.context import tracer, unobserved

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_LEASED_AT_ONCE = 50
_SYSTEM_RESULTS: Mapping[Line, pb.SystemResult.ValueType] = {
    Line.ANSWERED: pb.SYSTEM_RESULT_ANSWERED,
    Line.NO_ANSWER: pb.SYSTEM_RESULT_NO_ANSWER,
    Line.BUSY: pb.SYSTEM_RESULT_BUSY,
    Line.ABSENT: pb.SYSTEM_RESULT_SUBSCRIBER_ABSENT,
    Line.INVALID_NUMBER: pb.SYSTEM_RESULT_INVALID_NUMBER,
}
_BUSINESS_RESULTS: Mapping[Answer, pb.BusinessResult.ValueType] = {
    Answer.YES: pb.BUSINESS_RESULT_ACCEPTED,
    Answer.CONSIDERS: pb.BUSINESS_RESULT_CONSIDERING,
    Answer.NO: pb.BUSINESS_RESULT_NOT_INTERESTED,
    Answer.OPT_OUT: pb.BUSINESS_RESULT_DO_NOT_CALL,
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How the platform works; seconds of real time."""

    agents: int
    call_seconds: float
    lease_seconds: int


@dataclass(slots=True, kw_only=True)
class Dialer:
    """May be killed at any time: calls whose results were not told yet come back when their lease ends."""

    oracle: Oracle
    plans: plan_rpc.PushPlanServiceAsyncStub
    calls: rpc.CallListServiceAsyncStub
    clock: Clock
    pace: Pace
    _asked: dict[str, str] = field(default_factory=dict, init=False)
    """Plan -> request id of a lease whose answer never came; asked again, it is the same lease."""
    _in_hand: dict[str, list[pb.LeasedCall]] = field(default_factory=dict, init=False)
    """Plan -> calls that were leased and not made yet."""
    _unreported: list[pb.CallResult] = field(default_factory=list, init=False)
    """Of calls that are over, and that dispatch has not heard of yet."""

    async def round(self) -> bool:
        """Lease from every started call plan and make the calls; tell whether there were any. Raises Failure."""
        await self._report_finished()
        found = False
        for plan in await started_plans(self.plans):
            if plan.channel == contact_pb2.CHANNEL_CALL:
                found = await self._work_on(plan) or found
        return found

    async def _work_on(self, plan: plan_pb.PushPlan) -> bool:
        in_hand = self._in_hand.setdefault(plan.name, [])
        try:
            in_hand += [] if in_hand else await self._lease(plan)
        except REFUSALS as refusal:
            log.warning("lease_refused", push_plan=plan.name, reason=refusal.reason)
            del self._asked[plan.name]
        found = bool(in_hand)
        while in_hand:
            await self._make_calls(plan, in_hand)
        return found

    async def _lease(self, plan: plan_pb.PushPlan) -> Sequence[pb.LeasedCall]:
        request = pb.LeaseCallsRequest(
            request_id=self._asked.setdefault(plan.name, str(uuid4())),
            push_plan=plan.name,
            max_calls=_LEASED_AT_ONCE,
            lease_duration=Duration(seconds=self.pace.lease_seconds),
        )
        with unobserved():
            leased = (await self.calls.LeaseCalls(request)).calls
        del self._asked[plan.name]
        return leased

    async def _make_calls(self, plan: plan_pb.PushPlan, in_hand: list[pb.LeasedCall]) -> None:
        """Take one call per agent out of `in_hand` and make them, all at once. What must not be dialled is left alone.

        Leave to dial that was given, but whose word was lost, is asked for again: else nobody would ever make the call.
        """
        leased = in_hand[: self.pace.agents]
        now = self.clock.now()
        with tracer(__name__).start_as_current_span("calls", attributes={"visavis.push_plan": plan.name}):
            dialled = await self._allowed([call for call in leased if call.not_after_time.ToDatetime(UTC) > now])
            del in_hand[: len(leased)]
            log.info("calls_dialled", push_plan=plan.name, dialled=len(dialled), not_dialled=len(leased) - len(dialled))
            if dialled:
                await asyncio.sleep(self.pace.call_seconds)
            subjects = {offer.policy: subject_of_offer(offer.product, offer.order_keyword) for offer in plan.offers}
            self._unreported += [self._result(call, subjects.get(call.policy, Subject.RETENTION)) for call in dialled]
            await self._report_finished()

    async def _allowed(self, leased: Sequence[pb.LeasedCall]) -> list[pb.LeasedCall]:
        """Ask for leave to dial, and return the calls that have it."""
        started = [pb.CallResult(call=call.name, phase=pb.CALL_PHASE_STARTED) for call in leased]
        verdicts = {receipt.call: receipt.verdict for receipt in await self._report(started)}
        return [call for call in leased if verdicts.get(call.name) == pb.CALL_VERDICT_TAKEN]

    async def _report_finished(self) -> None:
        try:
            receipts = await self._report(self._unreported)
        except REFUSALS as refusal:
            log.error("call_results_refused", count=len(self._unreported), reason=refusal.reason)
            receipts = ()
        for receipt in receipts:
            if receipt.verdict != pb.CALL_VERDICT_TAKEN:
                log.warning("call_result_not_taken", call=receipt.call, detail=receipt.detail)
        self._unreported.clear()

    async def _report(self, results: Sequence[pb.CallResult]) -> Sequence[pb.CallReceipt]:
        if not results:
            return ()
        return (await self.calls.ReportCallResults(pb.ReportCallResultsRequest(results=results))).receipts

    def _result(self, call: pb.LeasedCall, subject: Subject) -> pb.CallResult:
        """Ring, and talk if somebody answers."""
        finished = pb.CallResult(call=call.name, phase=pb.CALL_PHASE_FINISHED)
        place = self.oracle.place_of_customer(call.customer_id)
        if place is None:
            finished.system_result = pb.SYSTEM_RESULT_INVALID_NUMBER
            return finished
        line = self.oracle.pick_up(place, call.policy, call.attempt)
        finished.system_result = _SYSTEM_RESULTS[line]
        if line is Line.ANSWERED:
            finished.business_result = _BUSINESS_RESULTS[self.oracle.answer_by_call(place, subject, call.policy)]
        return finished
