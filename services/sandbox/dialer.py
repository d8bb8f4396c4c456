"""The outbound-call platform: leases calls and keeps them while it dials, asks for leave to dial each, talks, and reports."""

from __future__ import annotations  # the stubs' async classes exist for the type checker only

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog
from google.protobuf.duration_pb2 import Duration
from visavis.dispatch.v1 import call_list_service_pb2 as pb
from visavis.dispatch.v1 import call_list_service_pb2_grpc as rpc
from visavis.dispatch.v1 import contact_pb2
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

from services.sandbox.dialled import CallJournal, Dialled
from services.sandbox.rounds import REFUSALS, StartedPlans
from services.sandbox.world.catalogue import Subject, subject_of_offer
from services.sandbox.world.oracle import Answer, Line, Oracle
from shared.clock import Clock
from shared.observability.context import tracer, unobserved

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_LEASED_AT_ONCE = 50
_RENEWED_BEFORE = 0.5
"""Of its length: a lease with less of it left is renewed, so that no call of it runs out while others are made."""
_RELEASED_WITHIN = 1.0
_CALLED_BACK = 0.3
"""Of those who think about it: they ask to be called back."""
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
    call_back_seconds: float = 5.0


@dataclass(slots=True)
class Hand:
    """The calls of one lease that were not made yet, and when the lease ends."""

    lease: str = ""
    calls: list[pb.LeasedCall] = field(default_factory=list)
    end_time: datetime | None = None
    asked_about: set[str] = field(default_factory=set)
    """Calls that leave to dial was asked for, and perhaps given: they may be missing where the lease is renewed."""


@dataclass(slots=True, kw_only=True)
class Dialer:
    """May be killed at any time: calls whose results were not told yet come back when their lease ends."""

    oracle: Oracle
    plans: StartedPlans
    calls: rpc.CallListServiceAsyncStub
    journal: CallJournal
    clock: Clock
    pace: Pace
    _asked: dict[str, str] = field(default_factory=dict, init=False)
    """Plan -> request id of a lease whose answer never came; asked again, it is the same lease."""
    _in_hand: dict[str, Hand] = field(default_factory=dict, init=False)
    """Plan -> its lease."""
    _unreported: list[pb.CallResult] = field(default_factory=list, init=False)
    """Of calls that are over, and that dispatch has not heard of yet."""

    async def round(self) -> bool:
        """Lease from every started call plan and make the calls; tell whether there were any. Raises Failure."""
        await self._report_finished()
        found = False
        for plan in await self.plans.all():
            if plan.channel == contact_pb2.CHANNEL_CALL:
                found = await self._work_on(plan) or found
        return found

    async def _work_on(self, plan: plan_pb.PushPlan) -> bool:
        hand = self._in_hand.setdefault(plan.name, Hand())
        try:
            if not hand.calls:
                hand = self._in_hand[plan.name] = await self._lease(plan)
        except REFUSALS as refusal:
            log.warning("lease_refused", push_plan=plan.name, reason=refusal.reason)
            del self._asked[plan.name]
        found = bool(hand.calls)
        while hand.calls:
            await self._keep(hand)
            await self._make_calls(plan, hand)
        return found

    async def release(self) -> None:
        """Give back what was leased and not dialled, so that it need not wait for the end of its lease. Raises Failure."""
        for hand in self._in_hand.values():
            if hand.calls:
                hand.calls.clear()
                await self.calls.ReleaseLease(pb.ReleaseLeaseRequest(lease=hand.lease), timeout=_RELEASED_WITHIN)

    async def _keep(self, hand: Hand) -> None:
        """Renew a lease that would end soon; what is missing then was withdrawn."""
        length = timedelta(seconds=self.pace.lease_seconds)
        now = self.clock.now()
        if hand.end_time is None or not now < hand.end_time < now + _RENEWED_BEFORE * length:
            return
        asked = pb.RenewLeaseRequest(
            request_id=str(uuid4()), lease=hand.lease, lease_duration=Duration(seconds=self.pace.lease_seconds)
        )
        try:
            with unobserved():
                renewed = await self.calls.RenewLease(asked)
        except REFUSALS as refusal:
            log.warning("lease_not_renewed", lease=hand.lease, reason=refusal.reason)
            return
        asked_about = [call for call in hand.calls if call.name in hand.asked_about]
        others = [call for call in renewed.calls if call.name not in hand.asked_about]
        hand.calls, hand.end_time = [*asked_about, *others], renewed.end_time.ToDatetime(UTC)

    async def _lease(self, plan: plan_pb.PushPlan) -> Hand:
        request = pb.LeaseCallsRequest(
            request_id=self._asked.setdefault(plan.name, str(uuid4())),
            push_plan=plan.name,
            max_calls=_LEASED_AT_ONCE,
            lease_duration=Duration(seconds=self.pace.lease_seconds),
        )
        with unobserved():
            leased = await self.calls.LeaseCalls(request)
        del self._asked[plan.name]
        return Hand(leased.lease, list(leased.calls), leased.end_time.ToDatetime(UTC))

    async def _make_calls(self, plan: plan_pb.PushPlan, hand: Hand) -> None:
        """Take one call per agent out of `hand` and make them, all at once. What must not be dialled is left alone.

        Leave to dial that was given, but whose word was lost, is asked for again: else nobody would ever make the call.
        """
        leased = hand.calls[: self.pace.agents]
        hand.asked_about = {call.name for call in leased}
        now = self.clock.now()
        with tracer(__name__).start_as_current_span("calls", attributes={"visavis.push_plan": plan.name}):
            dialled = await self._allowed([call for call in leased if call.not_after_time.ToDatetime(UTC) > now])
            del hand.calls[: len(leased)]
            hand.asked_about.clear()
            log.info("calls_dialled", push_plan=plan.name, dialled=len(dialled), not_dialled=len(leased) - len(dialled))
            if dialled:
                self._note(dialled)
                await asyncio.sleep(self.pace.call_seconds)
            subjects = {offer.policy: subject_of_offer(offer.product, offer.order_keyword) for offer in plan.offers}
            self._unreported += [self._result(call, subjects.get(call.policy, Subject.RETENTION)) for call in dialled]
            await self._report_finished()

    def _note(self, dialled: Sequence[pb.LeasedCall]) -> None:
        now = self.clock.now().isoformat()
        for call in dialled:
            self.journal.append(Dialled(now, call.name, call.msisdn, call.policy))

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
            answer = self.oracle.answer_by_call(place, subject, call.policy)
            finished.business_result = _BUSINESS_RESULTS[answer]
            if answer is Answer.CONSIDERS and self._asks_for_a_call_back(place, call):
                finished.business_result = pb.BUSINESS_RESULT_CALL_BACK
                finished.call_back_time.FromDatetime(self.clock.now() + timedelta(seconds=self.pace.call_back_seconds))
        return finished

    def _asks_for_a_call_back(self, place: int, call: pb.LeasedCall) -> bool:
        """Whether somebody who thinks about it wants another call first; once."""
        asks = self.oracle.lot(place, f"call back {call.policy}") < _CALLED_BACK
        return asks and not call.HasField("call_back_time")
