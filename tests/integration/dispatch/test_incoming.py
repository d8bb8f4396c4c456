"""Receipts and replies come late, twice, too early or out of the blue; each is stored once and finds its contact."""

import uuid
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from services.dispatch.channels.sms_wire import to_replies
from services.dispatch.channels.tracing import PushTraces
from services.dispatch.domain.plans import Plan
from services.dispatch.domain.pushes import Contact, ContactState, Delivery, EventKind, Outcome, PushId, PushState
from services.dispatch.ports.channels import Receipt, Reply
from services.dispatch.tables import REPLIES
from services.dispatch.use_cases.admission import Destination, admit
from services.dispatch.use_cases.incoming import match_receipts, settle_by_number
from services.dispatch.use_cases.opt_outs import record_opt_out
from services.dispatch.use_cases.sending import record_results
from services.dispatch.worker.incoming import StoredIncoming
from shared.wire.cmpp.pdus import Deliver
from tests.factories.dispatch import MORNING, NEWSPAPER, msisdn, plan_request, target_row
from tests.integration.dispatch.rig import Rig

ACCOUNT = "901234"


def receipt(number: int, message_id: str, status: str = "DELIVRD") -> Receipt:
    return Receipt(ACCOUNT, message_id, msisdn(number), status, MORNING, MORNING)


def reply(number: int, text: str, message_id: str = "") -> Reply:
    return Reply(ACCOUNT, message_id or str(uuid.uuid4()), msisdn(number), text)


def incoming(rig: Rig) -> StoredIncoming:
    return StoredIncoming(rig.work, rig.receipts, rig.clock)


async def claim(rig: Rig, plan: Plan) -> list[PushId]:
    """Claim the pushes of a plan as a sender does, under claim `k`; return their ids."""
    async with rig.work() as work:
        destination = Destination(PushState.CLAIMED, "k", ACCOUNT)
        admission = await admit(
            plan, destination, limit=64, work=work, traces=PushTraces(), rules=rig.rules, now=rig.clock.now()
        )
        await work.claims.begin("k", "worker")
    return [one.target.push_id for one in admission.admitted]


async def sent(rig: Rig, number: int = 1, *, message_id: str | None = "m-1", plan: Plan | None = None) -> Plan:
    """Send one push; without a message id its answer never came."""
    plan = plan or await rig.plan([target_row(number)])
    known = message_id is not None
    for push_id in await claim(rig, plan):
        outcome = Outcome(
            push_id,
            PushState.SENT if known else PushState.INDETERMINATE,
            ContactState.SENT if known else ContactState.INDETERMINATE,
            "",
            sent_at=rig.clock.now() if known else None,
            message_ids=(message_id,) if message_id is not None else (),
        )
        async with rig.work() as work:
            await record_results("k", [outcome], work=work, now=rig.clock.now())
    return plan


async def contact_of(rig: Rig, number: int = 1) -> Contact:
    """Return the customer's latest contact."""
    return (await rig.contacts(f"c-{number}", since=MORNING - timedelta(days=400)))[0]


async def told(rig: Rig) -> list[EventKind]:
    async with rig.reading() as reading:
        return [event.kind for event in (await reading.contacts.events(cursor="", limit=100)).events]


async def test_a_receipt_that_comes_twice_counts_once(rig: Rig) -> None:
    await sent(rig)
    for _ in range(2):
        await incoming(rig).on_receipts([receipt(1, "m-1"), receipt(1, "m-1")])
    assert (await contact_of(rig)).delivery is Delivery.DELIVERED
    assert (await told(rig)).count(EventKind.DELIVERED) == 1


async def test_what_was_delivered_stays_delivered_and_what_was_not_may_still_be(rig: Rig) -> None:
    await sent(rig)
    for status, expected in (("UNDELIV", "undelivered"), ("DELIVRD", "delivered"), ("EXPIRED", "delivered")):
        await incoming(rig).on_receipts([receipt(1, "m-1", status)])
        assert (await contact_of(rig)).delivery == expected


async def test_a_receipt_that_overtakes_the_answer_finds_its_contact_later(rig: Rig) -> None:
    plan = await rig.plan([target_row(1)])
    (push_id,) = await claim(rig, plan)
    await incoming(rig).on_receipts([receipt(1, "m-1")])
    assert (await contact_of(rig)).delivery is None
    done = Outcome(push_id, PushState.SENT, ContactState.SENT, "", sent_at=rig.clock.now(), message_ids=("m-1",))
    async with rig.work() as work:
        assert await settle_by_number(work=work, now=rig.clock.now()) == 0
        await record_results("k", [done], work=work, now=rig.clock.now())
    async with rig.work() as work:
        assert await match_receipts(work=work, now=rig.clock.now()) == 1
    assert (await contact_of(rig)).delivery is Delivery.DELIVERED


async def test_an_id_that_recurs_after_a_year_is_another_message(rig: Rig) -> None:
    await sent(rig)
    await incoming(rig).on_receipts([receipt(1, "m-1")])
    rig.clock.advance(timedelta(days=365))
    await sent(rig, plan=await rig.plan([target_row(1)], plan_request(expire_time=rig.clock.now() + timedelta(1))))
    await incoming(rig).on_receipts([receipt(1, "m-1", "UNDELIV")])
    await incoming(rig).on_receipts([receipt(1, "m-1", "DELIVRD")])
    assert (await contact_of(rig)).delivery is Delivery.DELIVERED
    assert (await told(rig)).count(EventKind.DELIVERED) == 2


async def test_an_unknown_receipt_settles_the_one_indeterminate_push_of_its_number(rig: Rig) -> None:
    plan = await sent(rig, message_id=None)
    await incoming(rig).on_receipts([receipt(1, "unheard-of")])
    async with rig.work() as work:
        assert await settle_by_number(work=work, now=rig.clock.now()) == 1
    assert await rig.states(plan) == {"sent": 1}
    contact = await contact_of(rig)
    assert (contact.state, contact.delivery) == (ContactState.SENT, Delivery.DELIVERED)


async def test_an_unknown_receipt_settles_nothing_when_two_pushes_of_its_number_are_open(rig: Rig) -> None:
    other = replace(NEWSPAPER, policy="weather")
    first = await sent(rig, message_id=None)
    request = plan_request(offers=[other])
    second = await sent(rig, message_id=None, plan=await rig.plan([target_row(1, policy="weather")], request))
    await incoming(rig).on_receipts([receipt(1, "unheard-of")])
    async with rig.work() as work:
        assert await settle_by_number(work=work, now=rig.clock.now()) == 0
    assert [await rig.states(plan) for plan in (first, second)] == [{"indeterminate": 1}] * 2


async def test_of_many_receipts_those_of_known_messages_wait_for_them_and_settle_no_other(rig: Rig) -> None:
    """Many that come together are only kept; whatever else is settled by number meanwhile has to leave them alone."""
    known = await sent(rig)
    other = plan_request(offers=[replace(NEWSPAPER, policy="weather")])
    lost = await sent(rig, message_id=None, plan=await rig.plan([target_row(1, policy="weather")], other))
    await incoming(rig).on_receipts([receipt(1, "m-1"), *(receipt(number, f"m-{number}") for number in range(2, 8))])
    async with rig.work() as work:
        assert await settle_by_number(work=work, now=rig.clock.now()) == 0
        assert await match_receipts(work=work, now=rig.clock.now()) == 1
    assert [await rig.states(plan) for plan in (known, lost)] == [{"sent": 1}, {"indeterminate": 1}]
    assert [contact.delivery for contact in await rig.contacts("c-1")] == [None, Delivery.DELIVERED]


async def test_an_unknown_receipt_after_72_hours_settles_nothing(rig: Rig) -> None:
    plan = await sent(rig, message_id=None)
    rig.clock.advance(timedelta(hours=72))
    await incoming(rig).on_receipts([receipt(1, "unheard-of")])
    async with rig.work() as work:
        assert await settle_by_number(work=work, now=rig.clock.now()) == 0
    assert await rig.states(plan) == {"indeterminate": 1}


async def test_the_order_keyword_of_the_latest_message_is_a_yes_however_it_is_typed(rig: Rig) -> None:
    await sent(rig)
    again = reply(1, " ｄｇｓｊｂ\n")
    for _ in range(2):
        await incoming(rig).on_reply(again)
    assert (await contact_of(rig)).answer == "accepted"
    assert (await told(rig)).count(EventKind.ACCEPTED) == 1


async def test_a_word_that_cancels_a_reminder_is_no_opt_out_and_waits_for_a_person(rig: Rig) -> None:
    await sent(rig)
    for text in ("TDMRTX", "不要再发了", "TD TD"):
        await incoming(rig).on_reply(reply(1, text))
    async with rig.reading() as reading:
        assert await reading.contacts.opt_out_of("c-1") is None
    async with rig.database.read() as tx:
        kept = (await tx.connection.execute(select(REPLIES.c.text).where(REPLIES.c.meaning == "unmatched"))).scalars()
        assert set(kept) == {"TDMRTX", "不要再发了", "TD TD"}


async def test_an_opt_out_by_message_cancels_what_waits_and_is_told_once(rig: Rig) -> None:
    await sent(rig)
    waiting = await rig.plan(
        [target_row(1, policy="weather")], plan_request(offers=[replace(NEWSPAPER, policy="weather")])
    )
    again = reply(1, "退订")
    for _ in range(2):
        await incoming(rig).on_reply(again)
    assert await rig.states(waiting) == {"cancelled": 1}
    assert (await contact_of(rig)).answer == "opted_out"
    assert (await told(rig)).count(EventKind.OPTED_OUT) == 1


async def test_an_opt_out_from_a_number_that_nobody_knows_holds_for_the_number(rig: Rig) -> None:
    await incoming(rig).on_reply(reply(7, "TD"))
    plan = await rig.plan([target_row(7), target_row(8)])
    assert len(await claim(rig, plan)) == 1
    assert await rig.states(plan) == {"claimed": 1, "suppressed": 1}


async def test_a_later_holder_of_the_number_does_not_inherit_an_opt_out(rig: Rig) -> None:
    async with rig.work() as work:
        await work.opt_outs.record("c-earlier", msisdn(1), "desk", rig.clock.now())
    rig.clock.advance(timedelta(days=1))
    later = await rig.plan([target_row(1)])
    assert len(await claim(rig, later)) == 1


async def test_an_opt_out_under_another_name_holds_for_the_number_when_it_is_younger_than_the_plan(rig: Rig) -> None:
    plan = await rig.plan([target_row(1)])
    rig.clock.advance(timedelta(minutes=1))
    async with rig.work() as work:
        await work.opt_outs.record("c-other", msisdn(1), "desk", rig.clock.now())
    assert await claim(rig, plan) == []
    assert await rig.states(plan) == {"suppressed": 1}


async def test_the_word_of_the_earlier_holder_of_a_recycled_number_does_not_silence_the_present_one(rig: Rig) -> None:
    await incoming(rig).on_reply(reply(1, "TD"))  # nobody knows whose number it was
    async with rig.work() as work:
        await work.opt_outs.record("c-earlier", msisdn(1), "sms", rig.clock.now())
    rig.clock.advance(timedelta(days=1))
    today = rig.clock.now().date().isoformat()
    plan = await rig.plan([target_row(1, number_since=today)])
    assert len(await claim(rig, plan)) == 1


async def test_the_present_holder_is_heard_although_the_earlier_one_had_opted_out_from_the_same_number(
    rig: Rig,
) -> None:
    await incoming(rig).on_reply(reply(1, "TD"))
    rig.clock.advance(timedelta(days=1))
    plan = await rig.plan([target_row(1, number_since=rig.clock.now().date().isoformat())])
    await incoming(rig).on_reply(reply(1, "TD"))
    assert await rig.states(plan) == {"cancelled": 1}
    later = await rig.plan([target_row(1, number_since=rig.clock.now().date().isoformat())])
    assert await claim(rig, later) == []


async def test_an_opt_out_by_the_present_holder_holds_for_the_customer_and_for_the_number(rig: Rig) -> None:
    async with rig.work() as work:
        await work.opt_outs.record("c-1", msisdn(1), "desk", rig.clock.now())
    rig.clock.advance(timedelta(days=1))
    moved, renamed = target_row(1, number_since="2026-01-01"), target_row(2, number_since="2026-01-01")
    moved.msisdn, renamed.msisdn = msisdn(3), msisdn(1)
    plan = await rig.plan([moved, renamed])
    assert await claim(rig, plan) == []
    assert await rig.states(plan) == {"suppressed": 2}


async def test_one_who_opts_out_from_two_numbers_is_told_once_and_heard_on_both(rig: Rig) -> None:
    async with rig.work() as work:
        for number in (1, 2):
            await record_opt_out("c-1", msisdn(number), "desk", work=work, now=rig.clock.now())
    assert (await told(rig)).count(EventKind.OPTED_OUT) == 1
    rows = [target_row(number, number_since="2026-01-01") for number in (1, 2)]
    rows[0].customer_id, rows[1].customer_id = "c-8", "c-9"
    assert await claim(rig, await rig.plan(rows)) == []


async def test_receipts_that_nothing_waits_for_do_not_keep_out_the_one_that_settles(rig: Rig) -> None:
    plan = await sent(rig, message_id=None)
    strangers = [receipt(1000 + n, f"stranger-{n}") for n in range(501)]
    await incoming(rig).on_receipts(strangers)
    rig.clock.advance(timedelta(minutes=1))
    await incoming(rig).on_receipts([receipt(1, "unheard-of")])
    async with rig.work() as work:
        assert await settle_by_number(work=work, now=rig.clock.now()) == 1
    assert await rig.states(plan) == {"sent": 1}


async def test_a_reply_with_a_nul_in_it_is_kept_and_holds_up_nobody(rig: Rig) -> None:
    deliver = Deliver(1, "10658899", msisdn(1), "退\0订".encode("utf-16-be"))
    (odd,) = to_replies([deliver], ACCOUNT)
    await incoming(rig).on_reply(odd)
    async with rig.database.read() as tx:
        kept = (await tx.connection.execute(select(REPLIES.c.text, REPLIES.c.meaning))).one()
    assert tuple(kept) == ("退\ufffd订", "unmatched")
