"""Describes a PDU body once, field by field, for a strict encoder and a tolerant decoder alike."""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.wire.cmpp.errors import DecodeError, FieldError


@dataclass(frozen=True, slots=True)
class Form:
    """What a text has to look like, and the words for it."""

    pattern: re.Pattern[str]
    words: str


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A big-endian unsigned integer of 1, 4 or 8 octets; `allowed` are the values that the specification knows."""

    name: str
    octets: int
    allowed: range | frozenset[int] | None = None

    @property
    def code(self) -> str:
        return {1: "B", 4: "I", 8: "Q"}[self.octets]

    def to_wire(self, value: Any) -> int:
        if not isinstance(value, int) or not 0 <= value < 1 << 8 * self.octets:
            raise FieldError(self.name, f"is {value!r}, an integer of {self.octets} octet(s) expected")
        if self.allowed is not None and value not in self.allowed:
            known = ", ".join(map(str, sorted(self.allowed))) if len(self.allowed) <= 10 else _ends(self.allowed)
            raise FieldError(self.name, f"is {value}, {known} expected")
        return value

    def from_wire(self, value: Any) -> Any:
        return value


@dataclass(frozen=True, slots=True)
class Text:
    """An ASCII octet string of fixed width, padded on the right with 0x00. What follows the first 0x00 is not read.

    A `private` text is somebody's number: its value stays out of messages, which end up in logs.
    """

    name: str
    octets: int
    form: Form | None = None
    private: bool = False

    @property
    def code(self) -> str:
        return f"{self.octets}s"

    def to_wire(self, value: Any) -> bytes:
        if not isinstance(value, str) or not value.isascii() or "\0" in value:
            raise FieldError(self.name, f"is {self._shown(value)}, ASCII text without NUL expected")
        if len(value) > self.octets:
            raise FieldError(self.name, f"is {self._shown(value)}, at most {self.octets} characters expected")
        if self.form is not None and not self.form.pattern.fullmatch(value):
            raise FieldError(self.name, f"is {self._shown(value)}, {self.form.words} expected")
        return value.encode("ascii")

    def from_wire(self, value: bytes) -> str:
        return value.partition(b"\0")[0].decode("ascii", "replace")

    def _shown(self, value: Any) -> str:
        return f"{len(str(value))} characters (not shown: a person's number)" if self.private else repr(value)


@dataclass(frozen=True, slots=True)
class Octets:
    """Exactly that many octets, as they are; never shown, because they are digests of a secret."""

    name: str
    octets: int

    @property
    def code(self) -> str:
        return f"{self.octets}s"

    def to_wire(self, value: Any) -> bytes:
        if not isinstance(value, bytes):
            raise FieldError(self.name, f"is of type {type(value).__name__}, {self.octets} octets expected")
        if len(value) != self.octets:
            raise FieldError(self.name, f"has {len(value)} octets, exactly {self.octets} expected")
        return value

    def from_wire(self, value: Any) -> Any:
        return value


class Layout:
    """Fields in wire order; packs any object that has an attribute for each, unpacks into constructor arguments.

    `reserved` octets at the end mean nothing: written as zeros, and not missed where a peer leaves them out.
    """

    def __init__(self, *fields: Unsigned | Text | Octets, reserved: int = 0) -> None:
        self._struct = struct.Struct(">" + "".join(field.code for field in fields))
        self._reserve = bytes(reserved)
        self._names = tuple(field.name for field in fields)
        self._to_wire = tuple(field.to_wire for field in fields)
        self._from_wire = tuple(field.from_wire for field in fields)

    @property
    def size(self) -> int:
        return self._struct.size

    def pack(self, pdu: object) -> bytes:
        return self._packed(*[getattr(pdu, name) for name in self._names])

    def _packed(self, *values: object) -> bytes:
        wired = [to_wire(value) for to_wire, value in zip(self._to_wire, values, strict=True)]
        return self._struct.pack(*wired) + self._reserve

    def unpack(self, body: bytes) -> dict[str, Any]:
        """Read the fields from the start of `body`; what follows them is left alone."""
        if len(body) < self._struct.size:
            raise DecodeError(f"body of {len(body)} octets, at least {self._struct.size} expected")
        return self._unpacked(body[: self._struct.size])

    def _unpacked(self, octets: bytes) -> dict[str, Any]:
        values = self._struct.unpack(octets)
        return {name: read(value) for name, read, value in zip(self._names, self._from_wire, values, strict=True)}


class RecurringLayout(Layout):
    """A layout whose values are the same in most messages of a line, as all of a SUBMIT are but its destination and its
    content: the last ones are remembered, in both directions."""

    def __init__(self, *fields: Unsigned | Text | Octets, reserved: int = 0) -> None:
        super().__init__(*fields, reserved=reserved)
        # Typed: True and 1.0 are equal to 1, and not what the strict encoder takes for an integer.
        self._remembered: Callable[..., bytes] = lru_cache(maxsize=64, typed=True)(super()._packed)
        self._read_before: Callable[[bytes], dict[str, Any]] = lru_cache(maxsize=64)(super()._unpacked)

    def _packed(self, *values: object) -> bytes:
        try:
            return self._remembered(*values)
        except TypeError:  # what cannot be hashed is no value of a field: let the encoder say so
            return super()._packed(*values)

    def _unpacked(self, octets: bytes) -> dict[str, Any]:
        return dict(self._read_before(octets))


class Either:
    """A body that gateways lay out in one way or the other: the length of what came says which."""

    def __init__(self, written: Layout, other: Layout) -> None:
        self._written = written
        self._other = other

    def pack(self, pdu: object) -> bytes:
        return self._written.pack(pdu)

    def unpack(self, body: bytes) -> dict[str, Any]:
        for layout in (self._written, self._other):
            if len(body) == layout.size:
                return layout.unpack(body)
        fits = len(body) >= self._written.size or self._other.size > self._written.size
        return (self._written if fits else self._other).unpack(body)


def _ends(allowed: range | frozenset[int]) -> str:
    return f"{min(allowed)} to {max(allowed)}"
