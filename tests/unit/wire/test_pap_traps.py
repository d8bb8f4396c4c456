"""Each trap that Kannel, a real gateway, set when protocols.md §2.5 was written."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.pap.codes import Code, NextStep, next_step
from shared.wire.pap.documents import answer_to_unreadable, read, write
from shared.wire.pap.errors import FieldError, UnreadableError
from shared.wire.pap.forms import plmn_address
from shared.wire.pap.indication import ServiceIndication
from shared.wire.pap.kannel import DeliveryReport, read_report, report_headers
from shared.wire.pap.messages import (
    BadMessageResponse,
    CancelMessage,
    MessageState,
    PushMessage,
    PushResponse,
)
from shared.wire.pap.multipart import write_push

PUSH = PushMessage("1@pmp", (plmn_address("+8613800138000", "ppg.operator.cn"),))
CALLBACK = "http://127.0.0.1:8099/dlr"


def answer(code: int, desc: str) -> bytes:
    return write(PushResponse("1@pmp", code, desc))


def test_2_5_the_verdict_is_in_the_xml_and_never_in_the_http_status() -> None:
    taken, refused = read(answer(1001, "accepted")), read(answer(2001, "Request was refused"))
    assert isinstance(taken, PushResponse)
    assert isinstance(refused, PushResponse)
    assert (next_step(taken.code), next_step(refused.code)) == (NextStep.NONE, NextStep.NEVER)


def test_2_5_a_push_tried_again_has_the_same_push_id_and_the_same_octets() -> None:
    assert next_step(Code.SERVICE_UNAVAILABLE) is NextStep.AGAIN
    indication = ServiceIndication("办", si_id="1@pmp")
    assert write_push(PUSH, indication) == write_push(PUSH, indication)


def test_2_5_a_duplicate_is_told_as_2007_and_not_tried_again() -> None:
    assert next_step(Code.DUPLICATE_PUSH_ID) is NextStep.NEVER


def test_2_5_a_push_after_its_time_is_refused_for_good() -> None:
    late = replace(PUSH, deliver_before_timestamp=datetime(2020, 1, 1, tzinfo=UTC))
    assert read(write(late)) == late
    assert next_step(Code.FORBIDDEN) is NextStep.NEVER


def test_2_5_an_address_without_its_plus_is_never_written() -> None:
    with pytest.raises(FieldError, match=r"\+ and 5 to 15 digits expected"):
        plmn_address("8613800138000", "ppg.operator.cn")


def test_2_5_a_gateway_may_answer_a_cancel_as_a_bad_message() -> None:
    problem = UnreadableError("not implemented", Code.NOT_IMPLEMENTED)
    told = read(write(answer_to_unreadable(write(CancelMessage("1@pmp")), problem)))
    assert isinstance(told, BadMessageResponse)
    assert told.code == 3001
    assert "<pap>" in told.bad_message_fragment


def test_2_5_broken_xml_is_answered_with_2000() -> None:
    with pytest.raises(UnreadableError) as refused:
        read(b"<pap><push-message")
    assert refused.value.code == 2000


def test_2_5_headers_of_the_content_travel_to_the_telephone_so_that_there_are_none() -> None:
    _, body = write_push(PUSH, ServiceIndication("办"))
    headers = [line for line in body.split(b"\r\n") if line.lower().startswith((b"content-", b"x-", b"user-agent"))]
    assert headers == [b"Content-Type: application/xml", b"Content-Type: text/vnd.wap.si"]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_2_5_final_states_come_as_call_backs_with_the_push_id_as_it_was(push_id: str) -> None:
    headers = report_headers(CALLBACK, push_id, smsbox="dlrbox")
    assert headers["X-Kannel-DLR-Mask"] == "31"
    assert headers["X-Kannel-Smsbox-Id"] == "dlrbox"
    assert headers["X-Kannel-DLR-Url"].count("%") == 2
    called = headers["X-Kannel-DLR-Url"].replace("%d", "1").replace("%p", "+8613800138000")
    assert called.isascii()
    assert read_report(dict(parse_qsl(urlsplit(called).query))) == DeliveryReport(
        push_id, MessageState.DELIVERED, "+8613800138000"
    )


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("1", MessageState.DELIVERED),
        ("2", MessageState.UNDELIVERABLE),
        ("4", MessageState.PENDING),
        ("8", MessageState.PENDING),
        ("16", MessageState.REJECTED),
    ],
)
def test_2_5_a_call_back_of_the_smsc_is_no_end_and_one_of_the_telephone_is(kind: str, state: MessageState) -> None:
    assert read_report({"pid": "MUBwbXA", "type": kind}) == DeliveryReport("1@pmp", state, "")


@given(st.dictionaries(st.sampled_from(["pid", "type", "to", "x"]), st.text(max_size=10)))
def test_any_call_back_is_read_or_refused(query: dict[str, str]) -> None:
    with suppress(UnreadableError):
        assert read_report(query).push_id


@pytest.mark.parametrize("pid", ["", "1", "_w", "办"])
def test_a_push_id_that_is_none_of_ours_is_refused(pid: str) -> None:
    with pytest.raises(UnreadableError, match="without a push id of ours"):
        read_report({"pid": pid, "type": "1"})


@pytest.mark.parametrize("url", ["ftp://x", "http://127.0.0.1/dlr?a=1", ""])
def test_a_call_back_url_that_kannel_would_spoil_is_refused(url: str) -> None:
    with pytest.raises(FieldError, match="without a query expected"):
        report_headers(url, "1", smsbox="dlrbox")


def test_without_a_smsbox_kannel_would_say_nothing() -> None:
    with pytest.raises(FieldError, match="the id of a smsbox expected"):
        report_headers(CALLBACK, "1", smsbox="")
