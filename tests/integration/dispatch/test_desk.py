"""What is said at the desk enters the ledger: it happened, so nothing refuses it, and it counts for all that follows."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text
from visavis.dispatch.v1 import contact_pb2 as types
from visavis.dispatch.v1 import contact_service_pb2 as pb

from shared.errors import AlreadyExists, Denied, Failure, InvalidInput
from shared.rpc.identity import Caller, Role, acting_as
from tests.factories.dispatch import MORNING, NEWSPAPER, msisdn, plan_request, rules, target_row
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.rig import Province, Rig, worker

LONG = plan_request(expire_time=MORNING + timedelta(days=10))
"""Outlives the window of the cap."""


def said(
    answer: types.ContactAnswer.ValueType = types.CONTACT_ANSWER_DECLINED, **changes: object
) -> pb.RecordContactRequest:
    """Return what a clerk asks to record of customer c-1, whose other line is c-2."""
    asked = pb.RecordContactRequest(
        request_id=str(uuid.uuid4()),
        customer_id="c-1",
        owner_id="o-1",
        msisdn=msisdn(1),
        city="A",
        policy="prepaid-260",
        answer=answer,
    )
    for name, value in changes.items():
        setattr(asked, name, value)
    return asked


async def contacts_of(desk: Desk, customer: str) -> pb.ListContactsResponse:
    return await desk.contacts.ListContacts(pb.ListContactsRequest(customer_id=customer))


async def events(desk: Desk) -> list[tuple[str, str, str, str]]:
    found = (await desk.contacts.ListContactEvents(pb.ListContactEventsRequest())).events
    return [
        (
            pb.ContactEventKind.Name(event.kind).removeprefix("CONTACT_EVENT_KIND_"),
            event.policy,
            types.Channel.Name(event.channel),
            event.push_plan,
        )
        for event in found
    ]


async def test_records_of_several_customers_come_in_the_order_asked(rig: Rig, desk: Desk) -> None:
    recorded = (await desk.contacts.RecordContact(said(types.CONTACT_ANSWER_OPTED_OUT))).contact
    asked = pb.BatchGetCustomerRecordsRequest(customer_ids=["nobody", "c-1", "nobody", "c-1"])
    records = (await desk.contacts.BatchGetCustomerRecords(asked)).records
    assert [(record.customer_id, list(record.contacts), record.HasField("opt_out")) for record in records] == [
        ("nobody", [], False),
        ("c-1", [recorded], True),
        ("nobody", [], False),
        ("c-1", [recorded], True),
    ]
    elsewhere = Caller("clerk-7", Role.CLERK, frozenset({"芜湖"}))
    with acting_as(elsewhere):
        hidden = (await desk.contacts.BatchGetCustomerRecords(asked)).records
    assert [len(record.contacts) for record in hidden] == [0, 0, 0, 0]


@pytest.mark.parametrize("customers", [[], ["c-1", ""], ["c"] * 101])
async def test_records_are_asked_of_1_to_100_customers(desk: Desk, customers: list[str]) -> None:
    with pytest.raises(InvalidInput, match="1 to 100"):
        await desk.contacts.BatchGetCustomerRecords(pb.BatchGetCustomerRecordsRequest(customer_ids=customers))


async def test_an_answer_at_the_desk_is_a_contact_like_others(rig: Rig, desk: Desk) -> None:
    recorded = (await desk.contacts.RecordContact(said(types.CONTACT_ANSWER_CONSIDERING))).contact
    assert (recorded.channel, recorded.state, recorded.answer, recorded.push_plan) == (
        types.CHANNEL_DESK,
        types.CONTACT_STATE_SENT,
        types.CONTACT_ANSWER_CONSIDERING,
        "",
    )
    assert recorded.send_time.ToDatetime(MORNING.tzinfo) == MORNING
    assert list((await contacts_of(desk, "c-1")).contacts) == [recorded]
    assert await events(desk) == [
        ("SENT", "prepaid-260", "CHANNEL_DESK", ""),
        ("CONSIDERING", "prepaid-260", "CHANNEL_DESK", ""),
    ]


async def test_it_counts_against_the_cap_of_the_person_whatever_the_line(
    rig: Rig, desk: Desk, province: Province
) -> None:
    rig.rules = rules(cap=1)
    await desk.contacts.RecordContact(said())
    other_line, somebody = target_row(2, owner="o-1"), target_row(3)
    plan = await rig.plan([other_line, somebody], LONG)
    async with worker(rig, province.account):
        await rig.until_states(plan, held=1, sent=1)
    assert province.taken() == {msisdn(3): 1}


async def test_no_cap_nor_hours_nor_opt_out_refuses_what_happened(rig: Rig, desk: Desk) -> None:
    rig.rules = rules(cap=1)
    await desk.contacts.CreateOptOut(pb.CreateOptOutRequest(customer_id="c-1", source="hotline"))
    rig.clock.advance(timedelta(hours=12))
    for _ in range(3):
        await desk.contacts.RecordContact(said())
    assert len((await contacts_of(desk, "c-1")).contacts) == 3


async def test_a_repeat_is_one_contact_and_another_content_under_its_id_is_refused(rig: Rig, desk: Desk) -> None:
    asked = said()
    first, *others = await asyncio.gather(*(desk.contacts.RecordContact(asked) for _ in range(6)))
    rig.clock.advance(timedelta(minutes=5))
    asked.request_id = asked.request_id.upper()
    assert [*others, await desk.contacts.RecordContact(asked)] == [first] * 6
    assert len((await contacts_of(desk, "c-1")).contacts) == 1
    assert len(await events(desk)) == 2
    for changes in ({"policy": "another"}, {"answer": types.CONTACT_ANSWER_ACCEPTED}, {"customer_id": "c-9"}):
        with pytest.raises(AlreadyExists):
            await desk.contacts.RecordContact(said(request_id=asked.request_id, **changes))


async def test_an_opt_out_at_the_desk_withdraws_everything(rig: Rig, desk: Desk) -> None:
    plan = await rig.plan([target_row(1), target_row(2)])
    await desk.contacts.RecordContact(said(types.CONTACT_ANSWER_OPTED_OUT))
    assert await rig.states(plan) == {"cancelled": 1, "planned": 1}
    found = await contacts_of(desk, "c-1")
    assert (found.opt_out.source, found.contacts[0].answer) == ("desk", types.CONTACT_ANSWER_OPTED_OUT)


async def test_an_opt_out_and_its_contact_are_recorded_together_or_not_at_all(rig: Rig, desk: Desk) -> None:
    async with rig.database.write() as tx:
        await tx.connection.execute(text("ALTER TABLE dispatch.opt_outs ADD CONSTRAINT closed CHECK (false)"))
    with pytest.raises(Failure):
        await desk.contacts.RecordContact(said(types.CONTACT_ANSWER_OPTED_OUT))
    assert not (await contacts_of(desk, "c-1")).contacts


async def test_what_happened_yesterday_may_be_told_today(rig: Rig, desk: Desk) -> None:
    asked = said()
    asked.contact_time.FromDatetime(MORNING - timedelta(days=1))
    recorded = (await desk.contacts.RecordContact(asked)).contact
    assert recorded.answer_time.ToDatetime(MORNING.tzinfo) == MORNING - timedelta(days=1)
    for wrong in (MORNING + timedelta(minutes=1), MORNING - timedelta(days=32)):
        asked.contact_time.FromDatetime(wrong)
        with pytest.raises(InvalidInput, match="contact_time"):
            await desk.contacts.RecordContact(asked)


async def test_a_clerk_records_in_the_own_cities_only_and_a_call_platform_never(rig: Rig, desk: Desk) -> None:
    with acting_as(Caller("li", Role.CLERK, frozenset({"B"}))), pytest.raises(Denied):
        await desk.contacts.RecordContact(said())
    with acting_as(Caller("dialer", Role.CALL_PLATFORM)), pytest.raises(Denied):
        await desk.contacts.RecordContact(said())
    with acting_as(Caller("li", Role.CLERK, frozenset({"A"}))):
        assert (await desk.contacts.RecordContact(said())).contact.name


async def test_everything_that_is_wrong_is_told_at_once(rig: Rig, desk: Desk) -> None:
    with pytest.raises(InvalidInput) as wrong:
        await desk.contacts.RecordContact(pb.RecordContactRequest(request_id="x", msisdn="1"))
    assert [violation.field for violation in wrong.value.violations] == [
        "request_id",
        "customer_id",
        "owner_id",
        "city",
        "policy",
        "answer",
        "msisdn",
    ]


async def test_what_was_offered_at_the_desk_is_not_sent_at_once_by_sms(
    rig: Rig, desk: Desk, province: Province
) -> None:
    await desk.contacts.RecordContact(said(policy=NEWSPAPER.policy))
    plan = await rig.plan([target_row(1)], LONG)
    async with worker(rig, province.account):
        await rig.until_states(plan, held=1)
    assert not province.taken()
