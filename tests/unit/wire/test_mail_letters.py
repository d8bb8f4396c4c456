"""Letters as any mail program reads them: what is put in comes out, whatever it is, and nothing else gets in."""

from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import compat32, default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.mail.compose import Letter, compose
from shared.wire.mail.errors import FieldError

LETTER = Letter(
    sender_name="中国移动",
    sender="marketing@push.example.cn",
    recipient="13800138000@139.com",
    reply_to="r+42.abc=13800138000=139.com@push.example.cn",
    subject="广告：手机报免费体验",
    text="手机报免费体验，回复DZB开通。",
    html="<p>手机报免费体验</p>",
    message_id="42.abc@push.example.cn",
    sent_at=datetime(2026, 11, 9, 2, 0, tzinfo=UTC),
    unsubscribe_link="https://u.example.cn/u?t=42.abc",
    unsubscribe_address="u+42.abc=13800138000=139.com@push.example.cn",
    list_name="手机报",
    list_id="c42.push.example.cn",
    feedback_id="c42:newspaper:mail:visavis",
)
printable = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=120)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=500)
HEADERS = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Precedence",
    "Auto-Submitted",
    "Feedback-ID",
    "MIME-Version",
    "Content-Type",
]


def read(octets: bytes) -> EmailMessage:
    mail = BytesParser(policy=default).parsebytes(octets)
    assert isinstance(mail, EmailMessage)
    assert mail.defects == []
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def test_a_letter_has_each_header_once_and_both_bodies() -> None:
    mail = read(compose(LETTER))
    assert mail.keys() == HEADERS
    assert mail["From"] == "中国移动 <marketing@push.example.cn>"
    assert mail["Subject"] == "广告：手机报免费体验"
    assert mail["Date"].datetime == LETTER.sent_at
    assert mail["Message-ID"] == "<42.abc@push.example.cn>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].split(", ") == [
        "<https://u.example.cn/u?t=42.abc>",
        "<mailto:u+42.abc=13800138000=139.com@push.example.cn?subject=unsubscribe>",
    ]
    assert mail.get_content_type() == "multipart/alternative"
    assert (body(mail, "plain").strip(), body(mail, "html").strip()) == (LETTER.text, LETTER.html)


@given(subject=printable, name=printable)
def test_headers_for_people_come_out_as_they_went_in(subject: str, name: str) -> None:
    octets = compose(replace(LETTER, subject=subject, list_name=name, sender_name=name))
    mail = read(octets)
    assert mail["Subject"] == subject
    assert mail["List-Id"] == f"{name} <{LETTER.list_id}>"
    # The library's newer reader puts a blank between two encoded words of a name; RFC 2047 says that there is none.
    sender = BytesParser(policy=compat32).parsebytes(octets)["From"]
    assert str(make_header(decode_header(sender))) == f"{name} <{LETTER.sender}>"
    assert mail.keys() == HEADERS


@given(text=texts, html=texts)
def test_bodies_come_out_as_they_went_in_but_for_their_line_ends(text: str, html: str) -> None:
    mail = read(compose(replace(LETTER, text=text, html=html)))
    assert body(mail, "plain").splitlines() == text.splitlines()
    assert body(mail, "html").splitlines() == html.splitlines()


@given(text=texts, subject=printable)
def test_a_letter_is_the_same_each_time_seven_bits_wide_and_in_lines_that_nobody_must_break(
    text: str, subject: str
) -> None:
    letter = replace(LETTER, text=text, subject=subject)
    octets = compose(letter)
    assert octets == compose(letter)
    assert octets.isascii()
    assert max(map(len, octets.split(b"\r\n"))) <= 200
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert not any(line == b"." for line in octets.split(b"\r\n"))


@pytest.mark.parametrize(
    "field", ["subject", "sender_name", "list_name", "recipient", "message_id", "unsubscribe_link"]
)
@pytest.mark.parametrize("breaking", ["a\r\nBcc: everybody@139.com", "a\nb", "a\x00b", "a\u2028b", "a\ud800b"])
def test_nothing_adds_a_header_or_ends_the_head(field: str, breaking: str) -> None:
    with pytest.raises(FieldError, match=r"expected ASCII|control characters"):
        compose(replace(LETTER, **{field: breaking}))  # type: ignore[arg-type]  # each of these is a text


@pytest.mark.parametrize("wrong", ["", "a b@c", "a@b>,<c@d", "张@139.com"])
def test_an_address_that_is_none_or_several_is_refused(wrong: str) -> None:
    with pytest.raises(FieldError):
        compose(replace(LETTER, recipient=wrong))


def test_a_line_too_long_for_any_server_is_refused() -> None:
    with pytest.raises(FieldError, match="998 octets"):
        compose(replace(LETTER, unsubscribe_link="https://u.example.cn/" + "x" * 1000))
