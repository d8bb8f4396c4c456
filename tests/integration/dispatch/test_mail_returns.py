"""What comes back of mail over real sockets: bounces, answers, and refusals by mail and by link."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiosmtplib import SMTP, SMTPResponseException

from services.dispatch.channels.mail_account import MailAccount
from services.dispatch.channels.mail_doors import open_mail
from services.dispatch.channels.mail_letters import unsubscribe_link
from services.dispatch.domain.plans import Plan
from services.dispatch.domain.pushes import Answer, Delivery, EventKind, PushState
from services.dispatch.ports import Reply
from services.sandbox.mail.audience import MailReaction
from services.sandbox.mail.faults import MailFaults
from shared.clock import ManualClock
from shared.errors import Unavailable
from shared.wire.mail.addresses import Purpose
from tests.factories.dispatch import MORNING, msisdn, target_row
from tests.integration.dispatch.mail_rig import (
    OFFER,
    MailProvince,
    free_port,
    mail_account,
    mail_plan,
    mail_province_in,
    mail_worker,
)
from tests.integration.dispatch.rig import Rig
from tests.integration.dispatch.test_incoming import contact_of, told
from tests.integration.wire.waiting import eventually

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def mails(rig: Rig, tmp_path: Path) -> AsyncIterator[MailProvince]:
    async with mail_province_in(tmp_path, rig.clock) as province:
        yield province


async def sent(rig: Rig, mails: MailProvince, number: int = 1) -> tuple[Plan, str]:
    """Send one mail; return its plan and its push."""
    plan = await rig.plan([target_row(number)], mail_plan())
    await rig.until_states(plan, sent=1)
    return plan, mails.received()[-1].message_id.partition(".")[0]


async def post(account: MailAccount, recipient: str, mail: str, *, sender: str = "") -> None:
    """Hand one mail to our listener, as a relay does; raises SMTPResponseException if it is refused."""
    smtp = SMTP(hostname=account.returns.host, port=account.returns.port, start_tls=False)
    async with smtp:
        await smtp.ehlo()
        await smtp.execute_command(f"MAIL FROM:<{sender}>".encode())
        await smtp.rcpt(recipient)
        await smtp.data(mail.replace("\n", "\r\n").encode())


@pytest.mark.parametrize("faults", [MailFaults(bounce_every=1), MailFaults(bounce_every=1, bounce_twice=True)])
async def test_a_mail_that_comes_back_is_undelivered_and_told_once(
    rig: Rig, mails: MailProvince, faults: MailFaults
) -> None:
    mails.gateway.misbehave(faults)

    async def bounced() -> bool:
        return (await contact_of(rig)).delivery is Delivery.UNDELIVERED

    async with mail_worker(rig, mails.account):
        plan, _ = await sent(rig, mails)
        await rig.until(bounced)
        assert await rig.states(plan) == {"sent": 1}
        assert (await told(rig)).count(EventKind.UNDELIVERED) == 1


@pytest.mark.parametrize("faults", [MailFaults(bounce_every=1), MailFaults(refuse_every=1)])
async def test_an_address_that_is_none_gets_no_second_mail_but_the_numbers_next_holder_does(
    rig: Rig, mails: MailProvince, faults: MailFaults
) -> None:
    mails.gateway.misbehave(faults)
    heir = target_row(2, policy="other")
    heir.msisdn = msisdn(1)

    async def known() -> bool:
        return (await rig.balance(first)).undelivered == 1 or await rig.states(first) == {"failed": 1}

    async with mail_worker(rig, mails.account):
        first = await rig.plan([target_row(1)], mail_plan())
        await rig.until(known)
        mails.gateway.misbehave(MailFaults())
        again = await rig.plan([target_row(1, policy="other"), heir], mail_plan(replace(OFFER, policy="other")))
        await rig.until_states(again, suppressed=1, sent=1)
        async with rig.reading() as reading:
            kept = await reading.contacts.pushes(
                again.plan_id, state=PushState.SUPPRESSED, after_rank=0, limit=2, cities=None
            )
    assert [(push.customer_id, push.detail) for push in kept] == [
        ("c-1", "dead_address: has no such address: the gateway said so before")
    ]


async def test_a_mail_that_got_no_answer_and_comes_back_has_been_sent(rig: Rig, mails: MailProvince) -> None:
    mails.gateway.misbehave(MailFaults(silent_first=1, bounce_every=1))
    plan = await rig.plan([target_row(1)], mail_plan())
    async with mail_worker(rig, replace(mails.account, answer_within=0.3)):
        await rig.until_states(plan, sent=1)
        assert (await contact_of(rig)).delivery is Delivery.UNDELIVERED


async def test_a_reader_who_answers_with_the_keyword_has_ordered(rig: Rig, mails: MailProvince) -> None:
    mails.readers.default = MailReaction(answer=OFFER.order_keyword.lower(), after=0.0)

    async def accepted() -> bool:
        return (await contact_of(rig)).answer is Answer.ACCEPTED

    async with mail_worker(rig, mails.account):
        await sent(rig, mails)
        await rig.until(accepted)
        assert (await told(rig)).count(EventKind.ACCEPTED) == 1


@pytest.mark.parametrize(
    "reaction", [MailReaction(answer="退订", after=0.0), MailReaction(unsubscribes=True, after=0.0)]
)
async def test_a_reader_who_refuses_gets_nothing_more(rig: Rig, mails: MailProvince, reaction: MailReaction) -> None:
    mails.readers.default = reaction
    later = await rig.plan([target_row(1, policy="other")], mail_plan(replace(OFFER, policy="other")), start=False)

    async def withdrawn() -> bool:
        return await rig.states(later) == {"cancelled": 1}

    async with mail_worker(rig, mails.account):
        await sent(rig, mails)
        await rig.until(withdrawn)
    async with rig.reading() as reading:
        opt_out = await reading.contacts.opt_out_of("c-1")
    assert opt_out is not None
    assert opt_out.source == "mail"
    assert (await contact_of(rig)).answer is Answer.OPTED_OUT


async def test_a_link_changes_nothing_until_its_button_is_pressed(rig: Rig, mails: MailProvince) -> None:
    async with mail_worker(rig, mails.account), aiohttp.ClientSession() as browser:
        await sent(rig, mails)
        link = mails.received()[-1].unsubscribe
        async with browser.get(link) as page:
            shown = await page.text()
        assert page.status == 200
        assert 'method="post"' in shown
        async with rig.reading() as reading:
            assert await reading.contacts.opt_out_of("c-1") is None
        async with browser.post(link, data={"other": "field"}) as refused:
            assert refused.status == 400
        for _ in range(2):
            async with browser.post(link, data=ONE_CLICK) as answer:
                assert answer.status == 200
        async with rig.reading() as reading:
            assert await reading.contacts.opt_out_of("c-1") is not None
        assert (await told(rig)).count(EventKind.OPTED_OUT) == 1


async def test_a_link_that_we_did_not_make_is_none(rig: Rig, mails: MailProvince) -> None:
    async with mail_worker(rig, mails.account), aiohttp.ClientSession() as browser:
        _, push_id = await sent(rig, mails)
        forged = unsubscribe_link(push_id, replace(mails.account, secret=b"a guess"))
        unknown = unsubscribe_link("999999", mails.account)
        for link in (forged, unknown, mails.account.unsubscribe_url):
            async with browser.post(link, data=ONE_CLICK) as answer:
                assert answer.status == 404
    async with rig.reading() as reading:
        assert await reading.contacts.opt_out_of("c-1") is None


async def test_unsubscribing_by_mail_and_complaining_opt_out(rig: Rig, mails: MailProvince) -> None:
    complaint = 'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n--b--\n'
    async with mail_worker(rig, mails.account):
        for number, purpose, mail in (
            (1, Purpose.UNSUBSCRIBE, "Subject: unsubscribe\n\n"),
            (2, Purpose.BOUNCE, complaint),
        ):
            _, push_id = await sent(rig, mails, number)
            address = mails.account.signer.address(purpose, push_id, f"{msisdn(number)}@139.com")
            await post(mails.account, address, mail, sender="somebody@139.com")
    async with rig.reading() as reading:
        first, second = [await reading.contacts.opt_out_of(f"c-{number}") for number in (1, 2)]
    assert first is not None
    assert second is not None
    assert (first.source, second.source) == ("mail", "mail_complaint")


async def test_nobody_bounces_or_refuses_for_others_by_guessing(rig: Rig, mails: MailProvince) -> None:
    stranger = replace(mails.account, secret=b"a guess").signer
    async with mail_worker(rig, mails.account):
        _, push_id = await sent(rig, mails)
        for recipient in (
            stranger.address(Purpose.BOUNCE, push_id, f"{msisdn(1)}@139.com"),
            stranger.address(Purpose.UNSUBSCRIBE, push_id, f"{msisdn(1)}@139.com"),
            "marketing@push.example.com",
        ):
            with pytest.raises(SMTPResponseException, match="no such mailbox here"):
                await post(mails.account, recipient, "Subject: 5.1.1\n\n5.1.1\n")
    assert (await contact_of(rig)).delivery is None


async def test_what_machines_say_out_of_courtesy_changes_nothing(rig: Rig, mails: MailProvince) -> None:
    async with mail_worker(rig, mails.account):
        _, push_id = await sent(rig, mails)
        for purpose in Purpose:
            address = mails.account.signer.address(purpose, push_id, f"{msisdn(1)}@139.com")
            await post(
                mails.account, address, "Auto-Submitted: auto-replied\nSubject: away\n\n退订\n", sender="a@139.com"
            )
            await post(mails.account, address, "Subject: away\n\nback on Monday\n")
    async with rig.reading() as reading:
        assert await reading.contacts.opt_out_of("c-1") is None
    assert (await contact_of(rig)).delivery is None


async def test_an_answer_that_is_no_word_of_ours_waits_for_a_person(rig: Rig, mails: MailProvince) -> None:
    async with mail_worker(rig, mails.account):
        _, push_id = await sent(rig, mails)
        address = mails.account.signer.address(Purpose.REPLY, push_id, f"{msisdn(1)}@139.com")
        await post(mails.account, address, "Subject: Re\n\nTDMRTX\n", sender="a@139.com")
    async with rig.reading() as reading:
        assert await reading.contacts.opt_out_of("c-1") is None
    assert (await contact_of(rig)).answer is None


class Broken:
    """An `IncomingMessages` and `Refusals` whose store is away."""

    async def on_receipts(self, receipts: object) -> None:
        raise Unavailable("the database")

    async def on_reply(self, reply: Reply) -> None:
        raise Unavailable("the database")

    async def on_refusal(self, push_id: str, source: str) -> bool:
        raise Unavailable("the database")


@asynccontextmanager
async def doors(account: MailAccount) -> AsyncIterator[None]:
    async with open_mail(account, Broken(), Broken(), clock=ManualClock(MORNING)):
        yield


async def test_what_cannot_be_stored_is_not_acknowledged() -> None:
    account = mail_account(free_port(), returns=free_port(), pages=free_port())
    bounce, reply = (
        account.signer.address(purpose, "1", "13800138000@139.com") for purpose in (Purpose.BOUNCE, Purpose.REPLY)
    )
    async with doors(account), aiohttp.ClientSession() as browser:
        with pytest.raises(SMTPResponseException, match=r"4\.3\.0"):
            await post(account, bounce, "Subject: failed\n\n550 5.1.1 no such user\n")
        with pytest.raises(SMTPResponseException, match=r"4\.3\.0"):
            await post(account, reply, "Subject: Re\n\n退订\n", sender="a@139.com")
        async with browser.post(unsubscribe_link("1", account), data=ONE_CLICK) as answer:
            assert answer.status == 503


async def test_a_door_that_another_process_has_is_named_and_opens_when_that_one_ends() -> None:
    account = mail_account(free_port(), returns=free_port(), pages=free_port())
    async with AsyncExitStack() as second:
        async with doors(account):
            channel = await second.enter_async_context(
                open_mail(account, Broken(), Broken(), clock=ManualClock(MORNING))
            )
            assert f"127.0.0.1:{account.returns.port} cannot be listened on" in channel.notice
            assert "nobody can unsubscribe by link here" in channel.notice
        await eventually(lambda: "cannot be listened on" not in channel.notice)
