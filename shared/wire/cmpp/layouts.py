"""The layout of every body in each version (specification chapter 8; what changed from 2.0 to 3.0: chapter 12)."""

import re
from collections.abc import Callable
from typing import Any

from shared.wire.cmpp.errors import FieldError
from shared.wire.cmpp.layout import Either, Form, Layout, Octets, RecurringLayout, Text, Unsigned
from shared.wire.cmpp.message_layout import MessageLayout
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
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
)
from shared.wire.cmpp.versions import Version

Check = Callable[[Any], None]
BodyLayout = Layout | Either | MessageLayout

_NUMBER = Form(re.compile(r"\+?[0-9]+"), "digits with or without a leading +")
_DIGITS = Form(re.compile(r"[0-9]*"), "digits")
_TIME = Form(re.compile(r"([0-9]{15}[+\-R])?"), "nothing or YYMMDDhhmmsstnnp")
_DAY = Form(re.compile(r"[0-9]{8}"), "YYYYMMDD")
_MINUTE = Form(re.compile(r"([0-9]{10})?"), "nothing or YYMMDDHHMM")
_STAT = Form(re.compile(r"[A-Z0-9:]{1,7}"), "a word of the specification's table 1, such as DELIVRD or MA:0001")
_FLAG = range(2)
_CODINGS = frozenset({0, 3, 4, 8, 15})
_PARTS = (Unsigned("pk_total", 1, range(1, 256)), Unsigned("pk_number", 1, range(1, 256)))
_CODING = (Unsigned("tp_pid", 1), Unsigned("tp_udhi", 1, _FLAG), Unsigned("msg_fmt", 1, _CODINGS))
_TARIFF = (
    Text("msg_src", 6),
    Text("fee_type", 2, _DIGITS),
    Text("fee_code", 6, _DIGITS),
    Text("valid_time", 17, _TIME),
    Text("at_time", 17, _TIME),
    Text("src_id", 21, _DIGITS),
)
_LINK = Text("link_id", 20)
_DESTINATION = Text("dest_terminal_ids", 21, _NUMBER, private=True)
_WIDE_DESTINATION = Text("dest_terminal_ids", 32, _NUMBER, private=True)
_TERMINAL_OCTETS = {Version.CMPP_2: 21, Version.CMPP_3: 32}


def _check_parts(pdu: Any) -> None:
    if pdu.pk_number > pdu.pk_total:
        raise FieldError("pk_number", f"is {pdu.pk_number}, at most pk_total ({pdu.pk_total}) expected")


def _only_in_3(**defaults: object) -> Check:
    def check(pdu: Any) -> None:
        for name, default in defaults.items():
            if getattr(pdu, name) != default:
                raise FieldError(name, f"is set, {default!r} expected: CMPP 2.0 has no such field")

    return check


def _in_order(*checks: Check) -> Check:
    def check(pdu: Any) -> None:
        for each in checks:
            each(pdu)

    return check


def _handling(version: Version) -> tuple[Unsigned | Text, ...]:
    """Return the fields that SUBMIT and FWD share; Registered_Delivery 2 (a ticket of the SMSC) ended with 2.0."""
    tickets = range(3) if version is Version.CMPP_2 else _FLAG
    return (
        *_PARTS,
        Unsigned("registered_delivery", 1, tickets),
        Unsigned("msg_level", 1, range(10)),
        Text("service_id", 10),
        Unsigned("fee_user_type", 1, range(4)),
    )


def _submit(version: Version) -> MessageLayout:
    octets = _TERMINAL_OCTETS[version]
    before = (Unsigned("msg_id", 8), *_handling(version), Text("fee_terminal_id", octets, private=True))
    if version is Version.CMPP_2:
        check = _in_order(_check_parts, _only_in_3(fee_terminal_type=0, dest_terminal_type=0, link_id=""))
        return MessageLayout(RecurringLayout(*before, *_CODING, *_TARIFF), destination=_DESTINATION, check=check)
    head = RecurringLayout(*before, Unsigned("fee_terminal_type", 1, _FLAG), *_CODING, *_TARIFF)
    after = Layout(Unsigned("dest_terminal_type", 1, _FLAG))
    # A pseudonym instead of a number has no form that the specification would give.
    destination = Text("dest_terminal_ids", octets, private=True)
    return MessageLayout(
        head, destination=destination, after=after, link=_LINK, check=_in_order(_check_parts, _numbers)
    )


def _numbers(pdu: Any) -> None:
    if pdu.dest_terminal_type == 0:
        for each in pdu.dest_terminal_ids:
            _WIDE_DESTINATION.to_wire(each)


def _deliver(version: Version) -> MessageLayout:
    source = Text("src_terminal_id", _TERMINAL_OCTETS[version], private=True)
    head = (Unsigned("msg_id", 8), Text("dest_id", 21), Text("service_id", 10), *_CODING, source)
    is_report = Unsigned("registered_delivery", 1, _FLAG)
    if version is Version.CMPP_2:
        return MessageLayout(Layout(*head, is_report), check=_only_in_3(src_terminal_type=0, link_id=""))
    return MessageLayout(Layout(*head, Unsigned("src_terminal_type", 1, _FLAG), is_report), link=_LINK)


def _forward(version: Version) -> MessageLayout:
    route = (
        Text("source_id", 6),
        Text("destination_id", 6),
        Unsigned("nodes_count", 1),
        Unsigned("msg_fwd_type", 1),
        Unsigned("msg_id", 8),
    )
    handling = (*_handling(version), Text("fee_terminal_id", 21, private=True))
    if version is Version.CMPP_2:
        pseudonyms = {"fee_terminal_pseudo": "", "src_pseudo": "", "dest_pseudo": "", "link_id": ""}
        kinds = {"fee_terminal_user_type": 0, "src_user_type": 0, "src_type": 0, "dest_user_type": 0}
        check = _in_order(_check_parts, _only_in_3(**pseudonyms, **kinds))
        return MessageLayout(Layout(*route, *handling, *_CODING, *_TARIFF), destination=_DESTINATION, check=check)
    fee = (Text("fee_terminal_pseudo", 32, private=True), Unsigned("fee_terminal_user_type", 1))
    source = (Text("src_pseudo", 32, private=True), Unsigned("src_user_type", 1), Unsigned("src_type", 1))
    after = Layout(Text("dest_pseudo", 32, private=True), Unsigned("dest_user_type", 1))
    head = Layout(*route, *handling, *fee, *_CODING, *_TARIFF, *source)
    return MessageLayout(head, destination=_DESTINATION, after=after, link=_LINK, check=_check_parts)


def _connect_resp(status_octets: int) -> Layout:
    return Layout(Unsigned("status", status_octets), Octets("authenticator_ismg", 16), Unsigned("version", 1))


def _message_result(octets: int) -> Layout:
    return Layout(Unsigned("msg_id", 8), Unsigned("result", octets))


def _forward_result(octets: int) -> Layout:
    return Layout(Unsigned("msg_id", 8), *_PARTS, Unsigned("result", octets))


_COUNTS = ("mt_tl_msg", "mt_tl_usr", "mt_scs", "mt_wt", "mt_fl", "mo_scs", "mo_wt", "mo_fl")
_DAY_AND_SERVICE = (Text("time", 8, _DAY), Unsigned("query_type", 1, _FLAG), Text("query_code", 10))
_ALIKE: dict[type[Pdu], BodyLayout] = {
    Connect: Layout(
        Text("source_addr", 6), Octets("authenticator_source", 16), Unsigned("version", 1), Unsigned("timestamp", 4)
    ),
    Query: Layout(*_DAY_AND_SERVICE, reserved=8),
    QueryResp: Layout(*_DAY_AND_SERVICE, *(Unsigned(name, 4) for name in _COUNTS)),
    Cancel: Layout(Unsigned("msg_id", 8)),
    ActiveTest: Layout(),
    ActiveTestResp: Layout(reserved=1),
    Terminate: Layout(),
    TerminateResp: Layout(),
}
LAYOUTS: dict[Version, dict[type[Pdu], BodyLayout]] = {
    Version.CMPP_2: {
        **_ALIKE,
        ConnectResp: Either(_connect_resp(1), _connect_resp(4)),
        Submit: _submit(Version.CMPP_2),
        SubmitResp: _message_result(1),
        Deliver: _deliver(Version.CMPP_2),
        DeliverResp: _message_result(1),
        CancelResp: Layout(Unsigned("success_id", 1)),
        Fwd: _forward(Version.CMPP_2),
        FwdResp: _forward_result(1),
    },
    Version.CMPP_3: {
        **_ALIKE,
        ConnectResp: Either(_connect_resp(4), _connect_resp(1)),
        Submit: _submit(Version.CMPP_3),
        SubmitResp: Either(_message_result(4), _message_result(1)),
        Deliver: _deliver(Version.CMPP_3),
        DeliverResp: Either(_message_result(4), _message_result(1)),
        CancelResp: Either(Layout(Unsigned("success_id", 4)), Layout(Unsigned("success_id", 1))),
        Fwd: _forward(Version.CMPP_3),
        FwdResp: Either(_forward_result(4), _forward_result(1)),
    },
}

_REPORT_HEAD = (
    Unsigned("msg_id", 8),
    Text("stat", 7, _STAT),
    Text("submit_time", 10, _MINUTE),
    Text("done_time", 10, _MINUTE),
)
REPORT_LAYOUTS = {
    version: Layout(*_REPORT_HEAD, Text("dest_terminal_id", octets, private=True), Unsigned("smsc_sequence", 4))
    for version, octets in _TERMINAL_OCTETS.items()
}
