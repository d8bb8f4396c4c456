"""Whom the newest customer views put on the red list, or who refused, gets nothing from a plan made before."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pyarrow.parquet as pq
import pytest
from visavis.common.v1 import run_pb2
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.profile.v1 import profile_service_pb2_grpc as profile_rpc
from visavis.profile.v1.customer_view_pb2 import CustomerView

from services.dispatch.clients import ProfileSnapshots
from services.dispatch.datasets import VIEWS, barred_customers
from services.dispatch.worker.barring import ViewsFollower
from shared.errors import Unavailable
from shared.lake.dataset import Dataset, DatasetUnreadable
from shared.lake.lake import Lake
from shared.lake.messages import messages_to_table
from shared.lake.refs import to_ref
from tests.factories.dispatch import CONTRACT, MORNING, msisdn, target_row
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.rig import Province, Rig, worker


def publish_views(lake: Lake, name: str, *views: CustomerView) -> Dataset:
    with lake.publish(f"profile/customer_view/{name}", schema=VIEWS, created_at=MORNING, traceparent="") as draft:
        pq.write_table(messages_to_table(views, CustomerView), draft.path("part.parquet"))
        return draft.commit(len(views))


def view(number: int, *, red_list: bool = False, consent: bool | None = None) -> CustomerView:
    return CustomerView(customer_id=f"c-{number}", red_list=red_list, marketing_consent=consent)


@dataclass
class FakeSnapshots:
    """`services.dispatch.ports.views.Snapshots`."""

    made: list[tuple[str, Dataset]] = field(default_factory=list)
    away: bool = False

    async def newest(self) -> tuple[str, Dataset] | None:
        if self.away:
            raise Unavailable("profile is away")
        return self.made[-1] if self.made else None


@dataclass
class Following:
    """A follower, and what it follows."""

    lake: Lake
    snapshots: FakeSnapshots
    follower: ViewsFollower
    read: int = 0

    def make(self, *views: CustomerView) -> None:
        name = f"s{len(self.snapshots.made)}"
        self.snapshots.made.append((f"snapshots/{name}", publish_views(self.lake, name, *views)))


@pytest.fixture
def following(rig: Rig, tmp_path: Path) -> Following:
    lake, snapshots = Lake(tmp_path / "lake"), FakeSnapshots()
    found = Following(lake, snapshots, ViewsFollower(snapshots, lambda views: barred_customers(lake, views), rig.work))

    def counted(views: Dataset) -> list[tuple[str, object]]:
        found.read += 1
        return list(barred_customers(lake, views))

    found.follower.barred_in = counted  # type: ignore[assignment]  # the same, counted
    return found


async def details(rig: Rig, plan_id: object) -> dict[str, str]:
    async with rig.reading() as reading:
        found = await reading.contacts.pushes(plan_id, state=None, after_rank=0, limit=100, cities=None)  # type: ignore[arg-type]  # a PlanId
    return {push.customer_id: f"{push.state}: {push.detail}" for push in found}


async def test_the_red_list_and_refused_consent_hold_when_a_push_is_claimed(
    rig: Rig, province: Province, following: Following
) -> None:
    plan = await rig.plan([target_row(number) for number in range(1, 5)])
    following.make(view(1, red_list=True, consent=True), view(2, consent=False), view(3, consent=True), view(4))
    await following.follower.look()
    async with worker(rig, province.account):
        await rig.until_states(plan, suppressed=2, sent=2)
    assert province.taken() == {msisdn(3): 1, msisdn(4): 1}
    assert {
        customer: told for customer, told in (await details(rig, plan.plan_id)).items() if "suppressed" in told
    } == {
        "c-1": "suppressed: red_list: on the red list",
        "c-2": "suppressed: consent: has not agreed to marketing",
    }


async def test_calls_are_not_lent_to_barred_customers(rig: Rig, desk: Desk, following: Following) -> None:
    following.make(view(1, red_list=True), view(2))
    await following.follower.look()
    plan = await rig.call_plan([target_row(number, policy=CONTRACT.policy) for number in (1, 2)])
    lent = await desk.lease(plan, "0b8e29c4-6a05-4b0b-8d2f-1c9f5f9f3a11")
    assert [call.customer_id for call in lent] == ["c-2"]


async def test_newer_views_replace_what_was_known_and_are_read_once(
    rig: Rig, province: Province, following: Following
) -> None:
    await following.follower.look()
    following.make(view(1, red_list=True), view(2))
    await asyncio.gather(*(following.follower.look() for _ in range(4)))
    await following.follower.look()
    assert following.read <= 4
    following.make(view(1), view(2, red_list=True))
    before = following.read
    await following.follower.look()
    await following.follower.look()
    assert following.read == before + 1
    plan = await rig.plan([target_row(1), target_row(2)])
    async with worker(rig, province.account):
        await rig.until_states(plan, sent=1, suppressed=1)
    assert province.taken() == {msisdn(1): 1}


async def test_without_profile_what_was_known_goes_on_to_hold(
    rig: Rig, province: Province, following: Following
) -> None:
    following.make(view(1, red_list=True))
    await following.follower.look()
    following.snapshots.away = True
    stop = asyncio.Event()
    running = asyncio.create_task(following.follower.run(stop))
    plan = await rig.plan([target_row(1), target_row(2)])
    async with worker(rig, province.account):
        await rig.until_states(plan, sent=1, suppressed=1)
    stop.set()
    await running


async def test_views_that_cannot_be_read_change_nothing_and_stop_nobody(
    rig: Rig, following: Following, tmp_path: Path
) -> None:
    following.make(view(1, red_list=True))
    await following.follower.look()
    following.make(view(2, red_list=True))
    for part in (tmp_path / "lake").glob("profile/customer_view/s1/*.parquet"):
        part.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DatasetUnreadable):
        await following.follower.look()
    async with rig.work() as work:
        assert await work.barred.snapshot() == "snapshots/s0"


class Profile(profile_rpc.ProfileServiceServicer):
    """Lists snapshots, newest made first: of an older cycle, one that is still being made, and two of the latest."""

    def __init__(self, views: Dataset) -> None:
        self.views = views

    async def ListSnapshots(  # noqa: N802 - gRPC gives servicers their methods' names
        self, request: profile_pb.ListSnapshotsRequest, context: object
    ) -> profile_pb.ListSnapshotsResponse:
        made = [
            ("again", "2026-10", run_pb2.RUN_STATE_SUCCEEDED),
            ("running", "2026-12", run_pb2.RUN_STATE_RUNNING),
            ("corrected", "2026-11", run_pb2.RUN_STATE_SUCCEEDED),
            ("first", "2026-11", run_pb2.RUN_STATE_SUCCEEDED),
        ]
        return profile_pb.ListSnapshotsResponse(
            snapshots=[
                profile_pb.Snapshot(
                    name=name, cycle=cycle, status=run_pb2.RunStatus(state=state), views=to_ref(self.views)
                )
                for name, cycle, state in made
            ]
        )


async def test_the_newest_snapshot_is_the_latest_cycles_last_that_succeeded() -> None:
    views = Dataset("profile/customer_view/x", VIEWS, 1, "0" * 64)
    server = grpc.aio.server()
    profile_rpc.add_ProfileServiceServicer_to_server(Profile(views), server)  # type: ignore[abstract]  # nobody asks for its other methods
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert await ProfileSnapshots.on(channel).newest() == ("corrected", views)
    finally:
        await server.stop(None)
