"""From a push to the octets of its mail, and what plans by mail may say."""

from dataclasses import replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.channels.mail_letters import envelope_of, unsubscribe_link
from services.dispatch.domain.mails import MailForm
from services.dispatch.domain.plans import Offer
from services.dispatch.ports import Message
from shared.wire.mail.addresses import Purpose
from shared.wire.mail.errors import FieldError
from tests.factories.dispatch import MORNING
from tests.integration.dispatch.mail_rig import mail_account

ACCOUNT = mail_account(1, returns=2, pages=3)
MESSAGE = Message(
    "42",
    "13800138000",
    "手机报 & 更多 <免费>\n第二行\n\n中国移动",
    MORNING,
    title="手机报<免费>体验",
    href="https://wap.example.com/?a=1&b=2",
    plan_id="7d3f",
)
FORM = MailForm("中国移动")
OFFER = Offer("p", "", "回复{keyword}开通。", "DZB", title="手机报")


def mail_of(message: Message) -> EmailMessage:
    mail = BytesParser(policy=default).parsebytes(envelope_of(message, ACCOUNT, now=MORNING).content)
    assert isinstance(mail, EmailMessage)
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def test_a_mail_says_what_it_is_who_it_is_from_and_how_to_end_it() -> None:
    envelope, mail = envelope_of(MESSAGE, ACCOUNT, now=MORNING), mail_of(MESSAGE)
    assert envelope.recipient == mail["To"] == "13800138000@139.com"
    assert mail["Subject"] == "广告：手机报<免费>体验"
    assert mail["Message-ID"] == "<42.7d3f@push.example.com>"
    assert mail["Date"].datetime == MORNING
    for address, purpose in ((envelope.sender, Purpose.BOUNCE), (mail["Reply-To"], Purpose.REPLY)):
        read = ACCOUNT.signer.read(address)
        assert read is not None
        assert (read.purpose, read.attempt, read.recipient) == (purpose, "42", "13800138000@139.com")
    link = unsubscribe_link("42", ACCOUNT)
    assert f"<{link}>" in mail["List-Unsubscribe"]
    assert link in body(mail, "plain")
    assert "13800138000" not in link


def test_the_page_shows_the_text_as_text() -> None:
    page = body(mail_of(MESSAGE), "html")
    assert "<p>手机报 &amp; 更多 &lt;免费&gt;<br>第二行</p>" in page
    assert "<title>手机报&lt;免费&gt;体验</title>" in page
    assert 'href="https://wap.example.com/?a=1&amp;b=2"' in page


class Page(HTMLParser):
    """Collects the tags of a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"])


words = st.text(st.characters(codec="utf-8") | st.sampled_from("<>&\"'/"), max_size=200)


@given(
    text=words,
    title=st.text(st.sampled_from("<>&\"'a/报"), max_size=30),
    href=words.filter(lambda word: word.isprintable()),
)
def test_no_word_of_an_offer_becomes_a_tag_or_a_link(text: str, title: str, href: str) -> None:
    page = Page()
    page.feed(body(mail_of(replace(MESSAGE, text=text, title=title, href=href)), "html"))
    assert page.tags <= {"html", "head", "meta", "title", "body", "h1", "p", "br", "a"}
    assert page.links == [*([href] if href else []), unsubscribe_link("42", ACCOUNT)]


def test_the_same_push_has_the_same_mail_each_time() -> None:
    assert envelope_of(MESSAGE, ACCOUNT, now=MORNING) == envelope_of(MESSAGE, ACCOUNT, now=MORNING)


def test_what_is_no_number_is_told() -> None:
    with pytest.raises(FieldError, match="msisdn"):
        envelope_of(replace(MESSAGE, msisdn="12"), ACCOUNT, now=MORNING)


def test_an_offer_is_frozen_with_its_keyword_and_our_name() -> None:
    frozen = FORM.frozen(replace(OFFER, title=" 手机报 "))
    assert (frozen.title, frozen.message) == ("手机报", "回复DZB开通。\n\n中国移动")
    assert list(FORM.wrong(OFFER)) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "两\n行"}, "title"),
        ({"title": "长" * 61}, "title"),
        ({"text": "回复{keyword}开通{name}"}, "text"),
        ({"text": "没有"}, "text"),
        ({"text": "{keyword}" + "长" * 10_000}, "text"),
        ({"order_keyword": ""}, "order_keyword"),
        ({"order_keyword": "TD"}, "order_keyword"),
        ({"href": "javascript:alert(1)"}, "href"),
    ],
)
def test_words_that_no_mail_may_have_are_told(changes: dict[str, str], field: str) -> None:
    assert [name for name, _ in FORM.wrong(replace(OFFER, **changes))] == [field]  # type: ignore[arg-type]  # texts all
