"""PAP's messages survive XML, what may not be written is named, and what strangers send is read or refused."""

import tracemalloc
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.pap.codes import Code, NextStep, is_address_fault, next_step
from shared.wire.pap.documents import answer_to_unreadable, read, write
from shared.wire.pap.errors import FieldError, UnreadableError
from shared.wire.pap.forms import instant_text, number_in, parse_instant, plmn_address
from shared.wire.pap.messages import (
    BadMessageResponse,
    CancelMessage,
    CancelResponse,
    CancelResult,
    DeliveryMethod,
    MessageState,
    PapMessage,
    PushMessage,
    PushResponse,
    QualityOfService,
    ResultNotification,
    ResultNotificationResponse,
)
from shared.wire.pap.xml import MAX_OCTETS
from tests.unit.wire.pap_strategies import messages

ADDRESS = "WAPPUSH=+8613800138000/TYPE=PLMN@ppg.operator.cn"
PUSH = PushMessage(
    "ATTEMPT-ID@pmp.operator.cn",
    (ADDRESS,),
    deliver_before_timestamp=datetime(2026, 10, 1, 12, tzinfo=UTC),
    deliver_after_timestamp=datetime(2026, 10, 1, 1, tzinfo=UTC),
    source_reference="campaign-42",
    ppg_notify_requested_to="http://pmp.internal/pap/notify",
    quality=QualityOfService(
        delivery_method=DeliveryMethod.UNCONFIRMED,
        network="GSM",
        network_required=True,
        bearer="SMS",
        bearer_required=True,
    ),
)
GOLDEN_PUSH = b"""<?xml version="1.0"?>
<!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 2.0//EN" "http://www.wapforum.org/DTD/pap_2.0.dtd">
<pap><push-message push-id="ATTEMPT-ID@pmp.operator.cn"
      deliver-before-timestamp="2026-10-01T12:00:00Z" deliver-after-timestamp="2026-10-01T01:00:00Z"
      source-reference="campaign-42" progress-notes-requested="false"
      ppg-notify-requested-to="http://pmp.internal/pap/notify">
  <address address-value="WAPPUSH=+8613800138000/TYPE=PLMN@ppg.operator.cn"/>
  <quality-of-service priority="medium" delivery-method="unconfirmed"
      network-required="true" network="GSM" bearer-required="true" bearer="SMS"/>
</push-message></pap>"""
DOCTYPE = b'<!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 2.0//EN" "http://www.wapforum.org/DTD/pap_2.0.dtd">'


@given(messages)
def test_every_message_survives_xml(message: PapMessage) -> None:
    assert read(write(message)) == message


def test_the_golden_push_reads_as_what_we_write() -> None:
    assert read(GOLDEN_PUSH) == PUSH
    assert read(write(PUSH)) == PUSH
    assert write(PUSH).startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n' + DOCTYPE + b"\n<pap><push-message ")


def test_what_kannel_answers_is_read() -> None:
    kannel = (
        b'<?xml version="1.0"?>\n<!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 1.0//EN" '
        b'"http://www.wapforum.org/DTD/pap_1.0.dtd">\n<pap>\n<push-response push-id="9fjeo39jf084@pi.com"\n'
        b'      sender-name="ppg; WAP/1.3 (Kannel/1.4.5)"\n reply-time="2026-11-21T00:00:00Z">\n'
        b'<response-result code ="1001"\n desc="The request has been accepted for processing">\n'
        b"</response-result>\n</push-response>\n</pap>"
    )
    assert read(kannel) == PushResponse(
        "9fjeo39jf084@pi.com",
        Code.ACCEPTED,
        "The request has been accepted for processing",
        sender_name="ppg; WAP/1.3 (Kannel/1.4.5)",
        reply_time=datetime(2026, 11, 21, tzinfo=UTC),
    )


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_nothing_else(octets: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(octets)


@given(messages, st.data())
def test_a_document_with_a_piece_replaced_is_read_or_refused(message: PapMessage, data: st.DataObject) -> None:
    octets = bytearray(write(message))
    start = data.draw(st.integers(0, len(octets)))
    octets[start : start + data.draw(st.integers(0, 20))] = data.draw(
        st.one_of(st.binary(max_size=20), st.sampled_from([b"&lol;", b"<!ENTITY", b"<a>", b"]]>", b"&#0;"]))
    )
    with suppress(UnreadableError):
        assert isinstance(read(bytes(octets)), PapMessage)


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
BILLION_LAUGHS = b'<!DOCTYPE pap [<!ENTITY l0 "lol">' + LAUGHS + b"]><pap><push-message push-id='&l9;'/></pap>"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (BILLION_LAUGHS, "a DOCTYPE with declarations of its own"),
        (b'<!DOCTYPE pap [<!ENTITY x SYSTEM "file:///etc/passwd">]><pap>&x;</pap>', "declarations of its own"),
        (b'<!DOCTYPE pap [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x">%x;]><pap/>', "declarations of its own"),
        (DOCTYPE + b"<pap>&outside;</pap>", "refers to an entity"),
        (DOCTYPE + b'<pap><push-message push-id="&outside;"/></pap>', "entity"),
        (b"<pap>" + b"<a>" * 50 + b"</a>" * 50 + b"</pap>", "more than 8 levels"),
        (b"<pap>" + b"<a/>" * 2000 + b"</pap>", "1,000 elements"),
        (b"<pap>" + b" " * MAX_OCTETS + b"</pap>", "at most 65,536 expected"),
        (b"<?xml version='1.0' encoding='gb18030'?><pap/>", "no XML"),
        (b"<?xml version='1.0' encoding='klingon'?><pap/>", "no XML"),
        (b"<pap>" + b"<!--" * 16_000, "no XML"),
        (b"<pap>", "no XML"),
        (b"", "no XML"),
    ],
)
def test_documents_made_to_harm_are_refused_in_little_memory(document: bytes, said: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableError, match=said) as refused:
            read(document)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
    assert refused.value.code == Code.BAD_REQUEST


@pytest.mark.parametrize(
    ("document", "code", "said"),
    [
        (b"<pap/>", Code.BAD_REQUEST, "0 messages"),
        (b"<html><push-message push-id='1'/></html>", Code.BAD_REQUEST, "'pap' with one"),
        (b"<pap><cancel-message push-id='1'/><cancel-message push-id='2'/></pap>", Code.BAD_REQUEST, "2 messages"),
        (b"<pap><ccq-message/></pap>", Code.NOT_IMPLEMENTED, "capabilities"),
        (b"<pap><statusquery-message push-id='1'/></pap>", Code.NOT_IMPLEMENTED, "status"),
        (b"<pap><cancel-message/></pap>", Code.BAD_REQUEST, "cancel-message without push-id"),
        (b"<pap><push-message push-id='1'/></pap>", Code.ADDRESS_ERROR, "without an address"),
        (b"<pap><push-message push-id='1'><address/></push-message></pap>", Code.ADDRESS_ERROR, "without an address"),
        (b"<pap><push-response push-id='1'/></pap>", Code.BAD_REQUEST, "without response-result"),
        (b"<pap><badmessage-response code='ok'/></pap>", Code.BAD_REQUEST, "a code of four digits"),
        (
            GOLDEN_PUSH.replace(b"2026-10-01T12:00:00Z", b"2026-10-01T20:00:00+08:00"),
            Code.BAD_REQUEST,
            "deliver-before-timestamp is '2026-10-01T20:00:00.08:00'",
        ),
        (GOLDEN_PUSH.replace(b'"medium"', b'"urgent"'), Code.BAD_REQUEST, "priority is 'urgent', one of high"),
    ],
)
def test_what_cannot_be_acted_on_is_refused_with_the_code_to_answer(document: bytes, code: Code, said: str) -> None:
    with pytest.raises(UnreadableError, match=said) as refused:
        read(document)
    assert refused.value.code is code
    answer = answer_to_unreadable(document, refused.value)
    assert read(write(answer)) == answer
    assert answer.code == code


def test_text_between_cdata_marks_is_no_entity() -> None:
    document = b"<pap><!-- a & b --><cancel-message push-id='&lt;1&#62;'><![CDATA[&x;]]></cancel-message></pap>"
    assert read(document) == CancelMessage("<1>")
    assert read(document.decode().encode("utf-16")) == CancelMessage("<1>")


def test_what_nobody_knows_is_passed_over() -> None:
    strange = GOLDEN_PUSH.replace(b"<pap>", b"<pap product-name='x'><!-- hi --><vendor/>").replace(
        b"<address ", b"<vendor a='1'/><address extra='2' "
    )
    assert read(strange) == PUSH


def test_an_unreadable_time_of_what_happened_is_none_and_a_made_up_state_is_unknown() -> None:
    document = (
        b"<pap><resultnotification-message push-id='1' message-state='lost' code='5999' event-time='yesterday'>"
        b"<address address-value='a'/></resultnotification-message></pap>"
    )
    assert read(document) == ResultNotification("1", "a", MessageState.UNKNOWN, 5999)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (replace(PUSH, push_id=""), "push-id: is empty"),
        (replace(PUSH, addresses=()), "address: is not there"),
        (replace(PUSH, addresses=("",)), "address-value: is empty"),
        (replace(PUSH, source_reference="a\x00b"), "source-reference: contains a control character"),
        (replace(PUSH, source_reference="a\ud800"), "half a character"),
        (replace(PUSH, ppg_notify_requested_to="ftp://x"), "a URL of http or https expected"),
        (
            replace(PUSH, deliver_before_timestamp=PUSH.deliver_after_timestamp),
            "deliver-before-timestamp: is not later than deliver-after-timestamp",
        ),
        (replace(PUSH, deliver_after_timestamp=datetime(2026, 1, 1)), "a time without a zone"),  # noqa: DTZ001 - wrong on purpose
        (PushResponse("1", 200), "code: is 200, 1000 to 5999 expected"),
        (BadMessageResponse(6000), "code: is 6000"),
        (CancelResponse("1", ()), "result: is not there"),
    ],
)
def test_what_may_not_be_written_is_named(message: PapMessage, said: str) -> None:
    with pytest.raises(FieldError, match=said):
        write(message)


def test_times_are_written_in_utc_to_the_second() -> None:
    local = datetime(2026, 10, 1, 9, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert instant_text("created", local) == "2026-10-01T01:00:00Z"


@pytest.mark.parametrize(
    "text", ["2026-10-01", "2026-10-01T01:00:00", "2026-13-01T01:00:00Z", "2026-10-01T01:00:61Z", ""]
)
def test_any_other_time_is_none(text: str) -> None:
    assert parse_instant(text) is None


def test_a_leap_second_is_the_next_minute() -> None:
    assert parse_instant("2016-12-31T23:59:60Z") == datetime(2017, 1, 1, tzinfo=UTC)
    assert parse_instant("9999-12-31T23:59:60Z") is None


@given(st.from_regex(r"\+[1-9][0-9]{4,14}", fullmatch=True))
def test_a_number_is_found_again_in_its_address(number: str) -> None:
    assert number_in(plmn_address(number, "ppg.operator.cn")) == number


@pytest.mark.parametrize("address", ["", ADDRESS.replace("+", ""), "WAPPUSH=a@b.cn/TYPE=USER@ppg", "+8613800138000"])
def test_any_other_address_has_no_number(address: str) -> None:
    assert number_in(address) is None


@pytest.mark.parametrize(
    ("number", "gateway"), [("8613800138000", "ppg"), ("+86138x", "ppg"), ("+8613800138000", "p@g")]
)
def test_an_address_that_gateways_refuse_is_not_made_and_no_number_shown(number: str, gateway: str) -> None:
    with pytest.raises(FieldError) as refused:
        plmn_address(number, gateway)
    assert "138" not in str(refused.value)


@pytest.mark.parametrize(
    ("code", "step"),
    [
        (1000, NextStep.NONE),
        (1001, NextStep.NONE),
        (2001, NextStep.NEVER),
        (2007, NextStep.NEVER),
        (3000, NextStep.AGAIN),
        (3001, NextStep.NEVER),
        (4000, NextStep.AGAIN),
        (4001, NextStep.AGAIN),
        (5028, NextStep.NEVER),
    ],
)
def test_a_code_says_whether_to_try_again(code: int, step: NextStep) -> None:
    assert next_step(code) is step


def test_an_address_is_at_fault_by_itself() -> None:
    assert is_address_fault(2002)
    assert is_address_fault(2003)
    assert not is_address_fault(2001)


def test_an_acknowledgement_without_an_address_is_taken() -> None:
    document = b"<pap><resultnotification-response push-id='1' code='1000'/></pap>"
    assert read(document) == ResultNotificationResponse("1", "", 1000)


def test_a_cancel_may_be_about_all_addresses() -> None:
    for message in (CancelMessage("1"), CancelResponse("1", (CancelResult(1000),))):
        assert read(write(message)) == message


def test_states_that_may_change_are_not_final() -> None:
    assert {state for state in MessageState if not state.is_final} == {MessageState.PENDING, MessageState.UNKNOWN}
