"""A long text is one contact, however many messages it leaves in; receipts of all of them settle it."""

from datetime import timedelta
from itertools import product

from services.dispatch.domain.plans import Offer, Plan
from services.dispatch.domain.pushes import ContactState, Delivery, EventKind, Outcome, PushState
from services.dispatch.ports.channels import Receipt
from services.dispatch.use_cases.incoming import match_receipts, settle_by_number
from services.dispatch.use_cases.sending import record_results
from services.sandbox.gateway.faults import Faults
from shared.wire.cmpp.stats import Outcome as Fate
from shared.wire.cmpp.stats import outcome_of_parts
from tests.factories.dispatch import msisdn, plan_request, target_row
from tests.integration.dispatch.rig import Province, Rig, worker
from tests.integration.dispatch.test_incoming import ACCOUNT, claim, contact_of, incoming, receipt, told

LONG = Offer("long", "", "本月流量加倍，" * 14 + "回复{keyword}开通。", "LL")
WORDS = ("DELIVRD", "UNDELIV", "")


async def plan_of(rig: Rig, *numbers: int) -> Plan:
    """Start a plan whose text takes two parts."""
    plan = await rig.plan([target_row(n, policy=LONG.policy) for n in numbers], plan_request(offers=[LONG]))
    assert plan.offer(LONG.policy).parts == 2
    return plan


async def sent_in_parts(rig: Rig, *numbers: int, known: int = 2) -> Plan:
    """Send a plan; the gateway's ids are `<number>-0` and `<number>-1`, of which so many are known."""
    plan = await plan_of(rig, *numbers)
    left = PushState.SENT if known == 2 else PushState.INDETERMINATE
    contact = ContactState.SENT if known == 2 else ContactState.INDETERMINATE
    outcomes = [
        Outcome(
            push_id,
            left,
            contact,
            "",
            sent_at=rig.clock.now() if known == 2 else None,
            message_ids=tuple(f"{number}-{part}" for part in range(known)),
        )
        for number, push_id in zip(numbers, await claim(rig, plan), strict=True)
    ]
    async with rig.work() as work:
        await record_results("k", outcomes, work=work, now=rig.clock.now())
    return plan


async def test_what_the_reports_on_all_parts_say_is_what_the_codec_says_of_them(rig: Rig) -> None:
    cases = dict(enumerate(product(WORDS, WORDS), start=1))
    await sent_in_parts(rig, *cases)
    for part in (1, 0, 1):  # out of order, and one of them twice
        told_of = [receipt(n, f"{n}-{part}", words[part]) for n, words in cases.items() if words[part]]
        await incoming(rig).on_receipts(told_of)
        async with rig.work() as work:
            await match_receipts(work=work, now=rig.clock.now())
    expected = {Fate.DELIVERED: Delivery.DELIVERED, Fate.NOT_DELIVERED: Delivery.UNDELIVERED, Fate.PENDING: None}
    for number, words in cases.items():
        fate = outcome_of_parts([word for word in words if word], parts=2)
        assert (await contact_of(rig, number)).delivery is expected[fate], words


async def test_a_part_that_is_delivered_after_all_makes_the_message_delivered_once(rig: Rig) -> None:
    plan = await sent_in_parts(rig, 1)
    for message_id, word in (("1-0", "DELIVRD"), ("1-1", "MA:0001"), ("1-1", "DELIVRD"), ("1-0", "EXPIRED")):
        await incoming(rig).on_receipts([receipt(1, message_id, word)])
    balance = await rig.balance(plan)
    assert (balance.delivered, balance.undelivered) == (1, 0)
    assert (await told(rig))[-2:] == [EventKind.UNDELIVERED, EventKind.DELIVERED]


async def test_a_message_with_an_unanswered_part_has_left_when_the_report_on_that_part_comes(rig: Rig) -> None:
    plan = await sent_in_parts(rig, 1, known=1)
    for message_id, state in (("1-0", "indeterminate"), ("unheard-of", "sent")):
        await incoming(rig).on_receipts([receipt(1, message_id)])
        async with rig.work() as work:
            await settle_by_number(work=work, now=rig.clock.now())
        assert await rig.states(plan) == {state: 1}
    assert (await rig.balance(plan)).delivered == 1
    assert (await told(rig))[-2:] == [EventKind.SENT, EventKind.DELIVERED]


async def test_a_message_of_which_only_one_part_was_taken_stays_indeterminate_and_undelivered_by_nobody(
    rig: Rig,
) -> None:
    plan = await sent_in_parts(rig, 1, known=0)
    for word in ("UNDELIV", "DELIVRD"):
        await incoming(rig).on_receipts([receipt(1, "one", word)])
        async with rig.work() as work:
            assert await settle_by_number(work=work, now=rig.clock.now()) == 0
    assert await rig.states(plan) == {"indeterminate": 1}
    assert (await rig.balance(plan)).undelivered == 0


async def test_two_who_match_a_part_each_at_the_same_time_lose_neither(rig: Rig) -> None:
    plan = await sent_in_parts(rig, 1)
    async with rig.work() as first:
        await first.incoming.keep_receipts([Receipt(ACCOUNT, "1-0", msisdn(1), "DELIVRD", None, None)], rig.clock.now())
        assert await match_receipts(work=first, now=rig.clock.now()) == 0
        await incoming(rig).on_receipts([receipt(1, "1-1")])  # finds the contact taken, and leaves the receipt
    async with rig.work() as work:
        assert await match_receipts(work=work, now=rig.clock.now()) == 1
    assert (await rig.balance(plan)).delivered == 1


async def test_a_message_in_parts_is_one_contact_and_leaves_once_whatever_becomes_of_a_part(
    rig: Rig, province: Province
) -> None:
    province.gateway.misbehave(Faults(refuse_every=3, no_reports=True))
    plan = await plan_of(rig, *range(1, 10))
    async with worker(rig, province.account):
        await rig.until_states(plan, sent=3, indeterminate=6)
        rig.clock.advance(timedelta(minutes=5))
    assert max(province.taken().values()) == 2
    for number in range(1, 10):
        assert len(await rig.contacts(f"c-{number}")) == 1
