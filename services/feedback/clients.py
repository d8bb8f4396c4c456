"""Dispatch, as feedback sees it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from visavis.dispatch.v1 import contact_service_pb2 as contact_pb
from visavis.dispatch.v1 import contact_service_pb2_grpc as contact_rpc
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1 import push_plan_service_pb2_grpc as plan_rpc

from services.feedback.domain import ContactEvent, EventKind, PlanName, StartedPlan
from services.feedback.ports import EventPage
from shared.lake.dataset import Dataset
from shared.lake.refs import from_ref
from shared.observability.context import unobserved

if TYPE_CHECKING:  # the async stubs exist for the type checker only
    from visavis.dispatch.v1.contact_service_pb2_grpc import ContactServiceAsyncStub
    from visavis.dispatch.v1.push_plan_service_pb2_grpc import PushPlanServiceAsyncStub

READING = (
    contact_pb.DESCRIPTOR.services_by_name["ContactService"],
    plan_pb.DESCRIPTOR.services_by_name["PushPlanService"],
)
_KINDS = {contact_pb.ContactEventKind.Value(f"CONTACT_EVENT_KIND_{kind.upper()}"): kind for kind in EventKind}
"""A newer dispatch may tell of kinds that we do not know; they change no report of ours."""


@dataclass(frozen=True, slots=True)
class DispatchClient:
    """Reads events and plans over gRPC."""

    contacts: "ContactServiceAsyncStub"
    plans: "PushPlanServiceAsyncStub"

    @classmethod
    def on(cls, channel: grpc.aio.Channel) -> "DispatchClient":
        return cls(contact_rpc.ContactServiceStub(channel), plan_rpc.PushPlanServiceStub(channel))

    async def events(self, cursor: str, *, limit: int) -> EventPage:
        """Return what happened after `cursor`, kinds that we know only. Raises Unavailable."""
        asked = contact_pb.ListContactEventsRequest(cursor=cursor, page_size=limit)
        with unobserved():
            answer = await self.contacts.ListContactEvents(asked)
        return EventPage(tuple(_event(event) for event in answer.events if event.kind in _KINDS), answer.next_cursor)

    async def plan(self, name: PlanName) -> tuple[StartedPlan, Dataset]:
        """Return a started plan and its targets. Raises NotFound, Unavailable."""
        plan = (await self.plans.GetPushPlan(plan_pb.GetPushPlanRequest(name=name))).push_plan
        started = StartedPlan(name, plan.display_name, plan.start_time.ToDatetime(UTC))
        return started, from_ref(plan.targets)


def _event(event: contact_pb.ContactEvent) -> ContactEvent:
    return ContactEvent(
        event_id=event.event_id,
        kind=_KINDS[event.kind],
        event_time=_instant(event.event_time.seconds, event.event_time.nanos),
        plan=PlanName(event.push_plan),
        customer_id=event.customer_id,
        traceparent=event.traceparent,
        policy=event.policy,
    )


@lru_cache(maxsize=64)
def _instant(seconds: int, nanos: int) -> datetime:
    """Return the time of an event, which it shares with hundreds of its batch."""
    return Timestamp(seconds=seconds, nanos=nanos).ToDatetime(UTC)
