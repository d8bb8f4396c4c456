"""Service indications as WBXML 1.2 (WAP-192), the form in which a gateway sends them on: what counts how long they are."""

from datetime import UTC, datetime

from shared.wire.pap.errors import FieldError
from shared.wire.pap.indication import Action, ServiceIndication, check

_END, _INLINE, _OPAQUE = b"\x01", 0x03, 0xC3
_UTF_8 = 0x6A
_VERSION = 0x02
_ACTIONS = {Action.NONE: 0x05, Action.LOW: 0x06, Action.MEDIUM: 0x07, Action.HIGH: 0x08, Action.DELETE: 0x09}
# Longest first: the first that fits is taken.
_SCHEMES = (("https://www.", 0x0F), ("https://", 0x0E), ("http://www.", 0x0D), ("http://", 0x0C), ("", 0x0B))
_DOMAINS = {".com/": 0x85, ".edu/": 0x86, ".net/": 0x87, ".org/": 0x88}


def encode_indication(indication: ServiceIndication) -> bytes:
    """Return an indication of type application/vnd.wap.sic. Raises FieldError."""
    check(indication)
    attributes = b""
    if indication.href:
        attributes += _link(indication.href)
    if indication.si_id:
        attributes += b"\x11" + _inline("si-id", indication.si_id)
    for token, name, instant in ((b"\x0a", "created", indication.created), (b"\x10", "si-expires", indication.expires)):
        if instant is not None:
            attributes += token + _date(name, instant)
    attributes += bytes((_ACTIONS[indication.action],))
    text = _inline("text", indication.text)
    return bytes((_VERSION, 0x05, _UTF_8, 0x00, 0x45, 0xC6)) + attributes + _END + text + _END + _END


def _link(href: str) -> bytes:
    scheme, token = next(each for each in _SCHEMES if href.startswith(each[0]))
    rest = href.removeprefix(scheme)
    cuts = [(rest.find(domain), domain) for domain in _DOMAINS if domain in rest]
    if not cuts:
        return bytes((token,)) + _inline("href", rest)
    at, domain = min(cuts)
    before, after = rest[:at], rest[at + len(domain) :]
    octets = bytes((token,)) + (_inline("href", before) if before else b"") + bytes((_DOMAINS[domain],))
    return octets + (_inline("href", after) if after else b"")


def _inline(field: str, text: str) -> bytes:
    if "\0" in text:
        raise FieldError(field, "contains NUL, none expected")
    try:
        return bytes((_INLINE,)) + text.encode() + b"\0"
    except UnicodeEncodeError:
        raise FieldError(field, "contains half of a surrogate pair, whole characters expected") from None


def _date(field: str, instant: datetime) -> bytes:
    """Return YYYYMMDDhhmmss in UTC as decimal digits, two to an octet, without the octets of zeros at the end."""
    if instant.utcoffset() is None:
        raise FieldError(field, "is a time without a zone, an aware time expected")
    utc = instant.astimezone(UTC)
    digits = f"{utc.year:04d}{utc:%m%d%H%M%S}"
    octets = bytes.fromhex(digits).rstrip(b"\0")
    return bytes((_OPAQUE, len(octets))) + octets
