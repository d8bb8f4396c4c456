"""PDUs to bytes, strictly, and bytes to PDUs, tolerantly."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from shared.wire.cmpp.errors import DecodeError, FieldError
from shared.wire.cmpp.frames import Frame, pack_frame
from shared.wire.cmpp.layout import Layout, Octets, Text, Unsigned
from shared.wire.cmpp.pdus import (
    ActiveTest,
    ActiveTestResp,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Pdu,
    StatusReport,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
)

MAX_CONTENT = 140
MAX_ASCII_CONTENT = 159
_TERMINAL_OCTETS = 21
_RESERVE = bytes(8)


class Command(IntEnum):
    """Command_Id; a response has bit 31 set."""

    CONNECT = 0x00000001
    CONNECT_RESP = 0x80000001
    TERMINATE = 0x00000002
    TERMINATE_RESP = 0x80000002
    SUBMIT = 0x00000004
    SUBMIT_RESP = 0x80000004
    DELIVER = 0x00000005
    DELIVER_RESP = 0x80000005
    ACTIVE_TEST = 0x00000008
    ACTIVE_TEST_RESP = 0x80000008


_FIXED: dict[type[Pdu], Layout] = {
    Connect: Layout(
        Text("source_addr", 6), Octets("authenticator_source", 16), Unsigned("version", 1), Unsigned("timestamp", 4)
    ),
    ConnectResp: Layout(Unsigned("status", 1), Octets("authenticator_ismg", 16), Unsigned("version", 1)),
    SubmitResp: Layout(Unsigned("msg_id", 8), Unsigned("result", 1)),
    DeliverResp: Layout(Unsigned("msg_id", 8), Unsigned("result", 1)),
    ActiveTest: Layout(),
    Terminate: Layout(),
    TerminateResp: Layout(),
}
_SUBMIT_HEAD = Layout(
    Unsigned("msg_id", 8),
    Unsigned("pk_total", 1),
    Unsigned("pk_number", 1),
    Unsigned("registered_delivery", 1),
    Unsigned("msg_level", 1),
    Text("service_id", 10),
    Unsigned("fee_user_type", 1),
    Text("fee_terminal_id", _TERMINAL_OCTETS),
    Unsigned("tp_pid", 1),
    Unsigned("tp_udhi", 1),
    Unsigned("msg_fmt", 1),
    Text("msg_src", 6),
    Text("fee_type", 2),
    Text("fee_code", 6),
    Text("valid_time", 17),
    Text("at_time", 17),
    Text("src_id", 21),
)
_DELIVER_HEAD = Layout(
    Unsigned("msg_id", 8),
    Text("dest_id", 21),
    Text("service_id", 10),
    Unsigned("tp_pid", 1),
    Unsigned("tp_udhi", 1),
    Unsigned("msg_fmt", 1),
    Text("src_terminal_id", _TERMINAL_OCTETS),
    Unsigned("registered_delivery", 1),
)
_DESTINATION = Text("dest_terminal_ids", _TERMINAL_OCTETS)


def encode(pdu: Pdu, sequence: int) -> bytes:
    """Return the whole PDU, header included. Raises FieldError, naming the field, for what does not fit."""
    return pack_frame(COMMANDS[type(pdu)], Unsigned("sequence_id", 4).to_wire(sequence), _ENCODERS[type(pdu)](pdu))


def decode(frame: Frame) -> Pdu:
    """Read a frame's body. Octets after the last field are ignored. Raises DecodeError."""
    pdu_type = _PDU_TYPES.get(frame.command)
    if pdu_type is None:
        raise DecodeError(f"unknown command 0x{frame.command:08x}")
    return _DECODERS[pdu_type](frame.body)


def _encode_content(content: bytes, msg_fmt: int) -> bytes:
    limit = MAX_ASCII_CONTENT if msg_fmt == 0 else MAX_CONTENT
    if len(content) > limit:
        raise FieldError("content", f"has {len(content)} octets, at most {limit} fit in coding {msg_fmt}")
    return bytes((len(content),)) + content + _RESERVE


def _decode_content(rest: bytes) -> bytes:
    if not rest or len(rest) < 1 + rest[0]:
        raise DecodeError("Msg_Length is more than what follows it")
    return rest[1 : 1 + rest[0]]


def _encode_submit(pdu: Submit) -> bytes:
    destinations = pdu.dest_terminal_ids
    if not 1 <= len(destinations) <= 99:
        raise FieldError("dest_terminal_ids", f"{len(destinations)} destinations, 1 to 99 expected")
    listed = b"".join(_DESTINATION.to_wire(each).ljust(_TERMINAL_OCTETS, b"\0") for each in destinations)
    return _SUBMIT_HEAD.pack(pdu) + bytes((len(destinations),)) + listed + _encode_content(pdu.content, pdu.msg_fmt)


def _decode_submit(body: bytes) -> Submit:
    head = _SUBMIT_HEAD.unpack(body)
    start = _SUBMIT_HEAD.size + 1
    end = start + _TERMINAL_OCTETS * int.from_bytes(body[start - 1 : start], "big")
    if len(body) < end:
        raise DecodeError("DestUsr_tl is more than the destinations that follow it")
    listed = [body[at : at + _TERMINAL_OCTETS] for at in range(start, end, _TERMINAL_OCTETS)]
    destinations = tuple(_DESTINATION.from_wire(each) for each in listed)
    return Submit(**head, dest_terminal_ids=destinations, content=_decode_content(body[end:]))


def _encode_deliver(pdu: Deliver) -> bytes:
    return _DELIVER_HEAD.pack(pdu) + _encode_content(pdu.content, pdu.msg_fmt)


def _decode_deliver(body: bytes) -> Deliver:
    return Deliver(**_DELIVER_HEAD.unpack(body), content=_decode_content(body[_DELIVER_HEAD.size :]))


def _encode_active_test_resp(_: ActiveTestResp) -> bytes:
    return b"\0"


def _decode_active_test_resp(_: bytes) -> ActiveTestResp:
    return ActiveTestResp()


def _fixed_decoder(pdu_type: type[Pdu], layout: Layout) -> Callable[[bytes], Pdu]:
    return lambda body: pdu_type(**layout.unpack(body))


_ENCODERS: dict[type[Pdu], Callable[[Any], bytes]] = {
    **{pdu_type: layout.pack for pdu_type, layout in _FIXED.items()},
    Submit: _encode_submit,
    Deliver: _encode_deliver,
    ActiveTestResp: _encode_active_test_resp,
}
_DECODERS: dict[type[Pdu], Callable[[bytes], Pdu]] = {
    **{pdu_type: _fixed_decoder(pdu_type, layout) for pdu_type, layout in _FIXED.items()},
    Submit: _decode_submit,
    Deliver: _decode_deliver,
    ActiveTestResp: _decode_active_test_resp,
}
COMMANDS: dict[type[Pdu], Command] = {
    Connect: Command.CONNECT,
    ConnectResp: Command.CONNECT_RESP,
    Terminate: Command.TERMINATE,
    TerminateResp: Command.TERMINATE_RESP,
    Submit: Command.SUBMIT,
    SubmitResp: Command.SUBMIT_RESP,
    Deliver: Command.DELIVER,
    DeliverResp: Command.DELIVER_RESP,
    ActiveTest: Command.ACTIVE_TEST,
    ActiveTestResp: Command.ACTIVE_TEST_RESP,
}
_PDU_TYPES: dict[int, type[Pdu]] = {command: pdu_type for pdu_type, command in COMMANDS.items()}


_REPORT_HEAD = (Unsigned("msg_id", 8), Text("stat", 7), Text("submit_time", 10), Text("done_time", 10))
_REPORT = Layout(*_REPORT_HEAD, Text("dest_terminal_id", 21), Unsigned("smsc_sequence", 4))
_WIDE_REPORT = Layout(*_REPORT_HEAD, Text("dest_terminal_id", 32), Unsigned("smsc_sequence", 4))


def encode_report(report: StatusReport) -> bytes:
    """Return the 60 octets that go into a DELIVER's content."""
    return _REPORT.pack(report)


def decode_report(content: bytes) -> StatusReport:
    """Read a report of 60 octets or, as some 2.0 gateways send too, of 71; the length alone decides. Raises DecodeError."""
    layout = _WIDE_REPORT if len(content) >= _WIDE_REPORT.size else _REPORT
    return StatusReport(**layout.unpack(content))
