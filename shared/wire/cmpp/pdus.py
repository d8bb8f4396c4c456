"""The PDUs of CMPP 2.0 and 3.0 as values; field names follow the specification (QB-GF-028, chapter 8).

Fields that only 3.0 has keep their default on a line of 2.0, where the encoder refuses any other value.
"""

from dataclasses import dataclass

from shared.wire.cmpp.versions import Version


@dataclass(frozen=True, slots=True)
class Connect:
    """Login of an SP. `timestamp` is MMDDHHMMSS as a number, so that it has nine digits from January to September."""

    source_addr: str
    authenticator_source: bytes
    timestamp: int
    version: int = Version.CMPP_2


@dataclass(frozen=True, slots=True)
class ConnectResp:
    """Status 0 ok, 1 bad structure, 2 illegal source, 3 authentication failed, 4 version too high, other. `version` is
    the highest that the gateway speaks."""

    status: int
    authenticator_ismg: bytes = bytes(16)
    version: int = Version.CMPP_2


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
    fee_terminal_type: int = 0
    dest_terminal_type: int = 0
    link_id: str = ""


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
    src_terminal_type: int = 0
    link_id: str = ""


@dataclass(frozen=True, slots=True)
class DeliverResp:
    """Echoes the id of the DELIVER; result 0 means that the gateway may forget it, 8 that it shall come later."""

    msg_id: int
    result: int


@dataclass(frozen=True, slots=True)
class Query:
    """How many messages were sent on a day (`time`, YYYYMMDD): in all, or (`query_type` 1) of service `query_code`."""

    time: str
    query_type: int = 0
    query_code: str = ""


@dataclass(frozen=True, slots=True)
class QueryResp:
    """Counts of one day: MT as taken from the SP (messages, people), delivered, waiting, failed; MO as brought to it."""

    time: str
    query_type: int
    query_code: str
    mt_tl_msg: int
    mt_tl_usr: int
    mt_scs: int
    mt_wt: int
    mt_fl: int
    mo_scs: int
    mo_wt: int
    mo_fl: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take back a message that the gateway has not passed on yet."""

    msg_id: int


@dataclass(frozen=True, slots=True)
class CancelResp:
    """`success_id` 0: taken back; 1: too late, or unknown."""

    success_id: int


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


@dataclass(frozen=True, slots=True)
class Fwd:
    """A message between gateways. An SP never gets one; it is known here so that its octets can be told from garbage."""

    source_id: str
    destination_id: str
    src_id: str
    dest_terminal_ids: tuple[str, ...]
    content: bytes
    msg_src: str
    service_id: str
    nodes_count: int = 0
    msg_fwd_type: int = 0
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
    fee_terminal_pseudo: str = ""
    fee_terminal_user_type: int = 0
    src_pseudo: str = ""
    src_user_type: int = 0
    src_type: int = 0
    dest_pseudo: str = ""
    dest_user_type: int = 0
    link_id: str = ""


@dataclass(frozen=True, slots=True)
class FwdResp:
    """The answer to a FWD, part by part."""

    msg_id: int
    pk_total: int
    pk_number: int
    result: int


Request = Connect | Submit | Deliver | Query | Cancel | Fwd | ActiveTest | Terminate
Response = ConnectResp | SubmitResp | DeliverResp | QueryResp | CancelResp | FwdResp | ActiveTestResp | TerminateResp
Pdu = Request | Response
