"""The server and the worker as processes: a plan is loaded from the lake, sent, and its events and traces can be read."""

import asyncio
import socket
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from visavis.common.v1 import run_pb2
from visavis.dispatch.v1 import contact_pb2 as contact_types
from visavis.dispatch.v1 import contact_service_pb2 as contact_pb
from visavis.dispatch.v1 import contact_service_pb2_grpc as contact_rpc
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1 import push_plan_service_pb2_grpc as plan_rpc

from shared.clock import ManualClock
from shared.errors import DeadlineExceeded, Unavailable
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.refs import to_ref
from shared.observability.traces import load
from shared.rpc.client import open_channel
from shared.rpc.identity import LOCAL
from tests.factories.dispatch import MORNING, NEWSPAPER, PAGE, WEEK_LATER, msisdn, publish_targets, target_row
from tests.integration.dispatch import processes
from tests.integration.dispatch.rig import Province
from tests.integration.dispatch.wap_rig import push_province_in

if TYPE_CHECKING:  # async stubs exist for the type checker only
    from visavis.dispatch.v1.contact_service_pb2_grpc import ContactServiceAsyncStub
    from visavis.dispatch.v1.push_plan_service_pb2_grpc import PushPlanServiceAsyncStub

SELECTION = "00-11111111111111111111111111111111-2222222222222222-01"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def asked(targets: Dataset, request_id: str) -> plan_pb.CreatePushPlanRequest:
    offer = plan_pb.PlanOffer(
        policy=NEWSPAPER.policy, product=NEWSPAPER.product, text=NEWSPAPER.text, order_keyword=NEWSPAPER.order_keyword
    )
    request = plan_pb.CreatePushPlanRequest(
        request_id=request_id,
        display_name="Newspaper",
        channel=contact_types.CHANNEL_SMS,
        targets=to_ref(targets),
        offers=[offer],
    )
    request.expire_time.FromDatetime(WEEK_LATER)
    return request


async def until_loaded(stub: "PushPlanServiceAsyncStub", request: plan_pb.CreatePushPlanRequest) -> plan_pb.PushPlan:
    """Create the plan as soon as the server answers, and wait until its targets are loaded."""
    async with asyncio.timeout(30):
        while True:
            try:
                plan = (await stub.CreatePushPlan(request)).push_plan
            except (Unavailable, DeadlineExceeded):  # as long as it starts
                await asyncio.sleep(0.1)
                continue
            if plan.load_status.state in {run_pb2.RUN_STATE_SUCCEEDED, run_pb2.RUN_STATE_FAILED}:
                return plan
            await asyncio.sleep(0.1)


async def all_events(stub: "ContactServiceAsyncStub", count: int) -> list[contact_pb.ContactEvent]:
    """Read the outbox page by page until `count` events have come."""
    found: list[contact_pb.ContactEvent] = []
    cursor = ""
    async with asyncio.timeout(20):
        while len(found) < count:
            page = await stub.ListContactEvents(contact_pb.ListContactEventsRequest(cursor=cursor, page_size=7))
            found.extend(page.events)
            cursor = page.next_cursor
            await asyncio.sleep(0 if page.events else 0.1)
    return found


def asked_by_wap(targets: Dataset) -> plan_pb.CreatePushPlanRequest:
    request = asked(targets, str(uuid.uuid4()))
    request.channel = contact_types.CHANNEL_WAP_PUSH
    del request.offers[:]
    request.offers.add(policy=PAGE.policy, product=PAGE.product, text=PAGE.text, href=PAGE.href)
    return request


async def test_one_worker_serves_several_channels_and_hears_what_became_of_pushes(
    admin_url: str, province: Province, tmp_path: Path
) -> None:
    home, port, reports_port = tmp_path / "home", free_port(), free_port()
    async with push_province_in(tmp_path, ManualClock(MORNING)) as push_province:
        variables = processes.environment(
            admin_url,
            home,
            gateway_port=province.gateway.port,
            VISAVIS_DISPATCH_PORT=str(port),
            VISAVIS_DISPATCH_WAP_URL=push_province.gateway.url,
            VISAVIS_DISPATCH_WAP_REPORTS_PORT=str(reports_port),
        )
        lake = Lake(home / "lake")
        by_sms = asked(publish_targets(lake, [target_row(n) for n in range(1, 11)]), str(uuid.uuid4()))
        by_wap = asked_by_wap(publish_targets(lake, [target_row(n, policy=PAGE.policy) for n in range(1, 11)]))
        started = [processes.start(mode, variables, tmp_path / f"{mode}.log") for mode in ("serve", "worker")]
        try:
            async with open_channel(f"127.0.0.1:{port}", client_name="test", caller=LOCAL) as channel:
                plans = plan_rpc.PushPlanServiceStub(channel)
                names = [(await until_loaded(plans, request)).name for request in (by_sms, by_wap)]
                for name in names:
                    await plans.StartPushPlan(plan_pb.StartPushPlanRequest(name=name))
                found = [await until_delivered(plans, name, 10) for name in names]
        finally:
            codes = [await processes.stop(process) for process in started]
    assert codes == [0, 0], (tmp_path / "worker.log").read_text()
    assert [plan.channel_notice for plan in found] == ["", ""]
    assert found[1].offers[0].href == PAGE.href
    assert province.taken() == push_province.taken() == {msisdn(n): 1 for n in range(1, 11)}


async def until_delivered(stub: "PushPlanServiceAsyncStub", name: str, count: int) -> plan_pb.PushPlan:
    async with asyncio.timeout(40):
        while True:
            plan = (await stub.GetPushPlan(plan_pb.GetPushPlanRequest(name=name))).push_plan
            if plan.balance.delivered_count == count:
                return plan
            await asyncio.sleep(0.05)


async def test_server_and_worker_load_start_send_and_tell(admin_url: str, province: Province, tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    variables = processes.environment(
        admin_url, home, gateway_port=province.gateway.port, VISAVIS_DISPATCH_PORT=str(port)
    )
    rows = [target_row(n, arm="control" if n % 10 == 0 else "targeted") for n in range(1, 51)]
    targets = publish_targets(Lake(home / "lake"), rows, traceparent=SELECTION)
    started = [processes.start(mode, variables, tmp_path / f"{mode}.log") for mode in ("serve", "worker")]
    try:
        async with open_channel(f"127.0.0.1:{port}", client_name="test", caller=LOCAL) as channel:
            plans, contacts = plan_rpc.PushPlanServiceStub(channel), contact_rpc.ContactServiceStub(channel)
            loaded = await until_loaded(plans, asked(targets, str(uuid.uuid4())))
            assert (loaded.state, loaded.balance.planned_count) == (plan_pb.PushPlan.STATE_READY, 45)
            plan = (await plans.StartPushPlan(plan_pb.StartPushPlanRequest(name=loaded.name))).push_plan
            events = await all_events(contacts, 1 + 45 * 2)
            plan = (await plans.GetPushPlan(plan_pb.GetPushPlanRequest(name=loaded.name))).push_plan
    finally:
        codes = [await processes.stop(process) for process in started]
    assert codes == [0, 0], (tmp_path / "worker.log").read_text()
    assert province.taken() == {msisdn(n): 1 for n in range(1, 51) if n % 10}
    assert (plan.balance.total_count, plan.balance.sent_count, plan.balance.delivered_count) == (45, 45, 45)
    assert plan.channel_notice == ""
    assert len({event.event_id for event in events}) == 91
    sent = next(event for event in events if event.kind == contact_pb.CONTACT_EVENT_KIND_SENT)
    trace = load(home / "telemetry", sent.traceparent[3:35])
    assert [root.span.name for root in trace.roots] == ["push"]
    assert SELECTION[3:35] in {link.trace_id for link in trace.roots[0].span.links}
