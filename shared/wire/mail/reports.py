"""What a mail that came back says: a report on a delivery (RFC 3464), a complaint (RFC 5965), or words of a person.

Nothing in it can be trusted to be well formed. Who it is about is not read from it: that says the signed address it came to.
"""

import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from enum import StrEnum
from html.parser import HTMLParser
from typing import TypeAlias

from shared.wire.mail.replies import MailStatus, read_status

MOST_OCTETS = 65_536
"""What is read of a mail. The report comes before the mail that it is about; a person's answer comes first of all."""

_MOST_TEXT = 1000
_STATUS_IN_TEXT = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")
_CHARSETS = frozenset({"utf-8", "us-ascii", "gb18030", "big5", "iso-8859-1", "windows-1252", "utf-16"})
_CODE_IN_TEXT = re.compile(r"\b(?:550|551|553|554)\b")


class Action(StrEnum):
    """What became of a delivery (RFC 3464, 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A delivery's end, or that it takes longer. `status` is 5.0.0 or 4.0.0 where the report has none."""

    action: Action
    status: MailStatus
    diagnostic: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """The recipient called the mail a nuisance."""

    kind: str


@dataclass(frozen=True, slots=True)
class PersonsWords:
    """The first line that a person wrote, and their mail's Message-ID, empty where it has none."""

    line: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing that has to be acted on: a machine's courtesy, or a mail that cannot be read."""

    why: str


CameBack: TypeAlias = DeliveryReport | Complaint | PersonsWords | Unclear


def read_mail(octets: bytes, *, from_nobody: bool) -> CameBack:
    """Read a mail that came back; `from_nobody`: its envelope's sender is empty, as that of every bounce. Never raises."""
    try:
        mail = BytesParser(policy=compat32).parsebytes(octets[:MOST_OCTETS])
        return _read(mail, from_nobody=from_nobody)
    except Exception as broken:  # noqa: BLE001 - nothing that strangers write may stop who reads it
        return Unclear(f"not to be read: {type(broken).__name__}")


def _read(mail: Message, *, from_nobody: bool) -> CameBack:
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            return _delivery_report(part)
        if part.get_content_type() == "message/feedback-report":
            return Complaint(_field(part, "Feedback-Type").lower() or "abuse")
    text = _text(mail)
    if from_nobody:
        return _loose_report(text)
    if (_word(mail, "Auto-Submitted") or "no") != "no" or _word(mail, "Precedence") in {"bulk", "auto_reply", "junk"}:
        return Unclear("answered by a machine")
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return PersonsWords(line[:_MOST_TEXT], _word(mail, "Message-ID")[:_MOST_TEXT])


def _delivery_report(part: Message) -> DeliveryReport | Unclear:
    """Return the worst of what is said; there is one recipient in each of our mails, but a forwarder may have had more."""
    found = [each for block in _blocks(part) if (each := _recipient_report(block)) is not None]
    if not found:
        return Unclear("a report without an action or a status")
    return min(found, key=lambda each: list(Action).index(each.action))


def _recipient_report(block: Message) -> DeliveryReport | None:
    said, diagnostic = _word(block, "Action"), _field(block, "Diagnostic-Code")
    status = read_status(_field(block, "Status")) or _status_in(diagnostic)
    if said not in list(Action):
        if status is None or not block.get("Final-Recipient"):
            return None
        said = Action.FAILED if status.kind == 5 else Action.DELAYED
    action = Action(said)
    unknown = MailStatus(5 if action is Action.FAILED else 4 if action is Action.DELAYED else 2, 0, 0)
    return DeliveryReport(action, status or unknown, diagnostic[:_MOST_TEXT])


def _loose_report(text: str) -> DeliveryReport | Unclear:
    """Read a bounce of the time before there were reports, by the first status in it."""
    status = _status_in(text)
    if status is None:
        return Unclear("from nobody, and no report")
    action = Action.FAILED if status.kind == 5 else Action.DELAYED
    return DeliveryReport(
        action, status, next((line for line in text.splitlines() if str(status) in line), "")[:_MOST_TEXT]
    )


def _status_in(text: str) -> MailStatus | None:
    match = _STATUS_IN_TEXT.search(text)
    if match is not None:
        return read_status(match[0])
    return MailStatus(5, 0, 0) if _CODE_IN_TEXT.search(text) else None


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []


def _field(block: Message, name: str) -> str:
    """Return a field as one line, without the type that stands before a semicolon in some (`smtp; 550 …`)."""
    value = " ".join(str(block.get(name, "")).split())
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and kind.strip().isalnum() else value


def _word(block: Message, name: str) -> str:
    return str(block.get(name, "")).partition(";")[0].strip().lower()


def _text(mail: Message) -> str:
    """Return the first text of a mail, of HTML what it shows."""
    texts = [part for part in mail.walk() if part.get_content_maintype() == "text"]
    plain = next((part for part in texts if part.get_content_subtype() == "plain"), None)
    part = plain or next(iter(texts), None)
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else b""
    text = octets.decode(_charset(part), "replace")
    return text if plain else _shown(text)


def _charset(part: Message) -> str:
    """Return the codec of a part; people who say GB2312 write all of GB18030."""
    name = (part.get_content_charset() or "utf-8").lower()
    return "gb18030" if name in {"gb2312", "gbk"} else name if name in _CHARSETS else "utf-8"


class _Shown(HTMLParser):
    """Collects what a page shows."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"br", "p", "div", "blockquote", "tr"}:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        self.lines[-1] += " ".join(data.split())


def _shown(html: str) -> str:
    shown = _Shown()
    shown.feed(html)
    return "\n".join(shown.lines)
