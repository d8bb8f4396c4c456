"""Push plans from the planner's side: pick targets from the lists, freeze the texts, start, look."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from visavis.common.v1 import run_pb2
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb

from services.console.clients import Clients
from services.console.identity import request_id
from services.console.runs import Follower, patient
from shared.errors import InvalidInput, NotFound

ZONES = {"retention": policy_pb.ZONE_RETENTION, "new_service": policy_pb.ZONE_NEW_SERVICE}
CHANNELS = {"sms": contact_pb.CHANNEL_SMS, "call": contact_pb.CHANNEL_CALL}


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a planner asks for. `limit` = customers to contact, 0 = all; an empty `policy` = any of the zone."""

    display_name: str
    assembly_run: recommendation_pb.AssemblyRun
    channel: str
    zone: str
    policy: str
    limit: int
    cities: Sequence[str]
    expire_time: datetime


async def create_plan(request: PlanRequest, *, clients: Clients, follower: Follower) -> plan_pb.PushPlan:
    """Select targets, create the plan and wait until they are loaded. The same request finds the same plan."""
    if request.channel not in CHANNELS or request.zone not in ZONES:
        raise InvalidInput.of("channel or zone", f"channels are {', '.join(CHANNELS)}; zones are {', '.join(ZONES)}")
    selection = await _select(request, clients=clients, follower=follower)
    asked = plan_pb.CreatePushPlanRequest(
        request_id=_plan_id(request, selection.targets.fingerprint),
        display_name=request.display_name,
        channel=CHANNELS[request.channel],
        targets=selection.targets,
        offers=[_offer(policy, request.channel) async for policy in _policies(request, clients=clients)],
    )
    asked.expire_time.FromDatetime(request.expire_time)
    name = (await patient(lambda: clients.plans.CreatePushPlan(asked))).push_plan.name
    asked_again = plan_pb.GetPushPlanRequest(name=name)
    answer = await follower.finish(
        f"load {request.channel} plan",
        lambda: clients.plans.GetPushPlan(asked_again),
        lambda answer: answer.push_plan.load_status,
    )
    return answer.push_plan


async def latest_lists(clients: Clients, cycle: str = "") -> recommendation_pb.AssemblyRun:
    """Return the newest assembly run that succeeded, of any cycle or of one. Raises NotFound."""
    answer = await clients.recommendation.ListAssemblyRuns(recommendation_pb.ListAssemblyRunsRequest(page_size=1000))
    for run in answer.assembly_runs:
        if run.status.state == run_pb2.RUN_STATE_SUCCEEDED and cycle in {"", run.cycle}:
            return run
    raise NotFound(f"a cycle with policy lists{f' for {cycle}' if cycle else ''} (run `visavis cycle run` first)")


async def find_plan(name: str, clients: Clients) -> str:
    """Return the resource name of a plan given by resource name, id, or display name. Raises NotFound."""
    if name.startswith("pushPlans/"):
        return name
    answer = await clients.plans.ListPushPlans(plan_pb.ListPushPlansRequest(page_size=1000))
    for plan in answer.push_plans:
        if name in {plan.display_name, plan.name.removeprefix("pushPlans/")}:
            return plan.name
    known = ", ".join(plan.display_name for plan in answer.push_plans) or "none yet"
    raise NotFound(f"plan {name} (plans: {known})")


async def _select(request: PlanRequest, *, clients: Clients, follower: Follower) -> recommendation_pb.TargetSelection:
    chosen = (request.assembly_run.name, request.zone, request.policy, str(request.limit), *sorted(request.cities))
    asked = recommendation_pb.SelectTargetsRequest(
        request_id=request_id(request.assembly_run.cycle, "targets", *chosen),
        assembly_run=request.assembly_run.name,
        zone=ZONES[request.zone],
        policy=request.policy,
        limit=request.limit,
        cities=request.cities,
    )
    name = (await patient(lambda: clients.recommendation.SelectTargets(asked))).target_selection.name
    asked_again = recommendation_pb.GetTargetSelectionRequest(name=name)
    answer = await follower.finish(
        f"targets for {request.channel}",
        lambda: clients.recommendation.GetTargetSelection(asked_again),
        lambda answer: answer.target_selection.status,
    )
    return answer.target_selection


def _plan_id(request: PlanRequest, targets: str) -> str:
    texts = (request.display_name, request.channel, request.expire_time.isoformat())
    return request_id(request.assembly_run.cycle, "plan", targets, *texts)


async def _policies(request: PlanRequest, *, clients: Clients) -> AsyncIterator[policy_pb.Policy]:
    token = ""
    while True:
        asked = policy_pb.ListPoliciesRequest(
            parent=request.assembly_run.policy_catalogue, page_size=1000, page_token=token
        )
        answer = await clients.policies.ListPolicies(asked)
        for policy in answer.policies:
            if policy.zone == ZONES[request.zone] and request.policy in {"", policy.policy}:
                yield policy
        token = answer.next_page_token
        if not token:
            return


def _offer(policy: policy_pb.Policy, channel: str) -> plan_pb.PlanOffer:
    return plan_pb.PlanOffer(
        policy=policy.policy,
        product=policy.product,
        text=policy.sms_text if channel == "sms" else policy.script,
        order_keyword=policy.order_keyword,
    )
