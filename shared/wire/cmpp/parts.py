"""Texts longer than one message: into parts with a user data header, each a SUBMIT of its own."""

import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from shared.wire.cmpp.errors import FieldError
from shared.wire.cmpp.headers import PartOf
from shared.wire.cmpp.message_layout import MAX_ASCII_CONTENT, MAX_CONTENT
from shared.wire.cmpp.pdus import Submit
from shared.wire.cmpp.texts import ASCII, UCS2, utf16

_MAX_PARTS = 255
# What the alphabet of GSM 03.38 has of ASCII: in one septet each, or in two. The grave accent is in neither.
_EXTENDED = frozenset("^{}\\[]~|")
_SHOWN_BY_ALL = frozenset("\n\r" + "".join(map(chr, range(0x20, 0x7F)))) - {"`"}


@dataclass(frozen=True, slots=True)
class Coding:
    """How a text is written: Msg_Fmt, and how many octets or septets of it one message holds, alone or as a part.

    Parts in ASCII are counted in septets, to which the network packs them: a header of 6 octets takes 7 of 160, one of
    7 octets 8; the 160th of a single message is lost to Msg_Length, which has to be below 160.
    """

    msg_fmt: int
    alone: int
    in_part: int
    in_wide_part: int

    def size_of(self, character: str) -> int:
        if self.msg_fmt == UCS2:
            return 4 if ord(character) > 0xFFFF else 2
        return 2 if character in _EXTENDED else 1

    def encode(self, text: str) -> bytes:
        return utf16(text) if self.msg_fmt == UCS2 else text.encode("ascii")


_UCS2 = Coding(UCS2, alone=MAX_CONTENT, in_part=134, in_wide_part=132)
_ASCII = Coding(ASCII, alone=MAX_ASCII_CONTENT, in_part=153, in_wide_part=152)


def coding_of(text: str) -> Coding:
    """Return the coding that takes the fewest parts: ASCII where every telephone can show it, else UCS2."""
    return _ASCII if _SHOWN_BY_ALL.issuperset(text) else _UCS2


def split_text(text: str, *, wide: bool = False) -> list[str]:
    """Cut a text where its parts end, signature and opt-out phrase included; never inside a character. One part where
    it fits one message. Raises FieldError for more than 255 parts."""
    coding = coding_of(text)
    sizes = [coding.size_of(character) for character in text]
    if sum(sizes) <= coding.alone:
        return [text]
    room = coding.in_wide_part if wide else coding.in_part
    starts, filled = [0], 0
    for at, size in enumerate(sizes):
        if filled + size > room:
            starts.append(at)
            filled = 0
        filled += size
    if len(starts) > _MAX_PARTS:
        raise FieldError("text", f"takes {len(starts)} parts, at most {_MAX_PARTS} expected")
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def count_parts(text: str, *, wide: bool = False) -> int:
    """Return how many messages the operator bills for this text. Raises FieldError as `split_text`."""
    return len(split_text(text, wide=wide))


class SubmitTemplate(Protocol):
    """Makes a SUBMIT of which all is known but these, as `partial(Submit, src_id=…)` does."""

    def __call__(
        self, *, content: bytes, msg_fmt: int, tp_udhi: int = 0, pk_total: int = 1, pk_number: int = 1
    ) -> Submit: ...


def to_submits(
    template: SubmitTemplate, text: str, *, reference: Callable[[], int], wide: bool = False
) -> tuple[Submit, ...]:
    """Return a SUBMIT for each part of `text`; `reference` is asked for where there are several.

    Each has its own Msg_Id and report. Raises FieldError for more than 255 parts, half a character, or a reference
    that does not fit.
    """
    coding, pieces = _cut(text, wide=wide)
    if len(pieces) == 1:
        return (template(content=pieces[0], msg_fmt=coding.msg_fmt),)
    number_of_all = reference()
    return tuple(
        template(
            content=PartOf(number_of_all, len(pieces), number, wide=wide).pack() + piece,
            msg_fmt=coding.msg_fmt,
            tp_udhi=1,
            pk_total=len(pieces),
            pk_number=number,
        )
        for number, piece in enumerate(pieces, start=1)
    )


@lru_cache(maxsize=64)
def _cut(text: str, *, wide: bool) -> tuple[Coding, Sequence[bytes]]:
    """Return the octets of each part; a plan's text is the same for most of its customers."""
    coding = coding_of(text)
    return coding, tuple(coding.encode(piece) for piece in split_text(text, wide=wide))


class References:
    """Rolling references of long messages, one sequence for each pair of sender and recipient, as telephones tell
    messages apart by all three. Remembers so many pairs, and starts a forgotten one anywhere."""

    def __init__(self, rng: random.Random, *, wide: bool = False, pairs: int = 10_000) -> None:
        self._rng = rng
        self._modulus = 1 << (16 if wide else 8)
        self._pairs = pairs
        self._last: OrderedDict[tuple[str, str], int] = OrderedDict()

    def next_for(self, src_id: str, dest_terminal_id: str) -> int:
        pair = (src_id, dest_terminal_id)
        last = self._last.pop(pair, None)
        following = self._rng.randrange(self._modulus) if last is None else (last + 1) % self._modulus
        self._last[pair] = following
        if len(self._last) > self._pairs:
            self._last.popitem(last=False)
        return following
