"""A push as telephones get it: a connectionless WSP push in a datagram to port 2948, cut into short messages."""

from shared.wire.pap.errors import FieldError

SI_CONTENT = 0xAE
"""application/vnd.wap.sic, the well-known media type 0x2E as a short integer."""
_PUSH = 0x06
_PORTS = bytes.fromhex("05040b8423f0")
_CONCATENATED = bytes.fromhex("0003")
_MESSAGE_OCTETS = 140
_MAX_MESSAGES = 255


def wsp_push(content: bytes, media_type: int, *, transaction: int) -> bytes:
    """Return the WSP push of one WBXML document (WAP-230, chapter 8.2.4), with no header but its type."""
    return bytes((transaction % 256, _PUSH, 1, media_type)) + content


def short_messages(datagram: bytes, *, reference: int) -> tuple[bytes, ...]:
    """Return the contents of the short messages that carry a datagram from port 9200 to 2948, user data header
    included: to be sent with TP_udhi 1 and Msg_Fmt 4. Raises FieldError for more than 255 of them."""
    alone = bytes((len(_PORTS),)) + _PORTS
    if len(alone) + len(datagram) <= _MESSAGE_OCTETS:
        return (alone + datagram,)
    header = bytes((len(_PORTS) + 5,)) + _PORTS + _CONCATENATED
    room = _MESSAGE_OCTETS - len(header) - 3
    pieces = [datagram[at : at + room] for at in range(0, len(datagram), room)]
    if len(pieces) > _MAX_MESSAGES:
        raise FieldError("datagram", f"has {len(datagram)} octets, at most {_MAX_MESSAGES * room} expected")
    return tuple(
        header + bytes((reference % 256, len(pieces), number)) + piece for number, piece in enumerate(pieces, start=1)
    )
