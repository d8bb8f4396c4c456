"""Each trap that protocols.md (§1.4 to §1.8) tells of, by its name there: real gateways have every one of them."""

import hashlib
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from services.dispatch.channels.sms_wire import (
    SmsAccount,
    from_answers,
    is_throttled,
    to_receipts,
    to_replies,
    to_submits_of,
)
from services.dispatch.ports import Message, Verdict
from shared.wire.cmpp.auth import is_ismg_authentic, ismg_authenticator, source_authenticator
from shared.wire.cmpp.codec import decode, decode_report, encode, encode_report
from shared.wire.cmpp.errors import LoginRefusedError
from shared.wire.cmpp.frames import Frame
from shared.wire.cmpp.headers import split_header
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.message_id import MessageId
from shared.wire.cmpp.parts import References, count_parts, split_text, to_submits
from shared.wire.cmpp.pdus import ActiveTestResp, Connect, ConnectResp, Deliver, StatusReport, Submit, SubmitResp
from shared.wire.cmpp.stats import Outcome, describe, outcome_of, outcome_of_parts
from shared.wire.cmpp.terminals import national_number
from shared.wire.cmpp.texts import GBK, decode_text, ucs2_units
from shared.wire.cmpp.times import login_timestamp
from shared.wire.cmpp.versions import Version
from tests.unit.wire.octets import frame_of

V2, V3 = Version.CMPP_2, Version.CMPP_3
BOTH = pytest.mark.parametrize("version", Version)
SUBMIT = Submit("10658000", ("13800000001",), "你好".encode("utf-16-be"), "900001", "MKT")
REPORT = StatusReport(0x7B20_0288_B679_0007, "DELIVRD", "2607220800", "2607220801", "13800000001", 7)
ACCOUNT = SmsAccount("a", "127.0.0.1", 1, sp_id="900001", secret="s", service_id="MKT", src_id="10658000")  # noqa: S106 - none
NOW = datetime(2026, 1, 9, 1, 2, 3, tzinfo=UTC)


def report_deliver(content: bytes, version: Version) -> Deliver:
    deliver = Deliver(9, "10658000", "13800000001", content, msg_fmt=0, registered_delivery=1)
    received = decode(frame_of(encode(deliver, 1, version)), version)
    assert isinstance(received, Deliver)
    return received


# §1.4


def test_1_4_the_timestamp_loses_its_leading_zero_on_the_wire_but_not_in_the_digest() -> None:
    timestamp = login_timestamp(NOW)
    assert timestamp == 109090203
    digest = source_authenticator("900001", "888888", timestamp)
    assert decode(frame_of(encode(Connect("900001", digest, timestamp), 1))) == Connect("900001", digest, timestamp)
    hashed = b"900001" + bytes(9) + b"888888" + b"0109090203"
    assert digest == hashlib.md5(hashed, usedforsecurity=False).digest()


@pytest.mark.parametrize("octets", [1, 4])
def test_1_4_gateways_hash_one_or_four_octets_of_status(octets: int) -> None:
    digest = source_authenticator("900001", "888888", 109090203)
    assert is_ismg_authentic(ismg_authenticator(0, digest, "888888", status_octets=octets), 0, digest, "888888")
    assert not is_ismg_authentic(bytes(16), 0, digest, "888888")


@BOTH
@pytest.mark.parametrize("octets", [18, 21])
def test_1_4_connect_resp_is_read_by_its_length_whatever_was_asked_for(octets: int, version: Version) -> None:
    answer = ConnectResp(3, b"\x11" * 16, 0x20)
    written = frame_of(encode(answer, 1, V2 if octets == 18 else V3))
    assert len(written.body) == octets
    assert decode(written, version) == answer


def test_1_4_refusals_2_3_and_4_are_for_good() -> None:
    assert {status for status in range(1, 10) if LoginRefusedError(status).permanent} == {2, 3, 4}


# §1.5


@BOTH
def test_1_5_body_lengths_are_126_and_151_octets_besides_destinations_and_content(version: Version) -> None:
    fixed, terminal = {V2: (126, 21), V3: (151, 32)}[version]
    for count in (1, 3, 99):
        submit = replace(SUBMIT, dest_terminal_ids=("13800000001",) * count, content=bytes(140))
        assert len(encode(submit, 1, version)) == 12 + fixed + terminal * count + 140


def test_1_5_one_bad_number_rejects_the_whole_pdu_so_that_each_goes_alone() -> None:
    message = Message("push-1", "13800000001", "你好", NOW + timedelta(hours=1))
    (submit,) = to_submits_of(message, ACCOUNT, References(random.Random(1)))
    assert submit.dest_terminal_ids == ("13800000001",)


def test_1_5_result_8_is_a_rest_and_13_the_recipient_and_the_accounts_faults_are_configuration() -> None:
    results = {result: from_answers("push-1", [SubmitResp(1, result)], parts=1) for result in range(200)}
    assert [result for result in results if is_throttled(SubmitResp(1, result))] == [8]
    assert results[8].verdict is Verdict.THROTTLED
    assert results[13].verdict is Verdict.REJECTED_RECIPIENT
    faults = {result for result, told in results.items() if told.configuration_fault}
    assert faults == {1, 2, 4, 5, 6, 7, 10, 11, 12}
    assert [result for result, told in results.items() if told.verdict is Verdict.SENT] == [0]


def test_1_5_a_vendors_result_of_3_0_may_have_four_octets() -> None:
    assert decode(frame_of(encode(SubmitResp(1, 0x0100_0000), 1, V3)), V3) == SubmitResp(1, 0x0100_0000)


def test_1_5_a_gateway_of_3_0_may_answer_with_one_octet_of_result() -> None:
    assert decode(frame_of(encode(SubmitResp(1, 8), 1, V2)), V3) == SubmitResp(1, 8)


def test_1_5_message_ids_have_no_year_and_recur() -> None:
    first = MessageId.at(NOW, gateway=571001, sequence=7)
    assert MessageId.at(NOW.replace(year=2027), gateway=571001, sequence=7).pack() == first.pack()


# §1.6


@BOTH
def test_1_6_the_width_of_a_report_is_chosen_by_its_length_and_not_by_the_version(version: Version) -> None:
    for content in (encode_report(REPORT, V2), encode_report(REPORT, V3)):
        assert decode_report(report_deliver(content, version).content) == REPORT


def test_1_6_octets_after_a_report_are_ignored() -> None:
    for octets in range(11):
        assert decode_report(encode_report(REPORT, V2) + b"\xff" * octets) == REPORT
    assert decode_report(encode_report(REPORT, V3) + b"\xff" * 9) == REPORT


@pytest.mark.parametrize("kept", range(20))
def test_1_6_a_short_tail_of_3_0_is_read_as_far_as_it_goes(kept: int) -> None:
    deliver = Deliver(9, "10658000", "13800000001", encode_report(REPORT), registered_delivery=1, link_id="L" * 20)
    frame = frame_of(encode(deliver, 1, V3))
    short = decode(replace(frame, body=frame.body[: len(frame.body) - 20 + kept]), V3)
    assert short == replace(deliver, link_id="L" * kept)


def test_1_6_a_report_without_smsc_sequence_is_read_without_it() -> None:
    for missing in range(1, 5):
        received = decode_report(encode_report(replace(REPORT, smsc_sequence=0))[:-missing])
        assert received == replace(REPORT, smsc_sequence=0)


def test_1_6_acceptd_is_no_end_and_discarded() -> None:
    accepted = report_deliver(encode_report(replace(REPORT, stat="ACCEPTD")), V2)
    delivered = report_deliver(encode_report(REPORT), V2)
    assert [receipt.status for receipt in to_receipts([accepted, delivered], "a")] == ["DELIVRD"]
    assert outcome_of("ACCEPTD") is Outcome.PENDING


@pytest.mark.parametrize(
    ("stat", "said"),
    [
        ("DELIVRD", "delivered"),
        ("UNDELIV", "not deliverable"),
        ("MA:0001", "the short message centre gave no answer"),
        ("CB:0005", "the charging point (SCP) answered with an error"),
        ("DB:0140", "the service platform (DSMP) answered"),
        ("IC:0001", "the next gateway gave no report"),
        ("SA:9", "the SP gave no answer"),
        ("XX:0001", "a reason of the gateway's own"),
        ("", "a reason of the gateway's own"),
    ],
)
def test_1_6_codes_of_network_elements_are_failures_in_words(stat: str, said: str) -> None:
    assert said in describe(stat)
    assert outcome_of(stat) is (Outcome.DELIVERED if stat == "DELIVRD" else Outcome.NOT_DELIVERED)


@pytest.mark.parametrize("source", ["8613800000001", "+8613800000001", "13800000001"])
def test_1_6_a_sender_is_one_person_however_the_number_is_written(source: str) -> None:
    assert national_number(source) == "13800000001"
    (reply,) = to_replies([Deliver(1, "10658000", source, b"TD", msg_fmt=0)], "a")
    assert reply.msisdn == "13800000001"


def test_1_6_an_opt_out_comes_in_any_coding() -> None:
    contents = [("退订".encode("utf-16-be"), 8), ("退订".encode("gbk"), GBK), (b"TD", 0)]
    assert [decode_text(content, msg_fmt) for content, msg_fmt in contents] == ["退订", "退订", "TD"]


# §1.7 (persist before acknowledging, the window, silence and a broken line: tests/integration/wire)


def test_1_7_the_limits_are_those_of_the_specification() -> None:
    assert LinkLimits() == LinkLimits(window=16, response_timeout=60.0, idle=180.0, attempts=3)


@BOTH
def test_1_7_an_answer_to_active_test_has_one_reserved_octet(version: Version) -> None:
    assert len(encode(ActiveTestResp(), 1, version)) == 13
    assert decode(Frame(0x8000_0008, 1, b""), version) == ActiveTestResp()


# §1.8


def test_1_8_a_surrogate_pair_is_never_cut() -> None:
    text = "办" * 66 + "👍" * 60
    pieces = split_text(text)
    assert pieces[0] == "办" * 66
    assert "".join(pieces) == text
    assert all(ucs2_units(piece) <= 67 for piece in pieces)


def test_1_8_a_reference_of_16_bits_leaves_66_units() -> None:
    assert [len(piece) for piece in split_text("办" * 134)] == [67, 67]
    assert [len(piece) for piece in split_text("办" * 134, wide=True)] == [66, 66, 2]
    first = to_submits(partial(replace, SUBMIT), "办" * 134, reference=lambda: 0x1234, wide=True)[0]
    assert first.content[:7].hex() == "06080412340301"
    assert len(first.content) == 7 + 132


def test_1_8_the_header_of_8_bits_and_the_part_numbers_say_the_same() -> None:
    submits = to_submits(partial(replace, SUBMIT), "办" * 100, reference=lambda: 0xAB)
    assert [each.content[:6].hex() for each in submits] == ["050003ab0201", "050003ab0202"]
    assert [(each.tp_udhi, each.pk_total, each.pk_number) for each in submits] == [(1, 2, 1), (1, 2, 2)]


def test_1_8_references_roll_for_each_pair_of_sender_and_recipient() -> None:
    references = References(random.Random(1))
    first = [references.next_for("10658000", "13800000001") for _ in range(256)]
    assert sorted(first) == list(range(256))
    assert references.next_for("10658000", "13800000001") == first[0]
    other = references.next_for("10658000", "13800000002")
    assert references.next_for("10658000", "13800000002") == (other + 1) % 256


def test_1_8_signature_and_opt_out_phrase_count() -> None:
    body = "办" * 64
    assert count_parts(body) == 1
    assert count_parts(f"【中国移动】{body}") == 1
    assert count_parts(f"【中国移动】{body}拒收请回复R") == 2


def test_1_8_a_message_is_delivered_only_if_all_its_parts_are() -> None:
    assert outcome_of_parts(["DELIVRD", "DELIVRD"], parts=2) is Outcome.DELIVERED
    assert outcome_of_parts(["DELIVRD"], parts=2) is Outcome.PENDING
    assert outcome_of_parts(["DELIVRD", "ACCEPTD"], parts=2) is Outcome.PENDING
    assert outcome_of_parts(["DELIVRD", "EXPIRED"], parts=2) is Outcome.NOT_DELIVERED


def test_1_8_a_header_is_no_part_of_the_text() -> None:
    part, rest = split_header(bytes.fromhex("050003070201") + "退订".encode("utf-16-be"))
    assert part is not None
    assert rest.decode("utf-16-be") == "退订"
