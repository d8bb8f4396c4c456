"""A letter with a text and an HTML part, and the headers that mail to many must have, as the octets that go over the wire.

The same letter always becomes the same octets. Everything is seven bits wide, in lines that no relay on the way has a reason
to break, and a signature with them. The standard library's own writer puts long links into encoded words: it is not used.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

from shared.wire.mail.errors import FieldError

_LONGEST_LINE = 998
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_ATOM_TEXT = re.compile(r"[A-Za-z0-9 ]+")
_BASE64_LINE = 57
"""Octets that make 76 characters."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to one person. Addresses are bare (`name@domain`); `unsubscribe_link` takes RFC 8058's POST.

    `list_name` and `list_id` say which mailing it belongs to (RFC 2919), `feedback_id` under which key complaints of it are
    to be counted.
    """

    sender_name: str
    sender: str
    recipient: str
    reply_to: str
    subject: str
    text: str
    html: str
    message_id: str
    sent_at: datetime
    unsubscribe_link: str
    unsubscribe_address: str
    list_name: str
    list_id: str
    feedback_id: str


def compose(letter: Letter) -> bytes:
    """Return the letter with CRLF at the end of each line. Raises FieldError for what no header can carry."""
    boundary = f"=_{hashlib.sha256(_plain('message_id', letter.message_id).encode()).hexdigest()[:32]}"
    head = [_header(name, value) for name, value in _headers(letter, boundary)]
    parts = [
        f"--{boundary}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{_base64(body)}"
        for kind, body in (("text/plain", letter.text), ("text/html", letter.html))
    ]
    return "".join([*head, "\r\n", *parts, f"--{boundary}--\r\n"]).encode("ascii")


def _headers(letter: Letter, boundary: str) -> Iterator[tuple[str, str]]:
    yield "From", f"{_words('From', letter.sender_name)} <{_plain('sender', letter.sender)}>"
    yield "To", _plain("recipient", letter.recipient)
    yield "Reply-To", _plain("reply_to", letter.reply_to)
    yield "Subject", _words("Subject", letter.subject)
    yield "Date", format_datetime(letter.sent_at)
    yield "Message-ID", f"<{_plain('message_id', letter.message_id)}>"
    link = _plain("unsubscribe_link", letter.unsubscribe_link)
    address = _plain("unsubscribe_address", letter.unsubscribe_address)
    yield "List-Unsubscribe", f"<{link}>,\r\n <mailto:{address}?subject=unsubscribe>"
    yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "List-Id", f"{_words('List-Id', letter.list_name)} <{_plain('list_id', letter.list_id)}>"
    yield "Precedence", "bulk"
    yield "Auto-Submitted", "auto-generated"
    yield "Feedback-ID", _plain("feedback_id", letter.feedback_id)
    yield "MIME-Version", "1.0"
    yield "Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'


def _header(name: str, value: str) -> str:
    line = f"{name}: {value}\r\n"
    if any(len(part) > _LONGEST_LINE for part in line.split("\r\n")):
        raise FieldError(name, f"takes more than the {_LONGEST_LINE} octets that a line may have")
    return line


def _plain(field: str, value: str) -> str:
    """Return a value that stands in a header as it is."""
    if not value or not value.isascii() or _CONTROL.search(value) or set(value) & set("<> ,"):
        raise FieldError(field, "expected ASCII without blanks, commas, angle brackets or control characters")
    return value


def _words(name: str, text: str) -> str:
    """Return a text for people, in encoded words where it is more than letters, digits and blanks (RFC 2047)."""
    if _CONTROL.search(text):
        raise FieldError(name, "has control characters, line ends or halves of characters")
    if _ATOM_TEXT.fullmatch(text) and len(text) < _BASE64_LINE:
        return text
    return Header(text, "utf-8", maxlinelen=75, header_name=name).encode(linesep="\r\n")


def _base64(text: str) -> str:
    octets = "".join(f"{line}\r\n" for line in text.splitlines()).encode("utf-8", "replace")
    lines = (octets[start : start + _BASE64_LINE] for start in range(0, len(octets), _BASE64_LINE))
    return "".join(f"{base64.b64encode(line).decode()}\r\n" for line in lines)
