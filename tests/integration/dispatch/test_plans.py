"""Plans over RPC: created once, started by those who may, listed page by page, balanced, each in the caller's cities."""

import uuid

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from visavis.common.v1 import dataset_pb2
from visavis.dispatch.v1 import contact_pb2
from visavis.dispatch.v1 import contact_service_pb2 as contact_service
from visavis.dispatch.v1 import push_plan_service_pb2 as pb

from shared.errors import AlreadyExists, Denied, InvalidInput, NotFound, WrongState
from shared.rpc.identity import Caller, Role, acting_as
from shared.rpc.pages import Key, encode_token
from tests.factories.dispatch import NEWSPAPER, SCHEMA, WEEK_LATER, target_row
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.rig import Rig


def asked(request_id: str = "", *, text: str = NEWSPAPER.text) -> pb.CreatePushPlanRequest:
    request = pb.CreatePushPlanRequest(
        request_id=request_id,
        display_name="Newspaper",
        channel=contact_pb2.CHANNEL_SMS,
        targets=dataset_pb2.DatasetRef(uri="recommendation/targets/1", schema=SCHEMA, row_count=1),
        offers=[pb.PlanOffer(policy=NEWSPAPER.policy, text=text, order_keyword=NEWSPAPER.order_keyword)],
    )
    request.expire_time.FromDatetime(WEEK_LATER)
    return request


async def test_the_same_request_finds_the_plan_that_is_there_even_after_its_end(rig: Rig, desk: Desk) -> None:
    request = asked(str(uuid.uuid4()))
    first = (await desk.plans.CreatePushPlan(request)).push_plan
    rig.clock.instant = WEEK_LATER
    again = (await desk.plans.CreatePushPlan(request)).push_plan
    assert (again.name, again.state) == (first.name, pb.PushPlan.STATE_LOADING)
    with pytest.raises(AlreadyExists):
        await desk.plans.CreatePushPlan(asked(request.request_id, text="回复{keyword}"))


async def test_a_plan_shows_as_how_many_messages_each_text_leaves_and_refuses_a_longer_one(desk: Desk) -> None:
    created = (await desk.plans.CreatePushPlan(asked(text="办" * 100 + "{keyword}"))).push_plan
    assert [offer.parts for offer in created.offers] == [2]
    with pytest.raises(InvalidInput) as wrong:
        await desk.plans.CreatePushPlan(asked(text="办" * 200 + "{keyword}"))
    (violation,) = wrong.value.violations
    assert violation.field == "offers[0].text"
    assert "has 218 characters and takes 4 SMS, at most 3 expected" in violation.description


async def test_a_wrong_plan_is_refused_with_everything_that_is_wrong(desk: Desk) -> None:
    request = asked("not a uuid")
    request.channel = contact_pb2.CHANNEL_UNSPECIFIED
    request.targets.schema = "visavis.profile.v1.CustomerView"
    request.ClearField("expire_time")
    request.offers.append(request.offers[0])
    with pytest.raises(InvalidInput) as wrong:
        await desk.plans.CreatePushPlan(request)
    fields = [violation.field for violation in wrong.value.violations]
    assert fields == ["request_id", "channel", "targets.schema", "expire_time", "offers"]


async def test_only_planners_and_operations_start_a_plan_and_only_a_loaded_one(rig: Rig, desk: Desk) -> None:
    loading = (await desk.plans.CreatePushPlan(asked())).push_plan
    with pytest.raises(WrongState, match="still being loaded"):
        await desk.plans.StartPushPlan(pb.StartPushPlanRequest(name=loading.name))
    ready = await rig.plan([target_row(1)], start=False)
    start = pb.StartPushPlanRequest(name=f"pushPlans/{ready.plan_id}")
    with acting_as(Caller("li", Role.CLERK)), pytest.raises(Denied):
        await desk.plans.StartPushPlan(start)
    first = (await desk.plans.StartPushPlan(start)).push_plan
    rig.clock.instant = WEEK_LATER
    assert (await desk.plans.StartPushPlan(start)).push_plan.start_time == first.start_time
    with pytest.raises(NotFound):
        await desk.plans.GetPushPlan(pb.GetPushPlanRequest(name="pushPlans/none"))


async def test_plans_are_listed_newest_first_page_by_page(rig: Rig, desk: Desk) -> None:
    made = [await rig.plan([target_row(1)], start=False) for _ in range(5)]
    names: list[str] = []
    token = ""
    while True:
        page = await desk.plans.ListPushPlans(pb.ListPushPlansRequest(page_size=2, page_token=token))
        names.extend(plan.name for plan in page.push_plans)
        assert all(plan.balance.total_count == 1 for plan in page.push_plans)
        token = page.next_page_token
        if not token:
            break
    assert sorted(names) == sorted(f"pushPlans/{plan.plan_id}" for plan in made)


async def test_pushes_are_listed_by_rank_in_the_callers_cities(rig: Rig, desk: Desk) -> None:
    plan = await rig.plan([target_row(n) for n in range(1, 8)])
    asked = pb.ListPushesRequest(parent=f"pushPlans/{plan.plan_id}", page_size=2)
    ranks: list[int] = []
    with acting_as(Caller("wang", Role.PLANNER, frozenset({"A"}))):
        while True:
            page = await desk.plans.ListPushes(asked)
            ranks.extend(push.rank for push in page.pushes)
            asked.page_token = page.next_page_token
            if not asked.page_token:
                break
    assert ranks == [1, 3, 5, 7]
    held = pb.ListPushesRequest(parent=asked.parent, state=pb.PUSH_STATE_HELD)
    assert not (await desk.plans.ListPushes(held)).pushes


async def test_an_sms_plan_says_that_no_worker_runs(rig: Rig, desk: Desk) -> None:
    plan = await rig.plan([target_row(1)])
    answer = await desk.plans.GetPushPlan(pb.GetPushPlanRequest(name=f"pushPlans/{plan.plan_id}"))
    assert "no dispatch worker has reported" in answer.push_plan.channel_notice


async def test_an_opt_out_is_one_however_often_it_is_asked_for(desk: Desk) -> None:
    request = contact_service.CreateOptOutRequest(customer_id="c-1", msisdn="+8613800138000", source="desk")
    first = (await desk.contacts.CreateOptOut(request)).opt_out
    request.source = "hotline"
    assert (await desk.contacts.CreateOptOut(request)).opt_out == first
    with pytest.raises(InvalidInput) as wrong:
        await desk.contacts.CreateOptOut(contact_service.CreateOptOutRequest(request_id="x", msisdn="10086"))
    assert [violation.field for violation in wrong.value.violations] == [
        "request_id",
        "customer_id",
        "source",
        "msisdn",
    ]


async def test_a_cursor_that_is_none_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidInput):
        await desk.contacts.ListContactEvents(contact_service.ListContactEventsRequest(cursor="nonsense"))
    empty = await desk.contacts.ListContactEvents(contact_service.ListContactEventsRequest())
    assert (list(empty.events), empty.next_cursor) == ([], "")


async def test_a_forged_page_token_is_refused_by_every_list(rig: Rig, desk: Desk) -> None:
    plan = await rig.plan([target_row(1)])
    parent = f"pushPlans/{plan.plan_id}"
    keysets: list[list[Key]] = [[], ["x", "y"], [None], [1 << 70], ["2026-11-09T10:00:00", 1]]
    for forged in keysets:
        plans = pb.ListPushPlansRequest(page_token=encode_token(forged, "pushPlans"))
        with pytest.raises(InvalidInput, match="page_token"):
            await desk.plans.ListPushPlans(plans)
        pushes = pb.ListPushesRequest(parent=parent, page_token=encode_token(forged, f"{parent}\n0"))
        with pytest.raises(InvalidInput, match="page_token"):
            await desk.plans.ListPushes(pushes)
        token = encode_token(forged, "c-1\n0\n0")
        with pytest.raises(InvalidInput, match="page_token"):
            await desk.contacts.ListContacts(contact_service.ListContactsRequest(customer_id="c-1", page_token=token))


async def test_what_no_list_can_be_asked_for_is_refused_in_words(rig: Rig, desk: Desk) -> None:
    plan = await rig.plan([target_row(1)])
    parent = f"pushPlans/{plan.plan_id}"
    with pytest.raises(InvalidInput, match="state: 99 is unknown"):
        await desk.plans.ListPushes(pb.ListPushesRequest(parent=parent, state=99))  # type: ignore[arg-type]  # as another client may
    since = Timestamp(seconds=1 << 60)
    with pytest.raises(InvalidInput, match="since_time"):
        await desk.contacts.ListContacts(contact_service.ListContactsRequest(customer_id="c-1", since_time=since))
    with pytest.raises(InvalidInput, match="NUL"):
        await desk.contacts.ListContacts(contact_service.ListContactsRequest(customer_id="c\0"))
    with pytest.raises(InvalidInput, match="NUL"):
        await desk.plans.CreatePushPlan(asked(text="回复{keyword}\0"))


async def test_a_request_id_is_one_however_it_is_written(desk: Desk) -> None:
    request = asked(str(uuid.uuid4()))
    first = (await desk.plans.CreatePushPlan(request)).push_plan
    request.request_id = request.request_id.upper()
    assert (await desk.plans.CreatePushPlan(request)).push_plan.name == first.name


@pytest.mark.parametrize(
    "caller", [Caller("li", Role.CLERK), Caller("a service of one city", Role.SERVICE, frozenset({"A"}))]
)
async def test_events_of_everybody_are_told_to_services_and_operations_only(desk: Desk, caller: Caller) -> None:
    with acting_as(caller), pytest.raises(Denied):
        await desk.contacts.ListContactEvents(contact_service.ListContactEventsRequest())
