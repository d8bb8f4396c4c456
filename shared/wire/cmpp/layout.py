"""Describes the fixed part of a PDU body once, field by field, for a strict encoder and a tolerant decoder alike."""

import struct
from dataclasses import dataclass
from typing import Any

from shared.wire.cmpp.errors import DecodeError, FieldError


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A big-endian unsigned integer of 1, 4 or 8 octets."""

    name: str
    octets: int

    @property
    def code(self) -> str:
        return {1: "B", 4: "I", 8: "Q"}[self.octets]

    def to_wire(self, value: Any) -> int:
        if not isinstance(value, int) or not 0 <= value < 1 << 8 * self.octets:
            raise FieldError(self.name, f"{value!r} is not an integer of {self.octets} octet(s)")
        return value

    def from_wire(self, value: Any) -> Any:
        return value


@dataclass(frozen=True, slots=True)
class Text:
    """An ASCII octet string of fixed width, padded on the right with 0x00. What follows the first 0x00 is not read."""

    name: str
    octets: int

    @property
    def code(self) -> str:
        return f"{self.octets}s"

    def to_wire(self, value: Any) -> bytes:
        if not isinstance(value, str) or not value.isascii() or "\0" in value:
            raise FieldError(self.name, "must be ASCII text without NUL")
        if len(value) > self.octets:
            raise FieldError(self.name, f"has {len(value)} characters, at most {self.octets} fit")
        return value.encode("ascii")

    def from_wire(self, value: bytes) -> str:
        return value.partition(b"\0")[0].decode("ascii", "replace")


@dataclass(frozen=True, slots=True)
class Octets:
    """Exactly that many octets, as they are."""

    name: str
    octets: int

    @property
    def code(self) -> str:
        return f"{self.octets}s"

    def to_wire(self, value: Any) -> bytes:
        if not isinstance(value, bytes) or len(value) != self.octets:
            raise FieldError(self.name, f"must be exactly {self.octets} octets")
        return value

    def from_wire(self, value: Any) -> Any:
        return value


class Layout:
    """Fields in wire order; packs any object that has an attribute for each, unpacks into constructor arguments."""

    def __init__(self, *fields: Unsigned | Text | Octets) -> None:
        self._fields = fields
        self._struct = struct.Struct(">" + "".join(field.code for field in fields))

    @property
    def size(self) -> int:
        return self._struct.size

    def pack(self, pdu: object) -> bytes:
        return self._struct.pack(*[field.to_wire(getattr(pdu, field.name)) for field in self._fields])

    def unpack(self, body: bytes) -> dict[str, Any]:
        """Read the fields from the start of `body`; what follows them is left alone."""
        if len(body) < self._struct.size:
            raise DecodeError(f"body of {len(body)} octets, at least {self._struct.size} expected")
        values = self._struct.unpack_from(body)
        return {field.name: field.from_wire(value) for field, value in zip(self._fields, values, strict=True)}
