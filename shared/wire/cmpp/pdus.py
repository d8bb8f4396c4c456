"""The PDUs of CMPP 2.0 as values; field names follow the specification (QB-GF-028, chapter 8)."""

from dataclasses import dataclass

VERSION = 0x20


@dataclass(frozen=True, slots=True)
class Connect:
    """Login of an SP. `timestamp` is MMDDHHMMSS as a number, so that it has nine digits from January to September."""

    source_addr: str
    authenticator_source: bytes
    timestamp: int
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class ConnectResp:
    """Status 0 ok, 1 bad structure, 2 illegal source, 3 authentication failed, 4 version too high, other."""

    status: int
    authenticator_ismg: bytes = bytes(16)
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Submit:
    """A short message from the SP. `content` is in the coding that `msg_fmt` says: 0 ASCII, 8 UTF-16BE, 15 GBK."""

    src_id: str
    dest_terminal_ids: tuple[str, ...]
    content: bytes
    msg_src: str
    service_id: str
    msg_id: int = 0
    pk_total: int = 1
    pk_number: int = 1
    registered_delivery: int = 1
    msg_level: int = 0
    fee_user_type: int = 2
    fee_terminal_id: str = ""
    tp_pid: int = 0
    tp_udhi: int = 0
    msg_fmt: int = 8
    fee_type: str = "01"
    fee_code: str = "000000"
    valid_time: str = ""
    at_time: str = ""


@dataclass(frozen=True, slots=True)
class SubmitResp:
    """Result 0 ok; the others are in the specification, 100-199 belong to the vendor. `msg_id` is the gateway's."""

    msg_id: int
    result: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """From the gateway: a subscriber's message, or a status report (`registered_delivery` 1) with `content` packed."""

    msg_id: int
    dest_id: str
    src_terminal_id: str
    content: bytes
    service_id: str = ""
    tp_pid: int = 0
    tp_udhi: int = 0
    msg_fmt: int = 8
    registered_delivery: int = 0


@dataclass(frozen=True, slots=True)
class DeliverResp:
    """Echoes the id of the DELIVER; result 0 means that the gateway may forget it, 8 that it shall come later."""

    msg_id: int
    result: int


@dataclass(frozen=True, slots=True)
class ActiveTest:
    """Is anybody there."""


@dataclass(frozen=True, slots=True)
class ActiveTestResp:
    """Yes."""


@dataclass(frozen=True, slots=True)
class Terminate:
    """The last request on a line."""


@dataclass(frozen=True, slots=True)
class TerminateResp:
    """The last response on a line."""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The content of a DELIVER with `registered_delivery` 1. `msg_id` is that of the SUBMIT_RESP; times are YYMMDDHHMM."""

    msg_id: int
    stat: str
    submit_time: str
    done_time: str
    dest_terminal_id: str
    smsc_sequence: int = 0


Request = Connect | Submit | Deliver | ActiveTest | Terminate
Response = ConnectResp | SubmitResp | DeliverResp | ActiveTestResp | TerminateResp
Pdu = Request | Response
