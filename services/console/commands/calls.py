"""`visavis calls …`: what a call platform does, by hand."""

import asyncio
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer
from google.protobuf.duration_pb2 import Duration
from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

from services.console.clients import Clients, connect
from services.console.plans import find_plan
from services.console.render.output import Output, enum_word, local_time
from services.console.session import EXIT_FAILURE, AsJson, Session, run
from shared.clock import LEGAL_ZONE
from shared.errors import InvalidInput

app = typer.Typer(
    help="Lease calls of a plan, keep or release them, and report results, as a call platform does.",
    no_args_is_help=True,
)
Lease = Annotated[str, typer.Argument(help="leases/ID as leased.")]

_STARTED = "started"
_CALL_BACK = "call_back"
_LOOKS = 40
_LOOK_SECONDS = 0.05
_SYSTEM = {
    name.removeprefix("SYSTEM_RESULT_").lower(): number for name, number in call_pb.SystemResult.items() if number
}
_BUSINESS = {
    name.removeprefix("BUSINESS_RESULT_").lower(): number for name, number in call_pb.BusinessResult.items() if number
}


@app.command()
def lease(
    plan: Annotated[str, typer.Argument(help="A started call plan.")],
    count: Annotated[int, typer.Option(help="At most this many calls.", min=1, max=500)] = 10,
    minutes: Annotated[int, typer.Option(help="For how long.", min=1, max=60)] = 10,
    request_id: Annotated[str, typer.Option(help="A UUID; the same one returns the same lease.")] = "",
    as_json: AsJson = False,
) -> None:
    """Lease the next calls, best first."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            asked = call_pb.LeaseCallsRequest(
                request_id=request_id or str(uuid.uuid4()),
                push_plan=await find_plan(plan, clients),
                max_calls=count,
                lease_duration=Duration(seconds=60 * minutes),
            )
            answer = await clients.calls.LeaseCalls(asked)
            if not answer.calls and not request_id:
                answer = await _look_further(asked, clients)
        if session.output.message(answer):
            return
        if not answer.calls:
            session.output.line(f"No call can be lent now; why: visavis plan show {asked.push_plan}")
            return
        _print_calls(answer.calls, session.output)
        session.output.line(f"Until {local_time(answer.end_time)}: {answer.lease}")

    run(command, as_json=as_json)


@app.command()
def renew(
    lease: Lease,
    minutes: Annotated[int, typer.Option(help="For how long from now.", min=1, max=60)] = 10,
    as_json: AsJson = False,
) -> None:
    """Keep a lease for longer; shows what may still be dialled."""

    async def command(session: Session) -> None:
        asked = call_pb.RenewLeaseRequest(
            request_id=str(uuid.uuid4()), lease=lease, lease_duration=Duration(seconds=60 * minutes)
        )
        async with connect(session.settings) as clients:
            answer = await clients.calls.RenewLease(asked)
        if not session.output.message(answer):
            _print_calls(answer.calls, session.output)
            session.output.line(f"Until {local_time(answer.end_time)}: {lease}")

    run(command, as_json=as_json)


@app.command()
def release(lease: Lease, as_json: AsJson = False) -> None:
    """Give back at once what was not dialled."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            answer = await clients.calls.ReleaseLease(call_pb.ReleaseLeaseRequest(lease=lease))
        if not session.output.message(answer):
            on_the_phone = f"; {answer.started_count} to be reported" if answer.started_count else ""
            session.output.line(f"Given back: {answer.returned_count}{on_the_phone}")

    run(command, as_json=as_json)


def _print_calls(calls: Iterable[call_pb.LeasedCall], output: Output) -> None:
    columns = ("call", "number", "policy", "attempt", "dial before", "call back", "answered lately", "say")
    output.table("Leased calls", columns, [_row(call) for call in calls])


def _row(call: call_pb.LeasedCall) -> tuple[str, ...]:
    earlier = [
        f"{enum_word(contact_pb.ContactAnswer.Name(found.answer), 'CONTACT_ANSWER_')} {found.policy}"
        for found in call.earlier_answers
    ]
    return (
        call.name,
        call.msisdn,
        call.policy,
        f"{call.attempt} of {call.max_attempts}",
        local_time(call.not_after_time),
        local_time(call.call_back_time) if call.HasField("call_back_time") else "",
        "; ".join(earlier),
        call.script,
    )


async def _look_further(asked: call_pb.LeaseCallsRequest, clients: Clients) -> call_pb.LeaseCallsResponse:
    """Lease again while the plan has calls that were not judged yet: a lease looks only a little further than it was asked for."""
    answer = call_pb.LeaseCallsResponse()
    for _ in range(_LOOKS):
        plan = (await clients.plans.GetPushPlan(plan_pb.GetPushPlanRequest(name=asked.push_plan))).push_plan
        if not plan.balance.planned_count:
            return answer
        asked.request_id = str(uuid.uuid4())
        answer = await clients.calls.LeaseCalls(asked)
        if answer.calls:
            return answer
        await asyncio.sleep(_LOOK_SECONDS)
    return answer


@app.command()
def report(
    call: Annotated[str, typer.Argument(help="calls/ID as leased.")],
    result: Annotated[str, typer.Argument(help=f"started, or what the network said: {', '.join(_SYSTEM)}.")],
    answer: Annotated[str, typer.Option(help=f"What the customer said: {', '.join(_BUSINESS)}.")] = "",
    at: Annotated[
        str, typer.Option(help="With call_back: when the customer wants to be called, such as '2026-11-23 15:00'.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Report that a call starts, or how it ended; exit code 1 if the report was not taken, or the call must not be made."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            asked = call_pb.ReportCallResultsRequest(results=[_result(call, result, answer, at)])
            receipt = (await clients.calls.ReportCallResults(asked)).receipts[0]
        if not session.output.message(receipt):
            verdict = enum_word(call_pb.CallVerdict.Name(receipt.verdict), "CALL_VERDICT_")
            session.output.line(f"{call}: {verdict}{f' ({receipt.detail})' if receipt.detail else ''}")
        if receipt.verdict != call_pb.CALL_VERDICT_TAKEN:
            raise typer.Exit(EXIT_FAILURE)

    run(command, as_json=as_json)


def _result(call: str, result: str, answer: str, at: str) -> call_pb.CallResult:
    if result != _STARTED and result not in _SYSTEM:
        raise InvalidInput.of("result", f"{result} is not one of: {_STARTED}, {', '.join(_SYSTEM)}")
    if answer and result != "answered":
        raise InvalidInput.of("answer", f"a call that was {result} has no answer; report `answered`")
    if answer and answer not in _BUSINESS:
        raise InvalidInput.of("answer", f"{answer} is not one of: {', '.join(_BUSINESS)}")
    if (answer == _CALL_BACK) != bool(at):
        raise InvalidInput.of("at", f"expected with --answer {_CALL_BACK}, and only with it")
    if result == _STARTED:
        return call_pb.CallResult(call=call, phase=call_pb.CALL_PHASE_STARTED)
    finished = call_pb.CallResult(
        call=call,
        phase=call_pb.CALL_PHASE_FINISHED,
        system_result=_SYSTEM[result],
        business_result=_BUSINESS.get(answer, call_pb.BUSINESS_RESULT_UNSPECIFIED),
    )
    if at:
        finished.call_back_time.FromDatetime(_local(at))
    return finished


def _local(at: str) -> datetime:
    try:
        return datetime.fromisoformat(at).replace(tzinfo=LEGAL_ZONE)
    except ValueError:
        raise InvalidInput.of("at", f"expected a time such as '2026-11-23 15:00', got {at!r}") from None
