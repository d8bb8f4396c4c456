"""The body of a push: multipart/related, the control document first, then what the telephone gets."""

import hashlib
import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Final

from shared.wire.pap import documents
from shared.wire.pap.errors import UnreadableError
from shared.wire.pap.indication import CONTENT_TYPE as INDICATION_TYPE
from shared.wire.pap.indication import ServiceIndication, write_indication
from shared.wire.pap.messages import PushMessage
from shared.wire.pap.xml import MAX_OCTETS

MAX_BODY: Final = 4 * MAX_OCTETS
_MAX_PARTS = 4
_MAX_HEADERS = 4096
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n|\A\r?\n")


@dataclass(frozen=True, slots=True)
class Push:
    """A push as its gateway gets it: the control document, and the content with its media type."""

    message: PushMessage
    content_type: str
    content: bytes


def write_push(message: PushMessage, indication: ServiceIndication) -> tuple[str, bytes]:
    """Return the Content-Type and the body to POST. Headers of the content would travel to the telephone: it has none
    but its type. Raises FieldError."""
    parts = [(documents.CONTENT_TYPE, documents.write(message)), (INDICATION_TYPE, write_indication(indication))]
    boundary = hashlib.sha256(b"".join(content for _, content in parts)).hexdigest()[:32]
    written = [
        f"--{boundary}\r\nContent-Type: {media_type}\r\n\r\n".encode() + content + b"\r\n"
        for media_type, content in parts
    ]
    content_type = f'multipart/related; boundary="{boundary}"; type="{documents.CONTENT_TYPE}"'
    return content_type, b"".join(written) + f"--{boundary}--\r\n".encode()


def read_push(content_type: str, body: bytes) -> Push:
    """Read what a push initiator POSTed. Raises UnreadableError, whose `code` says what to answer."""
    if len(body) > MAX_BODY:
        raise UnreadableError(f"a push of {len(body)} octets, at most {MAX_BODY} expected")
    parts = _parts(body, _boundary(content_type))
    if len(parts) < 2:
        raise UnreadableError(f"a push in {len(parts)} part(s), a control document and a content expected")
    message = documents.read(parts[0][1])
    if not isinstance(message, PushMessage):
        raise UnreadableError(f"{type(message).__name__} as the control document of a push")
    return Push(message, *parts[1])


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["Content-Type"] = " ".join(content_type.split())
    boundary = header.get_boundary()
    if not header.get_content_type().startswith("multipart/") or not boundary or not boundary.isascii():
        raise UnreadableError("not of type multipart/related with a boundary")
    return boundary.encode("ascii")


def _parts(body: bytes, boundary: bytes) -> list[tuple[str, bytes]]:
    """Return media type and content of the first parts; what comes before the first and after the last is no part."""
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    parts: list[tuple[str, bytes]] = []
    start: int | None = None
    for found in delimiter.finditer(body):
        if start is not None:
            parts.append(_part(body[start : found.start()]))
        if found[1] or len(parts) == _MAX_PARTS:
            return parts
        start = found.end()
    raise UnreadableError("the last part does not end: has the line been cut?")


def _part(octets: bytes) -> tuple[str, bytes]:
    octets = octets.removeprefix(b"\r").removeprefix(b"\n")
    end = _END_OF_HEADERS.search(octets, 0, _MAX_HEADERS)
    if end is None:
        raise UnreadableError("a part without an empty line after its headers")
    header = BytesHeaderParser().parsebytes(octets[: end.start()])
    return header.get_content_type(), octets[end.end() :]
