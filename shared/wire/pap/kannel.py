"""Kannel's own way to tell what became of a push, since it sends no result notifications: HTTP headers that ask for
call-backs, and the call-backs (Kannel user guide 1.4.5, "delivery reports")."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from shared.wire.pap.errors import FieldError, UnreadableError
from shared.wire.pap.forms import number_in
from shared.wire.pap.messages import MessageState

_PUSH_ID, _KIND, _NUMBER = "pid", "type", "to"
_MAX_PUSH_ID = 255


class Report(IntFlag):
    """Kannel's %d: one of these in each call-back."""

    DELIVERED = 1
    UNDELIVERED = 2
    BUFFERED = 4
    TAKEN_BY_SMSC = 8
    REFUSED_BY_SMSC = 16


ALL_REPORTS: Final = Report(31)
_STATES = {
    Report.DELIVERED: MessageState.DELIVERED,
    Report.UNDELIVERED: MessageState.UNDELIVERABLE,
    Report.BUFFERED: MessageState.PENDING,
    Report.TAKEN_BY_SMSC: MessageState.PENDING,
    Report.REFUSED_BY_SMSC: MessageState.REJECTED,
}


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What Kannel says of a push to one number (with its `+`; empty where Kannel does not tell)."""

    push_id: str
    state: MessageState
    number: str


def report_headers(callback_url: str, push_id: str, *, smsbox: str) -> dict[str, str]:
    """Return the HTTP headers that make Kannel call `callback_url` back about a push. Raises FieldError.

    `smsbox` names the box that calls back; without one Kannel says nothing.
    """
    if not callback_url.startswith(("http://", "https://")) or "?" in callback_url:
        raise FieldError("callback_url", f"is {callback_url!r}, a URL of http or https without a query expected")
    if not smsbox:
        raise FieldError("smsbox", "is empty, the id of a smsbox expected")
    if not 0 < len(push_id) <= _MAX_PUSH_ID:
        raise FieldError("push_id", f"has {len(push_id)} characters, 1 to {_MAX_PUSH_ID} expected")
    # Kannel fills in whatever follows a percent sign, so that the usual quoting is out of the question.
    quoted = urlsafe_b64encode(push_id.encode()).decode("ascii").rstrip("=")
    return {
        "X-Kannel-DLR-Url": f"{callback_url}?{_PUSH_ID}={quoted}&{_KIND}=%d&{_NUMBER}=%p",
        "X-Kannel-DLR-Mask": str(int(ALL_REPORTS)),
        "X-Kannel-Smsbox-Id": smsbox,
    }


def read_report(query: Mapping[str, str]) -> DeliveryReport:
    """Read the query of a call-back, already unquoted. Raises UnreadableError."""
    push_id, kind = _unquoted(query.get(_PUSH_ID, "")), query.get(_KIND, "")
    state = _STATES.get(Report(int(kind))) if kind.isascii() and kind.isdigit() and len(kind) <= 2 else None
    if state is None:
        raise UnreadableError(f"a delivery report of type {kind[:10]!r}, 1, 2, 4, 8 or 16 expected")
    return DeliveryReport(push_id, state, _number(query.get(_NUMBER, "")))


def _unquoted(quoted: str) -> str:
    try:
        push_id = urlsafe_b64decode(quoted.encode("ascii") + b"=" * (-len(quoted) % 4)).decode()
    except ValueError:
        push_id = ""
    if not push_id:
        raise UnreadableError("a delivery report without a push id of ours")
    return push_id


def _number(told: str) -> str:
    # A + that Kannel did not quote has become a blank.
    bare = told.strip()
    return number_in(f"WAPPUSH=+{bare.removeprefix('+')}/TYPE=PLMN@kannel") or ""
