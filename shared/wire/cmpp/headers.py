"""The user data header of a short message (GSM 03.40 §9.2.3.24): which part of which long message it is."""

from dataclasses import dataclass

from shared.wire.cmpp.errors import FieldError

_EIGHT_BIT, _SIXTEEN_BIT = 0x00, 0x08
_MAX_PARTS = 255


@dataclass(frozen=True, slots=True)
class PartOf:
    """One part of a long message; `wide` where its reference has 16 bits. `number` counts from 1."""

    reference: int
    total: int
    number: int
    wide: bool = False

    def pack(self) -> bytes:
        """Return the header with its length, 6 or 7 octets. Raises FieldError."""
        bits = 16 if self.wide else 8
        if not 0 <= self.reference < 1 << bits:
            raise FieldError("reference", f"is {self.reference}, a number of {bits} bits expected")
        if not 1 <= self.number <= self.total <= _MAX_PARTS:
            raise FieldError("part", f"is {self.number} of {self.total}, 1 of 1 to 255 of 255 expected")
        element = self.reference.to_bytes(bits // 8, "big") + bytes((self.total, self.number))
        elements = bytes((_SIXTEEN_BIT if self.wide else _EIGHT_BIT, len(element))) + element
        return bytes((len(elements),)) + elements


def split_header(content: bytes) -> tuple[PartOf | None, bytes]:
    """Take the header off a content that begins with one (TP_udhi): which part it is, if a part, and the rest.

    Tolerant: a header that reaches beyond the content takes all of it, and one of other elements is passed over.
    """
    if not content:
        return None, b""
    end = 1 + content[0]
    return _part_in(content[1:end]), content[end:]


def _part_in(elements: bytes) -> PartOf | None:
    at = 0
    while at + 2 <= len(elements):
        kind, octets = elements[at], elements[at + 1]
        value = elements[at + 2 : at + 2 + octets]
        at += 2 + octets
        if (kind, len(value)) in {(_EIGHT_BIT, 3), (_SIXTEEN_BIT, 4)}:
            part = PartOf(int.from_bytes(value[:-2], "big"), value[-2], value[-1], wide=kind == _SIXTEEN_BIT)
            return part if 1 <= part.number <= part.total else None
    return None
