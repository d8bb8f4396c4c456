"""What a push looks like on the wire, and what each answer to it means."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.channels.wap_wire import (
    Reports,
    WapAccount,
    count_parts,
    recall_answer,
    to_push,
    to_receipt,
    verdict_on,
)
from services.dispatch.channels.watch import Heard
from services.dispatch.ports import Message, RecallAnswer, Verdict
from shared.wire.pap import documents
from shared.wire.pap.endpoints import Endpoint, HttpAnswer
from shared.wire.pap.errors import FieldError
from shared.wire.pap.indication import read_indication
from shared.wire.pap.messages import (
    BadMessageResponse,
    CancelResponse,
    CancelResult,
    MessageState,
    PushResponse,
    ResultNotification,
)
from shared.wire.pap.multipart import read_push

NOW = datetime(2026, 11, 9, 2, 0, tzinfo=UTC)
MESSAGE = Message(
    "7",
    "13800138000",
    "【中国移动】办理拒收请发TD至10658899",
    NOW + timedelta(hours=8),
    href="http://wap.example.com/offers/a",
    plan_id="p",
    offer_ends=NOW + timedelta(days=3),
)
ACCOUNT = WapAccount(
    "visavis@ppg", Endpoint("http://127.0.0.1:1/"), gateway="ppg.example.com", initiator="v.example.com"
)
URL = "http://127.0.0.1:8091/pap/notifications"
WIRE_ID = "7.p@v.example.com"


def answer(code: int, *, status: int = 202, push_id: str = WIRE_ID) -> HttpAnswer:
    return HttpAnswer(status, documents.write(PushResponse(push_id, code)))


def test_a_push_bears_its_id_its_deadline_where_to_tell_and_an_indication_that_lasts_as_long_as_the_offer() -> None:
    written = to_push(MESSAGE, ACCOUNT, created=NOW, reports_url=URL)
    push = read_push(written.content_type, written.body)
    assert (push.message.push_id, written.wire_id, written.headers) == (WIRE_ID, WIRE_ID, {})
    assert push.message.addresses == ("WAPPUSH=+8613800138000/TYPE=PLMN@ppg.example.com",)
    assert push.message.deliver_before_timestamp == MESSAGE.not_after
    assert push.message.ppg_notify_requested_to == URL
    shown = read_indication(push.content)
    assert (shown.text, shown.href, shown.si_id) == (MESSAGE.text, MESSAGE.href, "7@v.example.com")
    assert (shown.created, shown.expires) == (NOW, MESSAGE.offer_ends)


def test_kannel_is_asked_by_headers_and_one_who_never_tells_is_not_asked() -> None:
    kannel = to_push(MESSAGE, replace(ACCOUNT, reports=Reports.KANNEL, smsbox="box"), created=NOW, reports_url=URL)
    assert kannel.headers["X-Kannel-Smsbox-Id"] == "box"
    silent = to_push(MESSAGE, replace(ACCOUNT, reports=Reports.NONE), created=NOW, reports_url=URL)
    for written in (kannel, silent):
        assert read_push(written.content_type, written.body).message.ppg_notify_requested_to == ""
    assert silent.headers == {}


def test_what_is_no_number_is_never_written() -> None:
    with pytest.raises(FieldError, match="msisdn"):
        to_push(replace(MESSAGE, msisdn="12"), ACCOUNT, created=NOW, reports_url=URL)


@pytest.mark.parametrize(
    ("code", "verdict", "heard"),
    [
        (1000, Verdict.SENT, Heard.TAKEN),
        (1001, Verdict.SENT, Heard.TAKEN),
        (2001, Verdict.REJECTED, Heard.REFUSED),
        (2002, Verdict.REJECTED_RECIPIENT, Heard.NUMBER_REFUSED),
        (2003, Verdict.REJECTED_RECIPIENT, Heard.NUMBER_REFUSED),
        (2007, Verdict.SENT, Heard.TAKEN),
        (3000, Verdict.THROTTLED, Heard.BUSY),
        (3006, Verdict.REJECTED, Heard.REFUSED),
        (4000, Verdict.THROTTLED, Heard.BUSY),
        (4001, Verdict.THROTTLED, Heard.BUSY),
        (5028, Verdict.REJECTED, Heard.REFUSED),
    ],
)
@pytest.mark.parametrize("status", [200, 202, 500])
def test_the_verdict_is_in_the_document_whatever_the_status(
    code: int, verdict: Verdict, heard: Heard, status: int
) -> None:
    result, told = verdict_on(MESSAGE, WIRE_ID, answer(code, status=status))
    assert (result.verdict, told) == (verdict, heard)
    assert (result.gateway_message_ids == (WIRE_ID,)) is (verdict is Verdict.SENT)


@pytest.mark.parametrize("code", [2000, 3001, 3002])
def test_a_gateway_that_does_not_understand_us_is_the_accounts_fault(code: int) -> None:
    bad = HttpAnswer(202, documents.write(BadMessageResponse(code, "what?")))
    for told in (bad, answer(code)):
        result, _ = verdict_on(MESSAGE, WIRE_ID, told)
        assert (result.verdict, result.configuration_fault) == (Verdict.REJECTED, True)


@pytest.mark.parametrize("code", [3000, 4000])
def test_a_push_at_which_the_gateway_fails_rests_by_itself_and_is_given_up_in_the_end(code: int) -> None:
    rests = []
    for attempt in range(1, 5):
        result, _ = verdict_on(replace(MESSAGE, attempt=attempt), WIRE_ID, answer(code))
        assert result.verdict is Verdict.THROTTLED
        assert result.again_after is not None
        rests.append(result.again_after)
    assert rests == sorted(set(rests))
    assert verdict_on(replace(MESSAGE, attempt=5), WIRE_ID, answer(code))[0].verdict is Verdict.REJECTED


@pytest.mark.parametrize(
    ("status", "verdict", "fault"),
    [
        (503, Verdict.THROTTLED, False),
        (429, Verdict.THROTTLED, False),
        (401, Verdict.REJECTED, True),
        (404, Verdict.REJECTED, True),
        (302, Verdict.REJECTED, True),
        (200, Verdict.INDETERMINATE, False),
        (202, Verdict.INDETERMINATE, False),
        (500, Verdict.INDETERMINATE, False),
        (502, Verdict.INDETERMINATE, False),
    ],
)
def test_the_status_counts_where_there_is_no_document(status: int, verdict: Verdict, *, fault: bool) -> None:
    result, _ = verdict_on(MESSAGE, WIRE_ID, HttpAnswer(status, b"<html>"))
    assert (result.verdict, result.configuration_fault) == (verdict, fault)


@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_garbage_says_that_a_push_was_sent(status: int, body: bytes) -> None:
    result, _ = verdict_on(MESSAGE, WIRE_ID, HttpAnswer(status, body))
    assert result.verdict is not Verdict.SENT


def test_a_code_that_nobody_knows_says_nothing() -> None:
    octets = documents.write(PushResponse(WIRE_ID, 1001)).replace(b"1001", b"9999")
    assert verdict_on(MESSAGE, WIRE_ID, HttpAnswer(202, octets))[0].verdict is Verdict.INDETERMINATE


def test_an_answer_to_another_push_says_nothing_about_this_one() -> None:
    result, heard = verdict_on(MESSAGE, WIRE_ID, answer(1001, push_id="8.p@v.example.com"))
    assert (result.verdict, heard) == (Verdict.INDETERMINATE, Heard.UNREADABLE)
    assert result.gateway_message_ids == (WIRE_ID,)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (documents.write(CancelResponse(WIRE_ID, (CancelResult(1000),))), RecallAnswer.TAKEN_BACK),
        (documents.write(CancelResponse(WIRE_ID, (CancelResult(2008),))), RecallAnswer.TOO_LATE),
        (documents.write(CancelResponse(WIRE_ID, (CancelResult(2004),))), RecallAnswer.TOO_LATE),
        (documents.write(BadMessageResponse(2000, "as Kannel says it")), RecallAnswer.TOO_LATE),
        (b"<html>", RecallAnswer.UNKNOWN),
    ],
)
def test_an_answer_to_a_recall_is_understood(body: bytes, said: RecallAnswer) -> None:
    assert recall_answer(HttpAnswer(202, body)) is said


def test_what_is_told_of_a_push_becomes_a_receipt_of_its_number() -> None:
    told = ResultNotification(WIRE_ID, "WAPPUSH=+8613800138000/TYPE=PLMN@ppg.example.com", MessageState.DELIVERED, 1000)
    receipt = to_receipt(told, "a")
    assert receipt is not None
    assert (receipt.msisdn, receipt.status, receipt.gateway_message_id) == ("13800138000", "DELIVRD", WIRE_ID)
    late = to_receipt(replace(told, message_state=MessageState.EXPIRED), "a")
    assert late is not None
    assert late.status == "expired"
    assert to_receipt(replace(told, address="WAPPUSH=someone/TYPE=USER@ppg"), "a") is None


def test_a_short_push_fits_one_sms_and_a_long_one_takes_more() -> None:
    assert count_parts("办", "http://a.cn/", "v.cn") == 1
    assert count_parts("办" * 60, "http://wap.example.com/offers/a", "visavis.example.com") == 3
