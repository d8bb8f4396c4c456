"""`visavis.dispatch.v1.CallListService`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from visavis.dispatch.v1 import call_list_service_pb2 as pb
from visavis.dispatch.v1 import call_list_service_pb2_grpc as rpc

from services.dispatch.domain.calls import (
    OPT_OUT_SOURCES,
    BusinessResult,
    CallReceipt,
    EarlierAnswer,
    Lease,
    LentCall,
    Report,
    SystemResult,
)
from services.dispatch.domain.plans import Plan
from services.dispatch.domain.rules import ContactRules
from services.dispatch.domain.templates import fill
from services.dispatch.ports.store import Traces, WorkOpener
from services.dispatch.servicer.parse import (
    call_id_of,
    instant_of,
    lease_id_of,
    plan_id_of,
    request_id_of,
    uuid_violations,
)
from services.dispatch.servicer.render import CHANNELS, answer_number, timestamp
from services.dispatch.use_cases.calls import report_calls
from services.dispatch.use_cases.leases import Lent, lease_calls, release_lease, renew_lease
from services.dispatch.use_cases.opt_outs import withdraw_pushes
from shared.clock import Clock
from shared.errors import InvalidInput, Violation
from shared.rpc.calls import Context
from shared.rpc.identity import Role, require

_SHORTEST_S, _LONGEST_S = 30, 3600
_USUAL = timedelta(minutes=10)
_MOST = 500
_PLATFORMS = (Role.CALL_PLATFORM, Role.OPERATIONS, Role.SERVICE)


@dataclass(frozen=True, slots=True)
class CallListServicer(rpc.CallListServiceServicer):
    """Parses, calls, renders."""

    work: WorkOpener
    traces: Traces
    rules: ContactRules
    clock: Clock

    async def LeaseCalls(self, request: pb.LeaseCallsRequest, context: Context) -> pb.LeaseCallsResponse:
        caller = require(*_PLATFORMS)
        violations = list(_lease_violations(request))
        if violations:
            raise InvalidInput(violations)
        now, duration = self.clock.now(), _duration(request) or _USUAL
        asked = Lease(
            request_id=request_id_of(request.request_id),
            plan_id=plan_id_of(request.push_plan, field="push_plan"),
            principal=caller.principal,
            max_calls=request.max_calls,
            duration=duration,
            lease_time=now,
            end_time=now + duration,
        )
        async with self.work() as work:
            lent = await lease_calls(
                asked, cities=caller.cities, work=work, traces=self.traces, rules=self.rules, now=now
            )
            plan = await work.plans.get(asked.plan_id)
        name, end_time = f"leases/{asked.request_id}", timestamp(lent.lease.end_time)
        return pb.LeaseCallsResponse(calls=_calls(lent, plan), lease=name, end_time=end_time)

    async def RenewLease(self, request: pb.RenewLeaseRequest, context: Context) -> pb.RenewLeaseResponse:
        caller = require(*_PLATFORMS)
        violations = [*uuid_violations(request.request_id, required=True), *_duration_violations(request)]
        if violations:
            raise InvalidInput(violations)
        async with self.work() as work:
            lent = await renew_lease(
                lease_id_of(request.lease),
                request_id=request_id_of(request.request_id),
                duration=_duration(request),
                principal=caller.principal,
                work=work,
                rules=self.rules,
                now=self.clock.now(),
            )
            plan = await work.plans.get(lent.lease.plan_id)
        return pb.RenewLeaseResponse(calls=_calls(lent, plan), end_time=timestamp(lent.lease.end_time))

    async def ReleaseLease(self, request: pb.ReleaseLeaseRequest, context: Context) -> pb.ReleaseLeaseResponse:
        caller = require(*_PLATFORMS)
        lease_id = lease_id_of(request.lease)
        async with self.work() as work:
            returned, started = await release_lease(
                lease_id, principal=caller.principal, work=work, now=self.clock.now()
            )
        return pb.ReleaseLeaseResponse(returned_count=returned, started_count=started)

    async def ReportCallResults(
        self, request: pb.ReportCallResultsRequest, context: Context
    ) -> pb.ReportCallResultsResponse:
        caller = require(*_PLATFORMS)
        violations = list(_report_violations(request))
        if violations:
            raise InvalidInput(violations)
        reports = [_report(result) for result in request.results]
        async with self.work() as work:
            receipts = await report_calls(
                reports, cities=caller.cities, work=work, rules=self.rules, now=self.clock.now()
            )
        await self._withdraw_for(reports)
        return _receipts(request, receipts)

    async def _withdraw_for(self, reports: Sequence[Report]) -> None:
        """The opt-outs are committed with their results; now nothing else of these customers may leave."""
        spoken = {report.call_id for report in reports if report.business_result in OPT_OUT_SOURCES}
        calls = {call_id for call_id in spoken if call_id is not None}
        if not calls:
            return
        async with self.work() as work:
            for call in (await work.calls.lock(calls)).values():
                opt_out = await work.contacts.opt_out_of(call.customer_id)
                if opt_out is not None:
                    await withdraw_pushes(opt_out, work=work)


def _duration(request: pb.LeaseCallsRequest | pb.RenewLeaseRequest) -> timedelta | None:
    """Return for how long, in whole seconds, as leases are stored; None where that is left to us."""
    return timedelta(seconds=request.lease_duration.seconds) if request.HasField("lease_duration") else None


def _lease_violations(request: pb.LeaseCallsRequest) -> Iterator[Violation]:
    yield from uuid_violations(request.request_id, required=True)
    if not 1 <= request.max_calls <= _MOST:
        yield Violation("max_calls", f"expected 1 to {_MOST}, got {request.max_calls}")
    yield from _duration_violations(request)


def _duration_violations(request: pb.LeaseCallsRequest | pb.RenewLeaseRequest) -> Iterator[Violation]:
    if request.HasField("lease_duration") and not _SHORTEST_S <= request.lease_duration.seconds <= _LONGEST_S:
        yield Violation("lease_duration", "expected 30 s to 1 h")


def _report_violations(request: pb.ReportCallResultsRequest) -> Iterator[Violation]:
    if not 1 <= len(request.results) <= _MOST:
        yield Violation("results", f"expected 1 to {_MOST}, got {len(request.results)}")
    for index, result in enumerate(request.results):
        for field, why in _wrong(result):
            yield Violation(f"results[{index}].{field}", why)


def _wrong(result: pb.CallResult) -> Iterator[tuple[str, str]]:
    finished = result.phase == pb.CALL_PHASE_FINISHED
    if result.phase not in {pb.CALL_PHASE_STARTED, pb.CALL_PHASE_FINISHED}:
        yield "phase", "expected CALL_PHASE_STARTED or CALL_PHASE_FINISHED"
    if result.system_result not in pb.SystemResult.values():
        yield "system_result", f"{result.system_result} is unknown"
    elif finished != bool(result.system_result):
        yield "system_result", "expected with CALL_PHASE_FINISHED, and only with it"
    if result.business_result not in pb.BusinessResult.values():
        yield "business_result", f"{result.business_result} is unknown"
    elif result.business_result and result.system_result != pb.SYSTEM_RESULT_ANSWERED:
        yield "business_result", "expected only with SYSTEM_RESULT_ANSWERED"
    if (result.business_result == pb.BUSINESS_RESULT_CALL_BACK) != result.HasField("call_back_time"):
        yield "call_back_time", "expected with BUSINESS_RESULT_CALL_BACK, and only with it"
    elif result.HasField("call_back_time") and instant_of(result.call_back_time) is None:
        yield "call_back_time", "expected a time from the year 1 to 9999"


def _report(result: pb.CallResult) -> Report:
    system, business = result.system_result, result.business_result
    return Report(
        call_id=call_id_of(result.call),
        system_result=SystemResult[pb.SystemResult.Name(system).removeprefix("SYSTEM_RESULT_")] if system else None,
        business_result=(
            BusinessResult[pb.BusinessResult.Name(business).removeprefix("BUSINESS_RESULT_")] if business else None
        ),
        call_back_at=instant_of(result.call_back_time) if result.HasField("call_back_time") else None,
    )


def _receipts(request: pb.ReportCallResultsRequest, receipts: Sequence[CallReceipt]) -> pb.ReportCallResultsResponse:
    return pb.ReportCallResultsResponse(
        receipts=[
            pb.CallReceipt(
                call=result.call,
                verdict=pb.CallVerdict.Value(f"CALL_VERDICT_{receipt.verdict.name}"),
                detail=receipt.detail,
            )
            for result, receipt in zip(request.results, receipts, strict=True)
        ]
    )


def _calls(lent: Lent, plan: Plan) -> list[pb.LeasedCall]:
    return [_leased(call, plan) for call in lent.calls]


def _leased(call: LentCall, plan: Plan) -> pb.LeasedCall:
    return pb.LeasedCall(
        name=f"calls/{call.call_id}",
        msisdn=call.msisdn,
        customer_id=call.customer_id,
        policy=call.policy,
        script=fill(plan.offer(call.policy).message, city=call.city, msisdn=call.msisdn),
        attempt=call.attempt,
        max_attempts=call.max_attempts,
        not_after_time=timestamp(call.not_after),
        call_back_time=timestamp(call.call_back_at),
        earlier_answers=[_earlier(answer) for answer in call.earlier_answers],
    )


def _earlier(answer: EarlierAnswer) -> pb.EarlierAnswer:
    return pb.EarlierAnswer(
        policy=answer.policy,
        channel=CHANNELS[answer.channel],
        answer=answer_number(answer.answer),
        answer_time=timestamp(answer.at),
    )
