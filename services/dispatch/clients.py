"""Profile, as dispatch sees it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from visavis.common.v1 import run_pb2
from visavis.profile.v1 import profile_service_pb2 as pb
from visavis.profile.v1 import profile_service_pb2_grpc as rpc

from shared.lake.dataset import Dataset
from shared.lake.refs import from_ref
from shared.observability.context import unobserved

if TYPE_CHECKING:  # the async stubs exist for the type checker only
    from visavis.profile.v1.profile_service_pb2_grpc import ProfileServiceAsyncStub

READING = (pb.DESCRIPTOR.services_by_name["ProfileService"],)


@dataclass(frozen=True, slots=True)
class ProfileSnapshots:
    """`services.dispatch.ports.views.Snapshots`, over gRPC."""

    stub: "ProfileServiceAsyncStub"

    @classmethod
    def on(cls, channel: grpc.aio.Channel) -> "ProfileSnapshots":
        return cls(rpc.ProfileServiceStub(channel))

    async def newest(self) -> tuple[str, Dataset] | None:
        """Look at the fifty newest; an older cycle's that was made again later is not the newest."""
        with unobserved():
            found = (await self.stub.ListSnapshots(pb.ListSnapshotsRequest())).snapshots
        made = [snapshot for snapshot in found if snapshot.status.state == run_pb2.RUN_STATE_SUCCEEDED]
        if not made:
            return None
        newest = max(made, key=lambda snapshot: snapshot.cycle)  # the first of several, which is the newest made
        return newest.name, from_ref(newest.views)
