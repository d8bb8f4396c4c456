"""`visavis calls …`: what a call platform does, by hand."""

import uuid
from typing import Annotated

import typer
from google.protobuf.duration_pb2 import Duration
from visavis.dispatch.v1 import call_list_service_pb2 as call_pb

from services.console.plans import find_plan
from services.console.session import AsJson, Session, connected, run
from shared.errors import InvalidInput

app = typer.Typer(help="Lease calls of a plan and report results, as a call platform does.", no_args_is_help=True)

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
        async with connected(session) as clients:
            asked = call_pb.LeaseCallsRequest(
                request_id=request_id or str(uuid.uuid4()),
                push_plan=await find_plan(plan, clients),
                max_calls=count,
                lease_duration=Duration(seconds=60 * minutes),
            )
            answer = await clients.calls.LeaseCalls(asked)
        if session.output.message(answer):
            return
        rows = [
            (call.name, call.msisdn, call.policy, f"{call.attempt} of {call.max_attempts}", call.script)
            for call in answer.calls
        ]
        session.output.table("Leased calls", ("call", "number", "policy", "attempt", "say"), rows)

    run(command, as_json=as_json)


@app.command()
def report(
    call: Annotated[str, typer.Argument(help="calls/ID as leased.")],
    result: Annotated[str, typer.Argument(help=f"started, or what the network said: {', '.join(_SYSTEM)}.")],
    answer: Annotated[str, typer.Option(help=f"What the customer said: {', '.join(_BUSINESS)}.")] = "",
    as_json: AsJson = False,
) -> None:
    """Report that a call starts, or how it ended."""

    async def command(session: Session) -> None:
        async with connected(session) as clients:
            asked = call_pb.ReportCallResultsRequest(results=[_result(call, result, answer)])
            receipt = (await clients.calls.ReportCallResults(asked)).receipts[0]
        if not session.output.message(receipt):
            verdict = call_pb.CallVerdict.Name(receipt.verdict).removeprefix("CALL_VERDICT_").replace("_", " ").lower()
            session.output.console.print(f"{call}: {verdict}{f' ({receipt.detail})' if receipt.detail else ''}")

    run(command, as_json=as_json)


def _result(call: str, result: str, answer: str) -> call_pb.CallResult:
    if result == "started":
        return call_pb.CallResult(call=call, phase=call_pb.CALL_PHASE_STARTED)
    if result not in _SYSTEM:
        raise InvalidInput.of("result", f"{result} is not one of: started, {', '.join(_SYSTEM)}")
    if answer and answer not in _BUSINESS:
        raise InvalidInput.of("answer", f"{answer} is not one of: {', '.join(_BUSINESS)}")
    return call_pb.CallResult(
        call=call,
        phase=call_pb.CALL_PHASE_FINISHED,
        system_result=_SYSTEM[result],
        business_result=_BUSINESS.get(answer, call_pb.BUSINESS_RESULT_UNSPECIFIED),
    )
