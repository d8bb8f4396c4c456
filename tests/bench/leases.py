"""Call lists as a platform works through them: 500 calls leased at once, begun, and their results reported."""

import time
import uuid

from visavis.dispatch.v1 import call_list_service_pb2 as pb
from visavis.dispatch.v1 import contact_pb2
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

from services.console.clients import Clients, connect
from services.console.settings import ConsoleSettings
from shared.clock import SystemClock
from shared.lake.lake import Lake
from tests.bench.figures import Figure
from tests.bench.pushes import POLICY, publish_targets, ready_plan

ROUNDS = 5
CALLS = 500


async def measure(settings: ConsoleSettings, clock: SystemClock) -> list[Figure]:
    """Lease and work off plans of so many calls as one lease has; return seconds of a lease, and calls a second in all.

    The sandbox's own dialer must stand still meanwhile: it would take a share of each plan.
    """
    leased, reported = [], []
    lake = Lake(settings.home / "lake")
    async with connect(settings) as clients:
        for round_ in range(ROUNDS):
            plan = await _started_plan(clients, lake, clock, round_)
            begun = time.perf_counter()
            asked = pb.LeaseCallsRequest(request_id=str(uuid.uuid4()), push_plan=plan, max_calls=CALLS)
            calls = (await clients.calls.LeaseCalls(asked)).calls
            leased.append(time.perf_counter() - begun)
            assert len(calls) == CALLS, f"{len(calls)} of {CALLS} calls were lent"
            await _report(clients, [pb.CallResult(call=call.name, phase=pb.CALL_PHASE_STARTED) for call in calls])
            await _report(clients, [_finished(call) for call in calls])
            reported.append(CALLS / (time.perf_counter() - begun))
    return [
        Figure(f"LeaseCalls of {CALLS}", [1000 * seconds for seconds in leased], "ms"),
        Figure("calls leased, begun and reported", reported, "calls/s"),
    ]


async def _started_plan(clients: Clients, lake: Lake, clock: SystemClock, round_: int) -> str:
    targets = publish_targets(lake, clock, f"calls-{round_}", CALLS)
    offer = plan_pb.PlanOffer(policy=POLICY, product="mobile_newspaper", text="A month of the newspaper for nothing.")
    name = await ready_plan(clients, targets, contact_pb2.CHANNEL_CALL, offer, clock)
    await clients.plans.StartPushPlan(plan_pb.StartPushPlanRequest(name=name))
    return name


async def _report(clients: Clients, results: list[pb.CallResult]) -> None:
    answer = await clients.calls.ReportCallResults(pb.ReportCallResultsRequest(results=results))
    assert all(receipt.verdict == pb.CALL_VERDICT_TAKEN for receipt in answer.receipts)


def _finished(call: pb.LeasedCall) -> pb.CallResult:
    return pb.CallResult(
        call=call.name,
        phase=pb.CALL_PHASE_FINISHED,
        system_result=pb.SYSTEM_RESULT_ANSWERED,
        business_result=pb.BUSINESS_RESULT_NOT_INTERESTED,
    )
