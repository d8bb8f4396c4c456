"""What a push carries: indications in XML and WBXML, the multipart body, and the datagram to a telephone."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.cmpp.headers import split_header
from shared.wire.pap.datagram import SI_CONTENT, short_messages, wsp_push
from shared.wire.pap.documents import write
from shared.wire.pap.errors import FieldError, UnreadableError
from shared.wire.pap.indication import Action, ServiceIndication, read_indication, write_indication
from shared.wire.pap.messages import CancelMessage, PushMessage
from shared.wire.pap.multipart import MAX_BODY, read_push, write_push
from shared.wire.pap.wbxml import encode_indication
from tests.unit.wire.pap_strategies import indications, pushes

INDICATION = ServiceIndication(
    "流量包限时优惠 回复TD退订",
    href="http://wap.10086.cn/p/abc",
    si_id="pid-1@pmp.cn",
    created=datetime(2026, 10, 1, 3, tzinfo=UTC),
    expires=datetime(2027, 10, 8, 3, tzinfo=UTC),
)
GOLDEN_SI = bytes.fromhex(
    "02056A0045C60C037761702E31303038362E636E2F702F6162630011037069642D3140706D702E636E000AC305202610010310C30520271008"
    "03070103E6B581E9878FE58C85E99990E697B6E4BC98E683A020E59B9EE5A48D5444E98080E8AEA2000101"
)
PUSH = PushMessage("1@pmp", ("WAPPUSH=+8613800138000/TYPE=PLMN@ppg",))


def test_kannel_and_libwbxml_write_the_same_indication() -> None:
    assert encode_indication(INDICATION) == GOLDEN_SI


@given(indications)
def test_an_indication_survives_xml(indication: ServiceIndication) -> None:
    # XML has one end of line.
    expected = replace(indication, text=indication.text.replace("\r\n", "\n").replace("\r", "\n"))
    assert read_indication(write_indication(indication)) == expected


@given(indications)
def test_any_indication_has_a_binary_form_that_ends_all_it_began(indication: ServiceIndication) -> None:
    octets = encode_indication(indication)
    assert octets.startswith(GOLDEN_SI[:6])
    assert octets.endswith(indication.text.encode() + b"\0\x01\x01")


@pytest.mark.parametrize(
    ("href", "octets"),
    [
        ("http://www.a.cn/", "0d03 612e636e2f 00"),
        ("https://www.a.cn/", "0f03 612e636e2f 00"),
        ("https://a.com/b.org/", "0e03 61 00 85 03 622e6f72672f 00"),
        ("http://a.org/", "0c03 61 00 88"),
    ],
)
def test_a_link_is_written_with_the_tokens_of_its_scheme_and_domain(href: str, octets: str) -> None:
    assert bytes.fromhex(octets) in encode_indication(replace(INDICATION, href=href))


@pytest.mark.parametrize(
    ("indication", "said"),
    [
        (replace(INDICATION, expires=INDICATION.created), "si-expires: is not later than created"),
        (ServiceIndication("x", action=Action.DELETE), "si-id: is empty"),
        (replace(INDICATION, href="javascript:alert(1)"), "href: is 'javascript:alert"),
        (replace(INDICATION, text="a\0"), "text: contains NUL"),
        (replace(INDICATION, created=datetime(2026, 1, 1)), "created: is a time without a zone"),  # noqa: DTZ001 - wrong on purpose
        (replace(INDICATION, si_id="a\ud800"), "half (a|of a)"),
    ],
)
def test_an_indication_that_telephones_would_refuse_is_not_written(indication: ServiceIndication, said: str) -> None:
    if indication.expires and indication.created and indication.created.tzinfo is None:
        indication = replace(indication, expires=None)
    for write_it in (write_indication, encode_indication):
        with pytest.raises(FieldError, match=said):
            write_it(indication)


def test_a_document_that_is_no_indication_is_refused() -> None:
    with pytest.raises(UnreadableError, match="'sl' is no service indication"):
        read_indication(b"<sl href='http://a.cn'/>")


def test_an_indication_with_an_unknown_action_is_shown_as_usual() -> None:
    read_back = read_indication(b"<si><indication action='shout' created='now'>a<b>b</b></indication></si>")
    assert read_back == ServiceIndication("ab")


@given(pushes, indications)
def test_a_push_survives_its_body(push: PushMessage, indication: ServiceIndication) -> None:
    received = read_push(*write_push(push, indication))
    assert (received.message, received.content_type) == (push, "text/vnd.wap.si")
    assert received.content == write_indication(indication)


def body_of(*parts: bytes, boundary: bytes = b"B") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


CONTROL = b"Content-Type: application/xml\r\n\r\n" + write(PUSH)


@given(st.binary(max_size=200))
def test_binary_content_arrives_as_it_is(content: bytes) -> None:
    body = body_of(CONTROL, b"Content-Type: application/vnd.wap.sic\r\n\r\n" + content, boundary=b"=_unlikely-4711")
    received = read_push('multipart/related; boundary="=_unlikely-4711"', body)
    assert (received.content_type, received.content) == ("application/vnd.wap.sic", content)


@given(st.text(max_size=80), st.binary(max_size=300))
def test_a_body_of_garbage_is_refused_and_nothing_else(content_type: str, body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_push(content_type, body)


@given(st.binary(max_size=30), st.integers(0, 600))
def test_a_body_with_garbage_in_it_is_read_or_refused(garbage: bytes, at: int) -> None:
    content_type, body = write_push(PUSH, INDICATION)
    with suppress(UnreadableError):
        assert isinstance(read_push(content_type, body[:at] + garbage + body[at:]).message, PushMessage)


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("text/plain", b"", "not of type multipart/related"),
        ("multipart/related", b"", "with a boundary"),
        ("multipart/related; boundary=B", body_of(CONTROL), "1 part"),
        ("multipart/related; boundary=B", body_of(CONTROL, b"\r\nx")[:-7], "has the line been cut"),
        ("multipart/related; boundary=B", body_of(b"no headers", b"\r\nx"), "without an empty line"),
        ("multipart/related; boundary=B", body_of(b"\r\n" + write(CancelMessage("1")), b"\r\nx"), "CancelMessage as"),
        ("multipart/related; boundary=B", bytes(MAX_BODY + 1), "at most 262144 expected"),
    ],
)
def test_a_body_that_is_no_push_is_refused_with_the_reason(content_type: str, body: bytes, said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        read_push(content_type, body)


def test_more_parts_than_a_push_has_are_not_read() -> None:
    body = body_of(CONTROL, b"\r\nx", *[b"\r\n"] * 10_000)
    assert read_push("multipart/related; boundary=B", body).content == b"x"


def test_line_ends_of_one_octet_are_understood() -> None:
    body = body_of(CONTROL, b"\r\nx").replace(b"\r\n", b"\n")
    assert read_push("Multipart/Related;\r\n boundary=B", body).message == PUSH


def test_a_push_of_100_octets_goes_in_one_short_message_to_port_2948() -> None:
    datagram = wsp_push(GOLDEN_SI, SI_CONTENT, transaction=1)
    assert datagram[:4].hex() == "010601ae"
    assert short_messages(datagram, reference=7) == (bytes.fromhex("0605040b8423f0") + datagram,)


@given(st.binary(max_size=2000), st.integers(0, 1000))
def test_a_longer_push_is_cut_into_messages_that_fit(datagram: bytes, reference: int) -> None:
    contents = short_messages(datagram, reference=reference)
    assert all(len(content) <= 140 for content in contents)
    assert b"".join(split_header(content)[1] for content in contents) == datagram
    if len(contents) > 1:
        assert all(content.startswith(bytes.fromhex("0b05040b8423f0")) for content in contents)
        parts = [split_header(content)[0] for content in contents]
        assert [(part.reference, part.number) for part in parts if part] == [
            (reference % 256, number) for number in range(1, len(contents) + 1)
        ]


def test_a_datagram_that_no_255_messages_hold_is_refused() -> None:
    with pytest.raises(FieldError, match="at most 32640 expected"):
        short_messages(bytes(32_641), reference=1)
