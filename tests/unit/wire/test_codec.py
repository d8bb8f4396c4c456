"""PDUs survive the wire, what does not fit is named, and garbage is refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.cmpp.codec import decode, decode_report, encode, encode_report
from shared.wire.cmpp.errors import CmppError, DecodeError, FieldError
from shared.wire.cmpp.frames import Frame, unpack_frame
from shared.wire.cmpp.pdus import ActiveTestResp, Connect, Deliver, Pdu, StatusReport, Submit, SubmitResp
from tests.unit.wire.strategies import pdus, reports, u32

SUBMIT = Submit(
    src_id="10658000",
    dest_terminal_ids=("13800000001",),
    content="你好".encode("utf-16-be"),
    msg_src="900001",
    service_id="MKT",
)
COMMAND_IDS = st.one_of(st.integers(0, 0x20), st.integers(0x8000_0000, 0x8000_0020), u32)


@given(pdus, u32)
def test_every_pdu_survives_the_wire(pdu: Pdu, sequence: int) -> None:
    frame = unpack_frame(encode(pdu, sequence))
    assert frame.sequence == sequence
    assert decode(frame) == pdu


@given(pdus, u32, st.binary(max_size=24))
def test_octets_after_the_last_field_are_ignored(pdu: Pdu, sequence: int, tail: bytes) -> None:
    frame = unpack_frame(encode(pdu, sequence))
    assert decode(replace(frame, body=frame.body + tail)) == pdu


@given(COMMAND_IDS, st.binary(max_size=400))
def test_garbage_raises_nothing_but_a_decode_error(command: int, body: bytes) -> None:
    try:
        pdu = decode(Frame(command, 1, body))
    except DecodeError:
        return
    assert type(pdu).__module__ == "shared.wire.cmpp.pdus"


@given(pdus, st.data())
def test_a_truncated_body_raises_a_decode_error_or_still_has_all_its_fields(pdu: Pdu, data: st.DataObject) -> None:
    frame = unpack_frame(encode(pdu, 1))
    kept = data.draw(st.integers(0, len(frame.body)))
    try:
        assert decode(replace(frame, body=frame.body[:kept])) == pdu
    except DecodeError:
        assert kept < len(frame.body)


@given(st.binary(max_size=64))
def test_octets_that_are_no_frame_raise_a_protocol_error(octets: bytes) -> None:
    try:
        frame = unpack_frame(octets)
    except CmppError:
        return
    assert len(frame.body) == len(octets) - 12


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("src_id", "1" * 22),
        ("service_id", "服务"),
        ("msg_src", "90\0001"),
        ("msg_level", 256),
        ("pk_total", -1),
        ("dest_terminal_ids", ()),
        ("dest_terminal_ids", ("13800000001",) * 100),
        ("dest_terminal_ids", ("1" * 22,)),
        ("content", bytes(141)),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_field(field: str, value: object) -> None:
    with pytest.raises(FieldError, match=field) as refused:
        encode(replace(SUBMIT, **{field: value}), 1)  # type: ignore[arg-type] # wrong values are the point
    assert refused.value.field == field


def test_ascii_content_may_be_longer_than_coded_content() -> None:
    longest = replace(SUBMIT, msg_fmt=0, content=b"x" * 159)
    assert decode(unpack_frame(encode(longest, 1))) == longest
    with pytest.raises(FieldError, match="at most 159"):
        encode(replace(SUBMIT, msg_fmt=0, content=bytes(160)), 1)


def test_an_authenticator_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(FieldError, match="authenticator_source"):
        encode(Connect("900001", bytes(15), 1), 1)


def test_a_sequence_beyond_32_bits_is_refused() -> None:
    with pytest.raises(FieldError, match="sequence_id"):
        encode(SubmitResp(1, 0), 1 << 32)


def test_octets_that_are_not_ascii_become_replacement_characters() -> None:
    frame = unpack_frame(encode(Deliver(1, "10658000", "13800000001", b""), 1))
    soiled = frame.body.replace(b"10658000", b"\xff0658000")
    received = decode(replace(frame, body=soiled))
    assert isinstance(received, Deliver)
    assert received.dest_id == "�0658000"


def test_an_active_test_answer_without_its_reserved_octet_is_accepted() -> None:
    assert decode(Frame(0x8000_0008, 1, b"")) == ActiveTestResp()


@given(reports)
def test_a_report_survives_the_wire_in_60_octets(report: StatusReport) -> None:
    octets = encode_report(report)
    assert len(octets) == 60
    assert decode_report(octets) == report


@given(reports)
def test_a_report_of_71_octets_is_read_by_its_length(report: StatusReport) -> None:
    narrow = encode_report(report)
    assert decode_report(narrow[:56] + bytes(11) + narrow[56:]) == report


@given(st.binary(max_size=59))
def test_a_shorter_report_is_refused(octets: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_report(octets)
