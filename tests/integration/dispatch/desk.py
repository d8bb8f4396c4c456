"""The server of dispatch in this process, over a real socket."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
from google.protobuf.duration_pb2 import Duration
from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import call_list_service_pb2_grpc as call_rpc
from visavis.dispatch.v1 import contact_service_pb2_grpc as contact_rpc
from visavis.dispatch.v1 import push_plan_service_pb2_grpc as plan_rpc

from services.dispatch.channels.tracing import PushTraces
from services.dispatch.domain.plans import Plan
from services.dispatch.servicer import SERVICE_NAMES
from services.dispatch.servicer.calls import CallListServicer
from services.dispatch.servicer.contacts import ContactServicer
from services.dispatch.servicer.plans import PushPlanServicer
from services.dispatch.settings import DispatchServerSettings
from shared.rpc.client import open_channel
from shared.rpc.identity import LOCAL
from shared.rpc.server import running
from tests.integration.dispatch.rig import FORMS, Rig

if TYPE_CHECKING:  # async stubs exist for the type checker only
    from visavis.dispatch.v1.call_list_service_pb2_grpc import CallListServiceAsyncStub
    from visavis.dispatch.v1.contact_service_pb2_grpc import ContactServiceAsyncStub
    from visavis.dispatch.v1.push_plan_service_pb2_grpc import PushPlanServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Desk:
    """Stubs of the three services."""

    plans: "PushPlanServiceAsyncStub"
    calls: "CallListServiceAsyncStub"
    contacts: "ContactServiceAsyncStub"

    async def lease(self, plan: Plan, request_id: str, *, size: int = 10) -> list[call_pb.LeasedCall]:
        asked = call_pb.LeaseCallsRequest(request_id=request_id, push_plan=f"pushPlans/{plan.plan_id}", max_calls=size)
        return list((await self.calls.LeaseCalls(asked)).calls)

    async def renew(
        self, lease: str, *, request_id: str = "", seconds: int = 600
    ) -> tuple[list[call_pb.LeasedCall], datetime]:
        """Renew `leases/{lease}`; return what is still to be dialled, and the new end."""
        asked = call_pb.RenewLeaseRequest(
            request_id=request_id or str(uuid.uuid4()), lease=lease, lease_duration=Duration(seconds=seconds)
        )
        renewed = await self.calls.RenewLease(asked)
        return list(renewed.calls), renewed.end_time.ToDatetime(UTC)

    async def release(self, lease: str) -> tuple[int, int]:
        """Return how many calls were given back, and how many are on the phone."""
        released = await self.calls.ReleaseLease(call_pb.ReleaseLeaseRequest(lease=lease))
        return released.returned_count, released.started_count

    async def started(self, call: call_pb.LeasedCall) -> str:
        """Ask for leave to dial; return the verdict's name."""
        return await self._report(call_pb.CallResult(call=call.name, phase=call_pb.CALL_PHASE_STARTED))

    async def finished(
        self,
        call: call_pb.LeasedCall,
        system: str,
        business: str = "UNSPECIFIED",
        *,
        call_back_at: datetime | None = None,
    ) -> str:
        """Report how a call ended; return the verdict's name."""
        result = call_pb.CallResult(
            call=call.name,
            phase=call_pb.CALL_PHASE_FINISHED,
            system_result=call_pb.SystemResult.Value(f"SYSTEM_RESULT_{system}"),
            business_result=call_pb.BusinessResult.Value(f"BUSINESS_RESULT_{business}"),
        )
        if call_back_at is not None:
            result.call_back_time.FromDatetime(call_back_at)
        return await self._report(result)

    async def _report(self, result: call_pb.CallResult) -> str:
        answer = await self.calls.ReportCallResults(call_pb.ReportCallResultsRequest(results=[result]))
        return call_pb.CallVerdict.Name(answer.receipts[0].verdict).removeprefix("CALL_VERDICT_")


@asynccontextmanager
async def desk_of(rig: Rig) -> AsyncIterator[Desk]:
    def register(to: grpc.aio.Server) -> None:
        plan_rpc.add_PushPlanServiceServicer_to_server(PushPlanServicer(rig.work, rig.reading, FORMS, rig.clock), to)
        call_rpc.add_CallListServiceServicer_to_server(
            CallListServicer(rig.work, PushTraces(), rig.rules, rig.clock), to
        )
        contact_rpc.add_ContactServiceServicer_to_server(
            ContactServicer(rig.work, rig.reading, rig.records, rig.rules, rig.clock), to
        )

    settings = DispatchServerSettings(port=0, drain_seconds=0)
    async with (
        running(settings, register=register, service_names=SERVICE_NAMES, checks={}) as port,
        open_channel(f"127.0.0.1:{port}", client_name="test", caller=LOCAL) as channel,
    ):
        yield Desk(
            plan_rpc.PushPlanServiceStub(channel),
            call_rpc.CallListServiceStub(channel),
            contact_rpc.ContactServiceStub(channel),
        )
