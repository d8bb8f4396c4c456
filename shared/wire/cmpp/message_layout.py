"""The bodies that carry a message: a head, perhaps a list of destinations, the content by its length, a tail."""

from collections.abc import Callable
from typing import Any

from shared.wire.cmpp.errors import DecodeError, FieldError
from shared.wire.cmpp.layout import Layout, Text

MAX_CONTENT = 140
MAX_ASCII_CONTENT = 159
MAX_DESTINATIONS = 99
_RESERVE = bytes(8)


class MessageLayout:
    """SUBMIT, DELIVER and FWD of one version. `destination` is repeated as often as DestUsr_tl says; `after` are the
    fields between the destinations and Msg_Length; `link` is the tail of 3.0, where 2.0 has eight octets of nothing.

    `check` refuses values that fit their fields but not each other.
    """

    def __init__(
        self,
        head: Layout,
        *,
        destination: Text | None = None,
        after: Layout | None = None,
        link: Text | None = None,
        check: Callable[[Any], None] | None = None,
    ) -> None:
        self._head = head
        self._destination = destination
        self._after = after or Layout()
        self._link = link
        self._check = check

    def pack(self, pdu: Any) -> bytes:
        parts = (self._head.pack(pdu), self._pack_destinations(pdu), self._after.pack(pdu), _pack_content(pdu))
        if self._check is not None:
            self._check(pdu)
        return b"".join(parts) + self._pack_tail(pdu)

    def unpack(self, body: bytes) -> dict[str, Any]:
        """Read the fields; a tail that is short, as of real gateways, is read as far as it goes. Raises DecodeError."""
        fields = self._head.unpack(body)
        at = self._head.size
        if self._destination is not None:
            fields["dest_terminal_ids"], at = self._unpack_destinations(self._destination, body, at)
        fields |= self._after.unpack(body[at:])
        fields["content"], at = _unpack_content(body, at + self._after.size)
        if self._link is not None:
            fields[self._link.name] = self._link.from_wire(body[at : at + self._link.octets])
        return fields

    def _pack_destinations(self, pdu: Any) -> bytes:
        field = self._destination
        if field is None:
            return b""
        listed = pdu.dest_terminal_ids
        if not isinstance(listed, tuple):
            raise FieldError(field.name, f"is of type {type(listed).__name__}, a tuple of numbers expected")
        if not 1 <= len(listed) <= MAX_DESTINATIONS:
            raise FieldError(field.name, f"has {len(listed)} destinations, 1 to {MAX_DESTINATIONS} expected")
        return bytes((len(listed),)) + b"".join(field.to_wire(each).ljust(field.octets, b"\0") for each in listed)

    @staticmethod
    def _unpack_destinations(field: Text, body: bytes, at: int) -> tuple[tuple[str, ...], int]:
        start = at + 1
        end = start + field.octets * int.from_bytes(body[at:start], "big")
        if len(body) < max(start, end):
            raise DecodeError("DestUsr_tl is more than the destinations that follow it")
        listed = (body[each : each + field.octets] for each in range(start, end, field.octets))
        return tuple(field.from_wire(each) for each in listed), end

    def _pack_tail(self, pdu: Any) -> bytes:
        if self._link is None:
            return _RESERVE
        return self._link.to_wire(pdu.link_id).ljust(self._link.octets, b"\0")


def _pack_content(pdu: Any) -> bytes:
    if not isinstance(pdu.content, bytes):
        raise FieldError("content", f"is of type {type(pdu.content).__name__}, octets expected")
    limit = MAX_ASCII_CONTENT if pdu.msg_fmt == 0 else MAX_CONTENT
    if len(pdu.content) > limit:
        raise FieldError("content", f"has {len(pdu.content)} octets, at most {limit} expected in coding {pdu.msg_fmt}")
    return bytes((len(pdu.content),)) + pdu.content


def _unpack_content(body: bytes, at: int) -> tuple[bytes, int]:
    start = at + 1
    end = start + int.from_bytes(body[at:start], "big")
    if len(body) < max(start, end):
        raise DecodeError("Msg_Length is more than what follows it")
    return body[start:end], end
