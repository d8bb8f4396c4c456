"""Message texts and their codings (Msg_Fmt), and how much of a text one message holds."""

from shared.wire.cmpp.errors import FieldError
from shared.wire.cmpp.headers import split_header

ASCII = 0
UCS2 = 8
GBK = 15
MAX_UCS2_UNITS = 70


def ucs2_units(text: str) -> int:
    """Return how many UTF-16 units `text` takes; a character outside the basic plane, as an emoji, takes two."""
    return len(text.encode("utf-16-be", "surrogatepass")) // 2


def encode_ucs2(text: str) -> bytes:
    """Return `text` as the content of one message of Msg_Fmt 8. Raises FieldError if it is longer than one message."""
    units = ucs2_units(text)
    if units > MAX_UCS2_UNITS:
        raise FieldError("text", f"has {units} UTF-16 units, max {MAX_UCS2_UNITS} units in one message")
    return utf16(text)


def utf16(text: str) -> bytes:
    """Return `text` in UTF-16BE. Raises FieldError for half a character."""
    try:
        return text.encode("utf-16-be")
    except UnicodeEncodeError:
        raise FieldError("text", "contains half of a surrogate pair, whole characters expected") from None


def decode_text(content: bytes, msg_fmt: int, *, tp_udhi: int = 0) -> str:
    """Read a content for people; what cannot be read becomes U+FFFD. A user data header (`tp_udhi`) is left out.

    NUL counts as unreadable, too: no database column takes it, and a message that can never be stored comes for ever.
    """
    if tp_udhi & 1:
        _, content = split_header(content)
    coding = {UCS2: "utf-16-be", GBK: "gb18030"}.get(msg_fmt, "ascii")
    return content.decode(coding, "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
