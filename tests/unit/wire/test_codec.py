"""PDUs of both versions survive the wire, what does not fit is named, and garbage is refused."""

import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.wire.cmpp.codec import decode, decode_report, encode, encode_report
from shared.wire.cmpp.errors import DecodeError, FieldError
from shared.wire.cmpp.frames import Frame
from shared.wire.cmpp.pdus import (
    ActiveTestResp,
    Connect,
    ConnectResp,
    Deliver,
    Pdu,
    Query,
    StatusReport,
    Submit,
    SubmitResp,
)
from shared.wire.cmpp.versions import Version
from tests.unit.wire.octets import frame_of
from tests.unit.wire.strategies import pdus, reports, u32

SUBMIT = Submit(
    src_id="10658000",
    dest_terminal_ids=("13800000001",),
    content="你好".encode("utf-16-be"),
    msg_src="900001",
    service_id="MKT",
)
COMMAND_IDS = st.one_of(st.integers(0, 0x20), st.integers(0x8000_0000, 0x8000_0020), u32)
versions = st.sampled_from(Version)
pdus_of_versions = versions.flatmap(lambda version: st.tuples(st.just(version), pdus(version)))
BOTH = pytest.mark.parametrize("version", Version)


@given(pdus_of_versions, u32)
def test_every_pdu_survives_the_wire(drawn: tuple[Version, Pdu], sequence: int) -> None:
    version, pdu = drawn
    frame = frame_of(encode(pdu, sequence, version))
    assert frame.sequence == sequence
    assert decode(frame, version) == pdu


@given(pdus_of_versions, st.binary(max_size=24))
def test_octets_after_the_last_field_are_ignored(drawn: tuple[Version, Pdu], tail: bytes) -> None:
    version, pdu = drawn
    # By the length of CONNECT_RESP its version is known: three octets more make the answer of 2.0 one of 3.0.
    assume(not (isinstance(pdu, ConnectResp) and len(tail) == 3))
    frame = frame_of(encode(pdu, 1, version))
    assert decode(replace(frame, body=frame.body + tail), version) == pdu


@given(COMMAND_IDS, st.binary(max_size=400), versions)
def test_garbage_raises_nothing_but_a_decode_error(command: int, body: bytes, version: Version) -> None:
    try:
        pdu = decode(Frame(command, 1, body), version)
    except DecodeError:
        return
    assert type(pdu).__module__ == "shared.wire.cmpp.pdus"


@given(pdus_of_versions, st.data())
def test_a_truncated_body_raises_a_decode_error_or_is_read_as_far_as_it_goes(
    drawn: tuple[Version, Pdu], data: st.DataObject
) -> None:
    version, pdu = drawn
    frame = frame_of(encode(pdu, 1, version))
    kept = data.draw(st.integers(0, len(frame.body)))
    try:
        assert type(decode(replace(frame, body=frame.body[:kept]), version)) is type(pdu)
    except DecodeError:
        assert kept < len(frame.body)


@BOTH
def test_the_largest_garbage_takes_no_more_memory_than_a_few_times_its_size(version: Version) -> None:
    frames = [Frame(command, 1, b"\xff" * 4084) for command in (1, 4, 5, 6, 9, 0x8000_0004, 0x8000_0006)]
    tracemalloc.start()
    try:
        for frame in frames:
            try:
                decode(frame, version)
            except DecodeError:
                continue
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000


@BOTH
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("src_id", "1" * 22, "at most 21 characters expected"),
        ("src_id", "10658-1", "is '10658-1', digits expected"),
        ("service_id", "服务", "is '服务', ASCII text"),
        ("msg_src", "90\0001", "without NUL expected"),
        ("msg_level", 10, "is 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 expected"),
        ("registered_delivery", 3, "is 3, "),
        ("tp_udhi", 2, "is 2, 0, 1 expected"),
        ("msg_fmt", 7, "is 7, 0, 3, 4, 8, 15 expected"),
        ("tp_pid", 256, "is 256, an integer of 1 octet"),
        ("pk_total", 0, "is 0, 1 to 255 expected"),
        ("pk_number", 0, "is 0, 1 to 255 expected"),
        ("pk_number", 2, "is 2, at most pk_total (1) expected"),
        ("pk_number", "1", "is '1', an integer of 1 octet(s) expected"),
        ("dest_terminal_ids", "13800000001", "is of type str, a tuple of numbers expected"),
        ("content", "text", "is of type str, octets expected"),
        ("fee_user_type", 4, "is 4, 0, 1, 2, 3 expected"),
        ("fee_type", "xx", "is 'xx', digits expected"),
        ("valid_time", "tomorrow", "is 'tomorrow', nothing or YYMMDDhhmmsstnnp expected"),
        ("at_time", "261121", "nothing or YYMMDDhhmmsstnnp expected"),
        ("dest_terminal_ids", (), "has 0 destinations, 1 to 99 expected"),
        ("dest_terminal_ids", ("13800000001",) * 100, "has 100 destinations"),
        ("dest_terminal_ids", ("1" * 33,), "33 characters"),
        ("dest_terminal_ids", ("",), "digits with or without a leading"),
        ("content", bytes(141), "has 141 octets, at most 140 expected in coding 8"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_field_value_and_what_was_expected(
    field: str, value: object, said: str, version: Version
) -> None:
    with pytest.raises(FieldError) as refused:
        encode(replace(SUBMIT, **{field: value}), 1, version)  # type: ignore[arg-type] # wrong values are the point
    assert said in str(refused.value)
    assert refused.value.field == field


@pytest.mark.parametrize(("field", "value"), [("fee_terminal_type", 1), ("dest_terminal_type", 1), ("link_id", "L1")])
def test_a_field_of_3_0_is_refused_on_a_line_of_2_0(field: str, value: object) -> None:
    submit = replace(SUBMIT, **{field: value})  # type: ignore[arg-type] # one field of many types
    with pytest.raises(FieldError, match=rf"{field}: is set, .* expected: CMPP 2\.0 has no such field"):
        encode(submit, 1)
    assert decode(frame_of(encode(submit, 1, Version.CMPP_3)), Version.CMPP_3) == submit


def test_only_2_0_knows_tickets_of_the_smsc() -> None:
    ticket = replace(SUBMIT, registered_delivery=2)
    assert decode(frame_of(encode(ticket, 1))) == ticket
    with pytest.raises(FieldError, match="registered_delivery: is 2, 0, 1 expected"):
        encode(ticket, 1, Version.CMPP_3)


@BOTH
def test_nobodys_number_is_shown_by_an_error(version: Version) -> None:
    with pytest.raises(FieldError) as refused:
        encode(replace(SUBMIT, dest_terminal_ids=("1380000x001",)), 1, version)
    assert "1380000" not in str(refused.value)
    assert "11 characters" in str(refused.value)


@BOTH
def test_ascii_content_may_be_longer_than_coded_content(version: Version) -> None:
    longest = replace(SUBMIT, msg_fmt=0, content=b"x" * 159)
    assert decode(frame_of(encode(longest, 1, version)), version) == longest
    with pytest.raises(FieldError, match="at most 159"):
        encode(replace(SUBMIT, msg_fmt=0, content=bytes(160)), 1, version)


def test_an_authenticator_of_the_wrong_size_is_refused_without_being_shown() -> None:
    with pytest.raises(FieldError, match="authenticator_source: has 15 octets, exactly 16 expected"):
        encode(Connect("900001", bytes(15), 1), 1)


def test_a_sequence_beyond_32_bits_is_refused() -> None:
    with pytest.raises(FieldError, match="sequence_id: is 4294967296, an integer of 4 octet"):
        encode(SubmitResp(1, 0), 1 << 32)


@pytest.mark.parametrize(("result", "version"), [(256, Version.CMPP_2), (1 << 32, Version.CMPP_3)])
def test_a_result_is_as_wide_as_its_version_has_it(result: int, version: Version) -> None:
    with pytest.raises(FieldError, match="result"):
        encode(SubmitResp(1, result), 1, version)


def test_a_query_names_a_day() -> None:
    assert len(encode(Query("20261121", 1, "MKT"), 1)) == 12 + 27
    with pytest.raises(FieldError, match="time: is '2026-11-21'"):
        encode(Query("2026-11-21"), 1)


def test_octets_that_are_not_ascii_become_replacement_characters() -> None:
    frame = frame_of(encode(Deliver(1, "10658000", "13800000001", b""), 1))
    soiled = frame.body.replace(b"10658000", b"\xff0658000")
    received = decode(replace(frame, body=soiled))
    assert isinstance(received, Deliver)
    assert received.dest_id == "�0658000"


def test_an_active_test_answer_without_its_reserved_octet_is_accepted() -> None:
    assert decode(Frame(0x8000_0008, 1, b"")) == ActiveTestResp()


@given(reports, versions)
def test_a_report_survives_the_wire_in_the_octets_of_its_version(report: StatusReport, version: Version) -> None:
    octets = encode_report(report, version)
    assert len(octets) == {Version.CMPP_2: 60, Version.CMPP_3: 71}[version]
    assert decode_report(octets) == report


@given(st.binary(max_size=55))
def test_a_report_without_all_of_its_number_is_refused(octets: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_report(octets)


def test_a_report_with_an_unknown_word_is_not_written() -> None:
    with pytest.raises(FieldError, match="stat: is 'gone', a word of"):
        encode_report(StatusReport(1, "gone", "2607220800", "2607220801", "13800000001"))
