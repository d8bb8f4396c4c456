"""What the simulated gateways received, for people: their journals, with numbers masked."""

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from services.sandbox.gateway.admission import Result
from services.sandbox.gateway.journal import Received, read_journal
from services.sandbox.mail.journal import ReceivedMail, read_mail_journal
from services.sandbox.ppg.journal import ReceivedPush, read_push_journal
from shared.clock import LEGAL_ZONE
from shared.errors import NotFound
from shared.jsontypes import JsonObject
from shared.observability.masking import mask_msisdn, mask_text
from shared.wire.pap.codes import Code

_RESULTS = {
    Result.TAKEN: "taken",
    Result.FLOW_CONTROL: "too busy",
    Result.DESTINATION: "number not served",
}
_CODES = {
    Code.ACCEPTED: "taken",
    Code.SERVICE_UNAVAILABLE: "too busy",
    Code.ADDRESS_NOT_FOUND: "number not served",
    Code.DUPLICATE_PUSH_ID: "known already",
    Code.FORBIDDEN: "too late",
}
_SMTP_CODES = {250: "taken", 451: "too busy", 452: "mailbox full", 550: "no such mailbox"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a gateway was handed, as a line and as a JSON object."""

    line: str
    as_json: JsonObject


def latest(path: Path, count: int, *, number_ends_with: str = "") -> Sequence[Entry]:
    """Return the last `count` SUBMITs of a journal, masked, in the order received. Raises NotFound."""
    _must_be_there(path)
    found = (received for received in read_journal(path) if received.dest.endswith(number_ends_with))
    masked = (
        replace(received, dest=mask_msisdn(received.dest), content=mask_text(received.content))
        for received in deque(found, maxlen=count)
    )
    return [Entry(_sms_line(received), asdict(received)) for received in masked]


def latest_pushes(path: Path, count: int, *, number_ends_with: str = "") -> Sequence[Entry]:
    """Return the last `count` WAP pushes and cancellations of a journal likewise. Raises NotFound."""
    _must_be_there(path)
    found = (received for received in read_push_journal(path) if received.dest.endswith(number_ends_with))
    masked = (
        replace(received, dest=mask_msisdn(received.dest), content=mask_text(received.content))
        for received in deque(found, maxlen=count)
    )
    return [Entry(_push_line(received), asdict(received)) for received in masked]


def latest_mails(path: Path, count: int, *, number_ends_with: str = "") -> Sequence[Entry]:
    """Return the last `count` mails of a journal likewise. Raises NotFound."""
    _must_be_there(path)
    found = (received for received in read_mail_journal(path) if received.dest.endswith(number_ends_with))
    masked = (
        replace(
            received,
            sender=mask_text(received.sender),
            dest=mask_msisdn(received.dest),
            subject=mask_text(received.subject),
            text=mask_text(received.text),
        )
        for received in deque(found, maxlen=count)
    )
    return [Entry(_mail_line(received), asdict(received)) for received in masked]


def _must_be_there(path: Path) -> None:
    if not path.exists():
        raise NotFound(f"a journal of the simulated gateway ({path}; `visavis sandbox serve` keeps it)")


def _sms_line(received: Received) -> str:
    """Return when, to whom, what the gateway said, which part, and the text."""
    said = _RESULTS.get(Result(received.result)) if received.result in list(Result) else None
    part = f" {received.part}/{received.parts}" if received.parts > 1 else ""
    words = said or f"refused ({received.result})"
    return f"{_at(received.time)}  {received.dest}  CMPP {received.version}  {words}{part}  {received.content}"


def _push_line(received: ReceivedPush) -> str:
    """Return when, to whom, what the gateway said, the text and the link."""
    if received.is_cancel:
        words = "taken back" if received.code == Code.OK else f"not taken back ({received.code})"
        return f"{_at(received.time)}  {received.dest}  PAP 2.0  {words}  {received.push_id}"
    said = _CODES.get(Code(received.code)) if received.code in list(Code) else None
    words = said or f"refused ({received.code})"
    return f"{_at(received.time)}  {received.dest}  PAP 2.0  {words}  {received.content} {received.href}".rstrip()


def _mail_line(received: ReceivedMail) -> str:
    """Return when, to whom, what the gateway said, the subject and the first line."""
    words = _SMTP_CODES.get(received.code, f"refused ({received.code})")
    first = received.text.partition("\n")[0].strip()
    return f"{_at(received.time)}  {received.dest}  SMTP  {words}  {received.subject}  {first}".rstrip()


def _at(time: str) -> str:
    return f"{datetime.fromisoformat(time).astimezone(LEGAL_ZONE):%Y-%m-%d %H:%M:%S}"
