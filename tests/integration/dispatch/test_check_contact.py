"""Whether a contact may leave now is told by the gate that pushes pass, and asking changes nothing."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text
from visavis.dispatch.v1 import contact_pb2 as types
from visavis.dispatch.v1 import contact_service_pb2 as pb

from services.dispatch.domain.rules import Rule
from shared.errors import Denied, InvalidInput
from shared.rpc.identity import Caller, Role, acting_as
from tests.factories.dispatch import msisdn
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.rig import Rig

CHANNELS = ["CHANNEL_SMS", "CHANNEL_WAP_PUSH", "CHANNEL_MAIL_139", "CHANNEL_CALL"]


def asked(**changes: str) -> pb.CheckContactRequest:
    facts = {"customer_id": "c-1", "owner_id": "o-1", "msisdn": msisdn(1), "city": "A", "arm": "targeted"}
    return pb.CheckContactRequest(**{**facts, **changes})


async def told(desk: Desk, **changes: str) -> dict[str, str]:
    """Return the rule that forbids each channel, "" where nothing does."""
    found = (await desk.contacts.CheckContact(asked(**changes))).channels
    assert [check.allowed for check in found] == [not check.rule for check in found]
    return {types.Channel.Name(check.channel): check.rule for check in found}


async def said(desk: Desk, customer: str = "c-1", policy: str = "prepaid-260") -> None:
    recorded = pb.RecordContactRequest(
        request_id=str(uuid.uuid4()),
        customer_id=customer,
        owner_id="o-1",
        city="A",
        policy=policy,
        answer=types.CONTACT_ANSWER_CONSIDERING,
    )
    await desk.contacts.RecordContact(recorded)


async def test_nothing_forbids_a_contact_with_somebody_unknown_in_the_morning(rig: Rig, desk: Desk) -> None:
    assert await told(desk) == dict.fromkeys(CHANNELS, "")


async def test_the_cap_of_the_person_counts_over_all_lines_and_says_until_when(rig: Rig, desk: Desk) -> None:
    await said(desk)
    await said(desk, customer="c-2")
    assert await told(desk) == dict.fromkeys(CHANNELS, "cap")
    (check, *_) = (await desk.contacts.CheckContact(asked())).channels
    assert check.reason == "2 contacts in 7 days"
    assert check.until_time.ToDatetime(rig.clock.now().tzinfo) == rig.clock.now() + timedelta(days=7)
    rig.clock.advance(timedelta(days=7))
    assert await told(desk) == dict.fromkeys(CHANNELS, "")


async def test_the_same_policy_and_the_hours_of_the_channel_hold_back(rig: Rig, desk: Desk) -> None:
    await said(desk)
    assert await told(desk, policy="prepaid-260") == dict.fromkeys(CHANNELS, "same_policy")
    assert await told(desk, policy="another") == dict.fromkeys(CHANNELS, "")
    rig.clock.advance(timedelta(hours=12))
    closed = await told(desk, policy="another")
    assert (closed["CHANNEL_CALL"], closed["CHANNEL_MAIL_139"]) == ("hours", "")


@pytest.mark.parametrize(("since", "counts"), [("", False), ("2026-01-01", True), ("2027-01-01", False)])
async def test_an_opt_out_of_the_number_counts_for_who_held_it_then(
    rig: Rig, desk: Desk, since: str, counts: bool
) -> None:
    await desk.contacts.CreateOptOut(pb.CreateOptOutRequest(customer_id="c-9", msisdn=msisdn(1), source="sms"))
    rig.clock.advance(timedelta(minutes=1))
    expected = dict.fromkeys(CHANNELS, "opt_out" if counts else "")
    assert await told(desk, number_since=since) == expected
    assert await told(desk, customer_id="c-9") == dict.fromkeys(CHANNELS, "opt_out")


async def test_the_control_arm_comes_first_then_what_the_newest_views_forbid(rig: Rig, desk: Desk) -> None:
    async with rig.work() as work:
        await work.barred.replace("snapshots/1", [("c-1", Rule.RED_LIST)])
    assert await told(desk) == dict.fromkeys(CHANNELS, "red_list")
    assert await told(desk, arm="control") == dict.fromkeys(CHANNELS, "control_arm")


async def test_an_address_that_is_none_forbids_its_own_channel(rig: Rig, desk: Desk) -> None:
    async with rig.database.write() as tx:
        insert = "INSERT INTO dispatch.dead_addresses VALUES ('mail_139', 'c-1', :msisdn, '550', :now)"
        await tx.connection.execute(text(insert), {"msisdn": msisdn(1), "now": rig.clock.now()})
    assert await told(desk) == {**dict.fromkeys(CHANNELS, ""), "CHANNEL_MAIL_139": "dead_address"}


async def test_who_asks_wrongly_or_about_another_city_is_told(rig: Rig, desk: Desk) -> None:
    with pytest.raises(InvalidInput) as refused:
        await desk.contacts.CheckContact(pb.CheckContactRequest(msisdn="1", number_since="soon"))
    assert [violation.field for violation in refused.value.violations] == [
        "customer_id",
        "owner_id",
        "city",
        "arm",
        "number_since",
        "msisdn",
    ]
    with acting_as(Caller("li", Role.AGENT, frozenset({"B"}))), pytest.raises(Denied):
        await desk.contacts.CheckContact(asked())
