"""`visavis.dispatch.v1.CallListService`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from visavis.dispatch.v1 import call_list_service_pb2 as pb
from visavis.dispatch.v1 import call_list_service_pb2_grpc as rpc

from services.dispatch.domain.calls import (
    MAX_ATTEMPTS,
    BusinessResult,
    CallReceipt,
    LentCall,
    Report,
    SystemResult,
)
from services.dispatch.domain.plans import Plan
from services.dispatch.domain.rules import ContactRules
from services.dispatch.ports.store import Lease, Traces, WorkOpener
from services.dispatch.servicer.parse import call_id_of, plan_id_of, request_id_of, uuid_violations
from services.dispatch.servicer.render import timestamp
from services.dispatch.use_cases.calls import lease_calls, report_calls
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
        now, duration = self.clock.now(), _duration(request)
        lease = Lease(
            request_id_of(request.request_id),
            plan_id_of(request.push_plan, field="push_plan"),
            request.max_calls,
            duration,
            now + duration,
        )
        async with self.work() as work:
            lent = await lease_calls(
                lease, cities=caller.cities, work=work, traces=self.traces, rules=self.rules, now=now
            )
            plan = await work.plans.get(lease.plan_id)
        return pb.LeaseCallsResponse(calls=[_leased(call, plan) for call in lent])

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
        spoken = {report.call_id for report in reports if report.business_result is BusinessResult.DO_NOT_CALL}
        calls = {call_id for call_id in spoken if call_id is not None}
        if not calls:
            return
        async with self.work() as work:
            for call in (await work.calls.lock(calls)).values():
                opt_out = await work.contacts.opt_out_of(call.customer_id)
                if opt_out is not None:
                    await withdraw_pushes(opt_out, work=work)


def _duration(request: pb.LeaseCallsRequest) -> timedelta:
    """Return for how long, in whole seconds, as leases are stored."""
    return timedelta(seconds=request.lease_duration.seconds) if request.HasField("lease_duration") else _USUAL


def _lease_violations(request: pb.LeaseCallsRequest) -> Iterator[Violation]:
    yield from uuid_violations(request.request_id, required=True)
    if not 1 <= request.max_calls <= _MOST:
        yield Violation("max_calls", f"expected 1 to {_MOST}, got {request.max_calls}")
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


def _report(result: pb.CallResult) -> Report:
    system, business = result.system_result, result.business_result
    return Report(
        call_id=call_id_of(result.call),
        system_result=SystemResult[pb.SystemResult.Name(system).removeprefix("SYSTEM_RESULT_")] if system else None,
        business_result=(
            BusinessResult[pb.BusinessResult.Name(business).removeprefix("BUSINESS_RESULT_")] if business else None
        ),
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


def _leased(call: LentCall, plan: Plan) -> pb.LeasedCall:
    return pb.LeasedCall(
        name=f"calls/{call.call_id}",
        msisdn=call.msisdn,
        customer_id=call.customer_id,
        policy=call.policy,
        script=plan.offer(call.policy).message,
        attempt=call.attempt,
        max_attempts=MAX_ATTEMPTS,
        not_after_time=timestamp(call.not_after),
    )
