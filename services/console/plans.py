"""Push plans from the planner's side: pick targets from the lists, freeze the texts, start, look."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from visavis.common.v1 import run_pb2
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb

from services.console.clients import Clients
from services.console.identity import request_id
from services.console.runs import Follower, pages, patient
from shared.errors import InvalidInput, NotFound

_COLLECTION = "pushPlans/"
_KEPT_BACK = {
    "held": plan_pb.PUSH_STATE_HELD,
    "suppressed": plan_pb.PUSH_STATE_SUPPRESSED,
    "failed": plan_pb.PUSH_STATE_FAILED,
    "indeterminate": plan_pb.PUSH_STATE_INDETERMINATE,
    "expired": plan_pb.PUSH_STATE_EXPIRED,
    "cancelled": plan_pb.PUSH_STATE_CANCELLED,
}
LOOKED_AT = 1000
"""So many pushes of a state, best first, are read to say why they are kept back."""


class Zone(StrEnum):
    """Which recommendation of a list is offered."""

    RETENTION = "retention"
    NEW_SERVICE = "new_service"
    VOICE_USAGE = "voice_usage"


class Channel(StrEnum):
    """How."""

    SMS = "sms"
    CALL = "call"
    WAP = "wap"
    MAIL = "mail"


_ZONES = {
    Zone.RETENTION: policy_pb.ZONE_RETENTION,
    Zone.NEW_SERVICE: policy_pb.ZONE_NEW_SERVICE,
    Zone.VOICE_USAGE: policy_pb.ZONE_VOICE_USAGE,
}
_CHANNELS = {
    Channel.SMS: contact_pb.CHANNEL_SMS,
    Channel.CALL: contact_pb.CHANNEL_CALL,
    Channel.WAP: contact_pb.CHANNEL_WAP_PUSH,
    Channel.MAIL: contact_pb.CHANNEL_MAIL_139,
}
_HANDSET_NEEDS: Mapping[Channel, Sequence[str]] = {Channel.WAP: ("wap",)}
"""What a handset must be able to do for a channel to reach its holder."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a planner asks for. `limit` = customers to contact, 0 = all; an empty `policy` = any of the zone.

    Where `matrix` names an extraction matrix, it says who is offered what, and there is no zone.
    """

    display_name: str
    assembly_run: recommendation_pb.AssemblyRun
    channel: Channel
    zone: Zone | None
    policy: str
    limit: int
    cities: Sequence[str]
    expire_time: datetime
    matrix: str = ""


async def create_plan(request: PlanRequest, *, clients: Clients, follower: Follower) -> plan_pb.PushPlan:
    """Select targets, create the plan and wait until they are loaded. The same request finds the same plan."""
    if not request.display_name.strip():
        raise InvalidInput.of("name", "is empty")
    offers = [_offer(policy, request.channel) async for policy in _policies(request, clients=clients)]
    if not offers:
        where = f"zone {request.zone}" if request.zone else request.assembly_run.policy_catalogue
        raise InvalidInput.of("policy", f"{request.policy or 'none'} is not a policy of {where}")
    selection = await _select(request, clients=clients, follower=follower)
    asked = plan_pb.CreatePushPlanRequest(
        request_id=_plan_id(request, selection.targets.fingerprint),
        display_name=request.display_name,
        channel=_CHANNELS[request.channel],
        targets=selection.targets,
        offers=offers,
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
    async for page in assembly_runs(clients):
        for run in page.assembly_runs:
            if run.status.state == run_pb2.RUN_STATE_SUCCEEDED and cycle in {"", run.cycle}:
                return run
    raise NotFound(f"a finished cycle{f' {cycle}' if cycle else ''} (run `visavis cycle run` first)")


def assembly_runs(clients: Clients) -> AsyncIterator[recommendation_pb.ListAssemblyRunsResponse]:
    """Yield the pages of all assembly runs, newest first."""
    return pages(
        lambda size, token: clients.recommendation.ListAssemblyRuns(
            recommendation_pb.ListAssemblyRunsRequest(page_size=size, page_token=token)
        )
    )


async def all_plans(clients: Clients) -> list[plan_pb.PushPlan]:
    """Return all plans, newest first."""
    found = pages(
        lambda size, token: clients.plans.ListPushPlans(plan_pb.ListPushPlansRequest(page_size=size, page_token=token))
    )
    return [plan async for page in found for plan in page.push_plans]


async def kept_back(plan: plan_pb.PushPlan, clients: Clients) -> Mapping[tuple[str, str], int]:
    """Return (state, why) -> count of the pushes that did not leave; of each state the first LOOKED_AT are read."""
    counts: Counter[tuple[str, str]] = Counter()
    for state, number in _KEPT_BACK.items():
        if getattr(plan.balance, f"{state}_count"):
            asked = plan_pb.ListPushesRequest(parent=plan.name, state=number, page_size=LOOKED_AT)
            counts.update((state, push.detail) for push in (await clients.plans.ListPushes(asked)).pushes)
    return counts


async def find_plan(name: str, clients: Clients) -> str:
    """Return the resource name of a plan given by resource name, id, or display name.

    Raises NotFound, or InvalidInput where several plans bear the display name.
    """
    if name.startswith(_COLLECTION):
        return name
    plans = await all_plans(clients)
    found = [plan.name for plan in plans if name in {plan.display_name, plan.name.removeprefix(_COLLECTION)}]
    if not found:
        known = ", ".join(dict.fromkeys(plan.display_name for plan in plans)) or "none yet"
        raise NotFound(f"plan {name} (plans: {known})")
    if len(found) > 1:
        raise InvalidInput.of("plan", f"{len(found)} plans are named {name}; say which: {', '.join(found)}")
    return found[0]


async def _select(request: PlanRequest, *, clients: Clients, follower: Follower) -> recommendation_pb.TargetSelection:
    chosen = (
        request.assembly_run.name,
        request.zone or request.matrix,
        request.policy,
        str(request.limit),
        *sorted(request.cities),
        *_HANDSET_NEEDS.get(request.channel, ()),
    )
    asked = recommendation_pb.SelectTargetsRequest(
        request_id=request_id(request.assembly_run.cycle, "targets", *chosen),
        assembly_run=request.assembly_run.name,
        zone=_ZONES[request.zone] if request.zone else policy_pb.ZONE_UNSPECIFIED,
        policy=request.policy,
        limit=request.limit,
        cities=request.cities,
        matrix=request.matrix,
        handset_needs=_HANDSET_NEEDS.get(request.channel, ()),
    )
    return await follower.complete(
        f"targets for {request.channel}",
        create=clients.recommendation.SelectTargets,
        asked=asked,
        read=clients.recommendation.GetTargetSelection,
        named=lambda name: recommendation_pb.GetTargetSelectionRequest(name=name),
        of=lambda answer: answer.target_selection,
    )


def _plan_id(request: PlanRequest, targets: str) -> str:
    texts = (request.display_name, request.channel, request.expire_time.isoformat())
    return request_id(request.assembly_run.cycle, "plan", targets, *texts)


async def _policies(request: PlanRequest, *, clients: Clients) -> AsyncIterator[policy_pb.Policy]:
    """Yield the policies that may be offered; a matrix may give any."""
    zones = {_ZONES[request.zone]} if request.zone else {*_ZONES.values()}
    catalogue = request.assembly_run.policy_catalogue
    found = pages(
        lambda size, token: clients.policies.ListPolicies(
            policy_pb.ListPoliciesRequest(parent=catalogue, page_size=size, page_token=token)
        )
    )
    async for page in found:
        for policy in page.policies:
            if policy.zone in zones and request.policy in {"", policy.policy}:
                yield policy


def _offer(policy: policy_pb.Policy, channel: Channel) -> plan_pb.PlanOffer:
    """Return what a policy says on a channel: a WAP push is a line before its page, a mail has room for what a clerk says,
    and asks for the same answer as an SMS."""
    offer = plan_pb.PlanOffer(policy=policy.policy, product=policy.product, order_keyword=policy.order_keyword)
    match channel:
        case Channel.SMS:
            offer.text = policy.sms_text
        case Channel.CALL:
            offer.text = policy.call_script or policy.script
        case Channel.WAP:
            offer.text, offer.href = policy.display_name, policy.page_url
        case Channel.MAIL:
            offer.title, offer.href = policy.display_name, policy.page_url
            offer.text = f"{policy.script}\n\n{policy.sms_text}"
    return offer
