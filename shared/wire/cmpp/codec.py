"""PDUs to bytes, strictly, and bytes to PDUs, tolerantly, in the layouts of 2.0 or 3.0."""

from enum import IntEnum

from shared.wire.cmpp.errors import DecodeError
from shared.wire.cmpp.frames import Frame, pack_frame
from shared.wire.cmpp.layout import Unsigned
from shared.wire.cmpp.layouts import LAYOUTS, REPORT_LAYOUTS
from shared.wire.cmpp.pdus import (
    ActiveTest,
    ActiveTestResp,
    Cancel,
    CancelResp,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Fwd,
    FwdResp,
    Pdu,
    Query,
    QueryResp,
    StatusReport,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
)
from shared.wire.cmpp.versions import Version

_SEQUENCE = Unsigned("sequence_id", 4)
_REPORT, _WIDE_REPORT = REPORT_LAYOUTS[Version.CMPP_2], REPORT_LAYOUTS[Version.CMPP_3]
_SMSC_SEQUENCE_OCTETS = 4


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
    QUERY = 0x00000006
    QUERY_RESP = 0x80000006
    CANCEL = 0x00000007
    CANCEL_RESP = 0x80000007
    ACTIVE_TEST = 0x00000008
    ACTIVE_TEST_RESP = 0x80000008
    FWD = 0x00000009
    FWD_RESP = 0x80000009


_COMMANDS: dict[type[Pdu], Command] = {
    Connect: Command.CONNECT,
    ConnectResp: Command.CONNECT_RESP,
    Terminate: Command.TERMINATE,
    TerminateResp: Command.TERMINATE_RESP,
    Submit: Command.SUBMIT,
    SubmitResp: Command.SUBMIT_RESP,
    Deliver: Command.DELIVER,
    DeliverResp: Command.DELIVER_RESP,
    Query: Command.QUERY,
    QueryResp: Command.QUERY_RESP,
    Cancel: Command.CANCEL,
    CancelResp: Command.CANCEL_RESP,
    ActiveTest: Command.ACTIVE_TEST,
    ActiveTestResp: Command.ACTIVE_TEST_RESP,
    Fwd: Command.FWD,
    FwdResp: Command.FWD_RESP,
}
_PDU_TYPES: dict[int, type[Pdu]] = {command: pdu_type for pdu_type, command in _COMMANDS.items()}


def encode(pdu: Pdu, sequence: int, version: Version = Version.CMPP_2) -> bytes:
    """Return the whole PDU, header included. Raises FieldError, naming field, value and what was expected."""
    body = LAYOUTS[version][type(pdu)].pack(pdu)
    return pack_frame(_COMMANDS[type(pdu)], _SEQUENCE.to_wire(sequence), body)


def decode(frame: Frame, version: Version = Version.CMPP_2) -> Pdu:
    """Read a frame's body. Octets after the last field are ignored. Raises DecodeError."""
    pdu_type = _PDU_TYPES.get(frame.command)
    if pdu_type is None:
        raise DecodeError(f"unknown command 0x{frame.command:08x}")
    return pdu_type(**LAYOUTS[version][pdu_type].unpack(frame.body))


def encode_report(report: StatusReport, version: Version = Version.CMPP_2) -> bytes:
    """Return the 60 octets (2.0) or 71 octets (3.0) that go into a DELIVER's content. Raises FieldError."""
    return REPORT_LAYOUTS[version].pack(report)


def decode_report(content: bytes) -> StatusReport:
    """Read a report of 60 or of 71 octets, or one that ends before SMSC_sequence, which is 0 then. Raises DecodeError.

    The length alone decides, not the version of the line: gateways of 3.0 send the 60 octets of 2.0.
    """
    if _REPORT.size - _SMSC_SEQUENCE_OCTETS <= len(content) < _REPORT.size:
        content = content.ljust(_REPORT.size, b"\0")
    layout = _WIDE_REPORT if len(content) >= _WIDE_REPORT.size else _REPORT
    return StatusReport(**layout.unpack(content))
