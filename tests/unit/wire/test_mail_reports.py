"""What comes back is understood however it is written, and nothing that comes stops its reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.mail.replies import MailReply, MailStatus, read_status
from shared.wire.mail.reports import (
    MOST_OCTETS,
    Action,
    Complaint,
    DeliveryReport,
    PersonsWords,
    Unclear,
    read_mail,
)


def report(*blocks: str, kind: str = "delivery-status") -> bytes:
    fields = "\r\n\r\n".join(["Reporting-MTA: dns; mx.139.com", *blocks])
    return (
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\r\nFrom: MAILER-DAEMON@139.com\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\nSorry, see 5.9.9 below.\r\n"
        f"--b\r\nContent-Type: message/{kind}\r\n\r\n{fields}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("fields", "action", "status", "is_hard"),
    [
        ("Action: failed\r\nStatus: 5.1.1", Action.FAILED, "5.1.1", True),
        ("Action: FAILED\r\nStatus: 5.1.10 (no such user)", Action.FAILED, "5.1.10", True),
        ("Action: failed\r\nStatus: 5.1.8", Action.FAILED, "5.1.8", False),
        ("Action: failed\r\nStatus: 5.2.2", Action.FAILED, "5.2.2", False),
        ("Action: failed\r\nStatus: 4.4.7", Action.FAILED, "4.4.7", False),
        ("Action: delayed\r\nStatus: 4.4.1", Action.DELAYED, "4.4.1", False),
        ("Action: relayed\r\nStatus: 2.0.0", Action.RELAYED, "2.0.0", False),
        ("Action: failed\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown", Action.FAILED, "5.1.1", True),
        ("Action: failed\r\nDiagnostic-Code: smtp; 550 unknown", Action.FAILED, "5.0.0", False),
        ("Action: failed", Action.FAILED, "5.0.0", False),
        ("Final-Recipient: rfc822; a@b\r\nStatus: 5.1.1", Action.FAILED, "5.1.1", True),
    ],
)
def test_a_report_says_what_became_of_the_mail(fields: str, action: Action, status: str, *, is_hard: bool) -> None:
    found = read_mail(report(fields), from_nobody=True)
    assert isinstance(found, DeliveryReport)
    assert (found.action, str(found.status), found.status.is_hard) == (action, status, is_hard)


def test_of_several_recipients_the_failed_one_counts() -> None:
    found = read_mail(report("Action: relayed\r\nStatus: 2.0.0", "Action: failed\r\nStatus: 5.1.1"), from_nobody=True)
    assert isinstance(found, DeliveryReport)
    assert found.action is Action.FAILED


def test_a_report_without_anything_in_it_is_unclear() -> None:
    assert read_mail(report("X-Nothing: here"), from_nobody=True) == Unclear("a report without an action or a status")


def test_a_complaint_is_one() -> None:
    assert read_mail(report("", kind="feedback-report"), from_nobody=False) == Complaint("abuse")


@pytest.mark.parametrize(
    ("text", "action", "status"),
    [
        ("I'm not going to try again. 550 5.1.1 no mailbox here", Action.FAILED, "5.1.1"),
        ("Remote host said: 550 unknown user", Action.FAILED, "5.0.0"),
        ("Warning: 4.4.1 not yet delivered", Action.DELAYED, "4.4.1"),
    ],
)
def test_a_bounce_from_before_there_were_reports_is_read_by_its_words(text: str, action: Action, status: str) -> None:
    found = read_mail(f"Subject: failure notice\r\n\r\n{text}\r\n".encode(), from_nobody=True)
    assert isinstance(found, DeliveryReport)
    assert (found.action, str(found.status)) == (action, status)


@pytest.mark.parametrize("text", ["away until Monday", "call 10.20.30.40, version 5.1", "15.1.1.2"])
def test_other_mail_from_nobody_is_no_bounce(text: str) -> None:
    assert isinstance(read_mail(f"Subject: hi\r\n\r\n{text}".encode(), from_nobody=True), Unclear)


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-replied", "Precedence: auto_reply", "Precedence: bulk"])
def test_a_machines_courtesy_is_no_persons_word(header: str) -> None:
    mail = f"{header}\r\nSubject: away\r\n\r\nTD\r\n".encode()
    assert read_mail(mail, from_nobody=False) == Unclear("answered by a machine")


@pytest.mark.parametrize(
    ("kind", "octets"),
    [
        ("text/plain; charset=utf-8", "\r\n  退订  \r\n\r\n> 手机报".encode()),
        ("text/plain; charset=gb2312", "退订\r\n".encode("gb18030")),
        ("text/html; charset=utf-8", "<style></style><p> 退订</p><div>&gt; 手机报</div>".encode()),
        ("text/plain; charset=x-unheard-of", "退订".encode()),
    ],
)
def test_a_persons_first_line_is_read_in_any_dress(kind: str, octets: bytes) -> None:
    mail = f"Content-Type: {kind}\r\nMessage-ID: <a@139.com>\r\nAuto-Submitted: no\r\n\r\n".encode() + octets
    assert read_mail(mail, from_nobody=False) == PersonsWords("退订", "<a@139.com>")


@given(st.binary(max_size=2000), st.booleans())
def test_garbage_is_read_without_a_fall(octets: bytes, from_nobody: bool) -> None:
    assert read_mail(octets, from_nobody=from_nobody) is not None


pieces = st.sampled_from(
    [
        b"--b\r\n",
        b"--b--\r\n",
        b"\r\n",
        b"Content-Type: message/delivery-status\r\n",
        b"Action: failed\r\n",
        b'Content-Type: multipart/report; boundary="b"\r\n',
        b"Content-Type: message/rfc822\r\n",
        b"Status: 5.1.1\r\n",
        b"Content-Type: text/html; charset=utf-16\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"\xff\xfe=?x?q?",
        b"TD",
    ]
)


@given(st.lists(pieces, max_size=60), st.booleans())
def test_mails_put_together_wrongly_are_read_without_a_fall(parts: list[bytes], from_nobody: bool) -> None:
    found = read_mail(b"".join(parts), from_nobody=from_nobody)
    assert isinstance(found, DeliveryReport | Complaint | PersonsWords | Unclear)


@pytest.mark.parametrize(
    "octets",
    [
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3000)),
        b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
        b"A: b\r\n" * 500_000,
        b"\r\n" + b"<p>" * 1_000_000,
    ],
    ids=["nested parts", "nested mails", "headers", "html"],
)
def test_a_mail_made_to_exhaust_its_reader_does_not(octets: bytes) -> None:
    assert read_mail(octets, from_nobody=True) is not None


def test_only_the_beginning_of_a_mail_is_read() -> None:
    assert isinstance(read_mail(b"\r\n" + b"x" * MOST_OCTETS + b" 5.1.1 ", from_nobody=True), Unclear)


def test_a_reply_keeps_a_status_that_fits_its_code() -> None:
    assert MailReply.of(550, "5.1.1 no such user").status == MailStatus(5, 1, 1)
    assert MailReply.of(450, "5.1.1 no such user").status is None
    assert str(MailReply.of(421, "too\r\nbusy\x1b[0m " + "x" * 999))[:15] == "421 too busy [0"
    assert len(MailReply.of(421, "x" * 9999).text) == 200


@given(st.text(max_size=50))
def test_a_status_is_read_or_it_is_none(text: str) -> None:
    found = read_status(text)
    assert found is None or text.strip().startswith(str(found.kind))
