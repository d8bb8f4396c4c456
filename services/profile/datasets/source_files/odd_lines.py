"""Finds the few lines of a block that may be wrong, by searches over all of its bytes at once.

A line found here may still be sound, but a line that is not found means the same to the reader of columns as to
`FieldSplitter`; only how many fields it has is left for that reader to tell.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.profile.datasets.source_files.text_layout import TextLayout

Ints: TypeAlias = NDArray[np.int64]

UNIT_SEPARATOR: Final = b"\x1f"
"""What stands in for a delimiter of several bytes."""

_REST_OF_LINE: Final = "visavis-rest-of-line"
_NUL, _NEWLINE, _RETURN, _QUOTE = b'\0\n\r"'


def _undecodable(error: UnicodeError) -> tuple[str, int]:
    """Put NUL, which no sound line has in it, for the rest of a line that cannot be decoded, and go on behind it."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    end = error.object.find(b"\n", error.start)
    return "\0", end if end >= 0 else len(error.object)


codecs.register_error(_REST_OF_LINE, _undecodable)


@dataclass(frozen=True)
class TextLines:
    """A text in UTF-8, and where its lines begin and end."""

    text: bytes

    @cached_property
    def count(self) -> int:
        return self.text.count(b"\n") + 1

    @cached_property
    def ends(self) -> Ints:
        return np.append(self.places_of(_NEWLINE), len(self.text))

    @cached_property
    def starts(self) -> Ints:
        return np.append(0, self.ends[:-1] + 1)

    @cached_property
    def bytes_(self) -> NDArray[np.uint8]:
        return np.frombuffer(self.text, np.uint8)

    def places_of(self, byte: int) -> Ints:
        return np.flatnonzero(self.bytes_ == byte)

    def with_any(self, places: Ints) -> Ints:
        """Return the lines that hold any of these places, as often as they do."""
        return np.searchsorted(self.ends, places)

    def without(self, lines: Ints) -> bytes:
        """Return the text of the other lines; `lines` are ascending."""
        whole, begin, parts = memoryview(self.text), 0, []
        for start, end in zip(self.starts[lines].tolist(), self.ends[lines].tolist(), strict=True):
            parts.append(whole[begin:start])
            begin = end + 1
        return b"".join([*parts, whole[begin:]])


def lines_in_utf8(block: bytes, encoding: str) -> TextLines:
    """Return all lines of a block, in which an undecodable line ends with NUL."""
    if block.isascii():
        return TextLines(block)
    text = block.decode(encoding, _REST_OF_LINE)  # all of it: a line is as wrong in a column that nobody wants
    return TextLines(text.encode())


def odd_lines(block: bytes, lines: TextLines, layout: TextLayout) -> Ints:
    """Return, in ascending order from 0, the lines that may be no rows, or no sound ones; `lines` are those of `block`."""
    return np.unique(np.concatenate([np.empty(0, np.int64), *_oddities(block, lines, layout)]))


def _oddities(block: bytes, lines: TextLines, layout: TextLayout) -> Iterator[Ints]:
    """Most searches are over as soon as there is nothing of the kind in the whole text."""
    text = lines.text
    if b"\0" in text:
        yield lines.with_any(lines.places_of(_NUL))
    if _has_empty_line(text):
        yield _empty_lines(lines)
    if text.count(b"\r") > text.count(b"\r\n") + text.endswith(b"\r"):
        yield _with_returns_inside(lines)
    if _has_long_line(block, layout.longest_line):
        whole = TextLines(block)
        yield np.flatnonzero(whole.ends - whole.starts > layout.longest_line)
    if b'"' in text:
        yield _with_loose_quotes(lines, layout)
    if not layout.is_simple and UNIT_SEPARATOR in text:
        yield lines.with_any(lines.places_of(UNIT_SEPARATOR[0]))


def _has_empty_line(text: bytes) -> bool:
    is_at_an_end = text[:1] in (b"", b"\n", b"\r") or text.endswith((b"\n", b"\n\r"))
    return is_at_an_end or b"\n\n" in text or (b"\r" in text and b"\n\r\n" in text)


def _empty_lines(lines: TextLines) -> Ints:
    lengths = lines.ends - lines.starts
    lone = np.flatnonzero(lengths == 1)
    returns = lone[lines.bytes_[lines.starts[lone]] == _RETURN]
    return np.concatenate([np.flatnonzero(lengths == 0), returns])


def _with_returns_inside(lines: TextLines) -> Ints:
    returns = lines.places_of(_RETURN)
    holders = lines.with_any(returns)
    is_inside: NDArray[np.bool_] = returns + 1 != lines.ends[holders]
    return holders[is_inside]


def _has_long_line(block: bytes, longest: int) -> bool:
    begin = 0
    while len(block) - begin > longest:
        end = block.rfind(b"\n", begin, begin + longest + 1)
        if end < 0:
            return True
        begin = end + 1
    return False


def _with_loose_quotes(lines: TextLines, layout: TextLayout) -> Ints:
    """Return the lines with a quotation mark that is not plainly part of a quoted field."""
    rest = TextLines(layout.quoted_field.sub(b"", lines.text)) if layout.is_simple else lines
    return rest.with_any(rest.places_of(_QUOTE)) if b'"' in rest.text else np.empty(0, np.int64)
