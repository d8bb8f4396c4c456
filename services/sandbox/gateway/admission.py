"""Decides which SUBMITs the gateway takes, and with which Result of the specification it refuses the others."""

from dataclasses import dataclass, field
from enum import IntEnum

from shared.wire.cmpp.errors import DecodeError
from shared.wire.cmpp.message_layout import MAX_CONTENT
from shared.wire.cmpp.pdus import Submit
from shared.wire.cmpp.terminals import national_number
from shared.wire.cmpp.texts import GBK, UCS2
from shared.wire.cmpp.times import parse_absolute_time
from shared.wire.cmpp.versions import Version

_ASCII = 0


class Result(IntEnum):
    """Results of SUBMIT_RESP that this gateway gives."""

    TAKEN = 0
    STRUCTURE = 1
    LENGTH = 4
    TOO_LONG = 6
    SERVICE_ID = 7
    FLOW_CONTROL = 8
    SRC_ID = 10
    MSG_SRC = 11
    DESTINATION = 13


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """An SP known to the gateway: its secret, its service code, the number that its Src_Ids begin with, and the highest
    version of the protocol that the gateway speaks with it."""

    sp_id: str
    secret: str = field(repr=False)
    service_id: str
    src_id: str
    version: Version = Version.CMPP_2


def admit(submit: Submit, account: GatewayAccount) -> Result:
    """Check a SUBMIT against the account; this gateway takes one destination at a time."""
    if submit.msg_src != account.sp_id:
        return Result.MSG_SRC
    if submit.service_id != account.service_id:
        return Result.SERVICE_ID
    if not submit.src_id.startswith(account.src_id):
        return Result.SRC_ID
    if len(submit.dest_terminal_ids) != 1:
        return Result.LENGTH
    if national_number(submit.dest_terminal_ids[0]) is None:
        return Result.DESTINATION
    return _admit_content(submit)


def _admit_content(submit: Submit) -> Result:
    if submit.msg_fmt not in {_ASCII, UCS2, GBK}:
        return Result.STRUCTURE
    if submit.msg_fmt != _ASCII and len(submit.content) > MAX_CONTENT:
        return Result.TOO_LONG
    try:
        if submit.valid_time:
            parse_absolute_time(submit.valid_time)
    except DecodeError:
        return Result.STRUCTURE
    return Result.TAKEN
