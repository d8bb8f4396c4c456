"""`visavis.dispatch.v1.PushPlanService`."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from visavis.dispatch.v1 import contact_pb2
from visavis.dispatch.v1 import push_plan_service_pb2 as pb
from visavis.dispatch.v1 import push_plan_service_pb2_grpc as rpc

from services.dispatch.domain.messages import Forms
from services.dispatch.domain.plans import PLAN_CHANNELS, PLAN_KIND, Balance, Channel, Offer, Plan, PlanId, PlanRequest
from services.dispatch.domain.pushes import PushState
from services.dispatch.ports.store import PlanReader, ReadingOpener, WorkOpener
from services.dispatch.servicer.parse import instant_of, plan_id_of, push_id_of, request_id_of, uuid_violations
from services.dispatch.servicer.push_records import record_message
from services.dispatch.servicer.render import CHANNELS, channel_notice, plan_message, push_message
from services.dispatch.use_cases.plans import create_plan, start_plan
from shared.clock import Clock
from shared.errors import InvalidInput, NotFound, Violation
from shared.lake.refs import from_ref
from shared.observability.context import current_traceparent
from shared.rpc.calls import Context
from shared.rpc.identity import Role, current_caller, require
from shared.rpc.pages import encode_token, number_key, page_size, place_in
from shared.runs.pages import place_of, token_of

_TARGET_ROW = "visavis.recommendation.v1.TargetRow"
_CHANNELS = {CHANNELS[channel]: channel for channel in PLAN_CHANNELS}
_PAGE, _MOST = 50, 1000
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PushPlanServicer(rpc.PushPlanServiceServicer):
    """Parses, calls, renders."""

    work: WorkOpener
    reading: ReadingOpener
    forms: Forms
    clock: Clock

    async def CreatePushPlan(self, request: pb.CreatePushPlanRequest, context: Context) -> pb.CreatePushPlanResponse:
        violations = list(_violations(request))
        async with self.work() as work:
            plan = await create_plan(
                _plan_id(request),
                _plan_request(request),
                violations=violations,
                work=work,
                forms=self.forms,
                principal=current_caller().principal,
                now=self.clock.now(),
            )
            return pb.CreatePushPlanResponse(push_plan=await self._rendered(plan, work.plans))

    async def GetPushPlan(self, request: pb.GetPushPlanRequest, context: Context) -> pb.GetPushPlanResponse:
        async with self.reading() as reading:
            plan = await reading.plans.get(plan_id_of(request.name))
            return pb.GetPushPlanResponse(push_plan=await self._rendered(plan, reading.plans))

    async def ListPushPlans(self, request: pb.ListPushPlansRequest, context: Context) -> pb.ListPushPlansResponse:
        limit = page_size(request.page_size, default=_PAGE, maximum=_MOST)
        place = place_of(request.page_token, PLAN_KIND)
        async with self.reading() as reading:
            page = await reading.plans.page(after=place, limit=limit)
            balances = await reading.plans.balances([plan.plan_id for plan in page.plans])
            channels = {plan.request.channel for plan in page.plans}
            told = {channel: await reading.plans.notice(channel) for channel in channels}
        now = self.clock.now()
        plans = [
            plan_message(
                plan,
                balances[plan.plan_id],
                channel_notice(plan.request.channel, told[plan.request.channel], now),
            )
            for plan in page.plans
        ]
        return pb.ListPushPlansResponse(push_plans=plans, next_page_token=token_of(page.next_place, PLAN_KIND))

    async def StartPushPlan(self, request: pb.StartPushPlanRequest, context: Context) -> pb.StartPushPlanResponse:
        caller = require(Role.PLANNER, Role.OPERATIONS)
        async with self.work() as work:
            plan = await start_plan(
                plan_id_of(request.name),
                work=work,
                by=caller.principal,
                traceparent=current_traceparent(),
                now=self.clock.now(),
            )
            return pb.StartPushPlanResponse(push_plan=await self._rendered(plan, work.plans))

    async def ListPushes(self, request: pb.ListPushesRequest, context: Context) -> pb.ListPushesResponse:
        limit = page_size(request.page_size, default=_PAGE, maximum=_MOST)
        filters = f"{request.parent}\n{request.state}"
        after = place_in(request.page_token, filters, number_key)
        state = _push_state(request)
        async with self.reading() as reading:
            plan = await reading.plans.get(plan_id_of(request.parent, field="parent"))
            found = await reading.contacts.pushes(
                plan.plan_id,
                state=state,
                after_rank=after or 0,
                limit=limit + 1,
                cities=current_caller().cities,
            )
        token = encode_token([found[limit - 1].rank], filters) if len(found) > limit else ""
        return pb.ListPushesResponse(pushes=[push_message(push) for push in found[:limit]], next_page_token=token)

    async def GetPush(self, request: pb.GetPushRequest, context: Context) -> pb.GetPushResponse:
        push_id = push_id_of(request.name)
        async with self.reading() as reading:
            record = await reading.push_records.of(push_id, cities=current_caller().cities)
        if record is None:
            raise NotFound(request.name)
        return pb.GetPushResponse(push=push_message(record.push), record=record_message(record))

    async def _rendered(self, plan: Plan, plans: PlanReader) -> pb.PushPlan:
        balances = await plans.balances([plan.plan_id])
        notice = channel_notice(plan.request.channel, await plans.notice(plan.request.channel), self.clock.now())
        return plan_message(plan, balances.get(plan.plan_id, Balance()), notice)


def _violations(request: pb.CreatePushPlanRequest) -> Iterator[Violation]:
    yield from uuid_violations(request.request_id, required=False)
    if request.channel not in _CHANNELS:
        names = ", ".join(contact_pb2.Channel.Name(number) for number in _CHANNELS)
        yield Violation("channel", f"expected one of {names}")
    if not request.targets.uri:
        yield Violation("targets", "expected a dataset of targets")
    elif request.targets.schema != _TARGET_ROW:
        yield Violation("targets.schema", f"expected rows of {_TARGET_ROW}, got {request.targets.schema or 'none'}")


def _plan_id(request: pb.CreatePushPlanRequest) -> PlanId:
    """Return the plan's id: the request's, as it stands where it is none, which is a violation already; else a new one."""
    if any(uuid_violations(request.request_id, required=False)):
        return PlanId(request.request_id)
    return PlanId(request_id_of(request.request_id) if request.request_id else str(uuid.uuid4()))


def _push_state(request: pb.ListPushesRequest) -> PushState | None:
    if not request.state:
        return None
    if request.state not in pb.PushState.values():
        raise InvalidInput.of("state", f"{request.state} is unknown")
    return PushState[pb.PushState.Name(request.state).removeprefix("PUSH_STATE_")]


def _plan_request(request: pb.CreatePushPlanRequest) -> PlanRequest:
    """Return what is asked for; an unknown channel, a violation already, is read as the one with fewer rules, and a time
    outside of the calendar as one that is over."""
    return PlanRequest(
        display_name=request.display_name,
        channel=_CHANNELS.get(request.channel, Channel.CALL),
        targets=from_ref(request.targets),
        offers=tuple(_offer(offer) for offer in request.offers),
        expire_time=instant_of(request.expire_time) or _NEVER,
    )


def _offer(offer: pb.PlanOffer) -> Offer:
    return Offer(offer.policy, offer.product, offer.text, offer.order_keyword, title=offer.title, href=offer.href)
