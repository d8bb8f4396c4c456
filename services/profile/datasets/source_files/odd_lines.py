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
_FIRST_FOREIGN: Final = 0x80
_NEARLY_ALL: Final = 64
_NONE: Final = np.empty(0, np.int64)


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
    def ends(self) -> Ints:
        return np.append(self.places_of(_NEWLINE), len(self.text))

    @cached_property
    def starts(self) -> Ints:
        return np.append(0, self.ends[:-1] + 1)

    @property
    def count(self) -> int:
        return len(self.ends)

    @property
    def lengths(self) -> Ints:
        return self.ends - self.starts

    @property
    def codes(self) -> NDArray[np.uint8]:
        return np.frombuffer(self.text, np.uint8)

    def places_of(self, byte: int) -> Ints:
        return np.flatnonzero(self.codes == byte)

    def with_any(self, places: Ints) -> Ints:
        """Return the lines that hold any of these places, as often as they do."""
        return np.searchsorted(self.ends, places)

    def spans(self, lines: Ints) -> Iterator[tuple[int, int]]:
        """Yield where each of these lines begins and ends."""
        return zip(self.starts[lines].tolist(), self.ends[lines].tolist(), strict=True)

    def without(self, lines: Ints) -> bytes:
        """Return the text of the other lines; `lines` are ascending."""
        whole, begin, parts = memoryview(self.text), 0, []
        for start, end in self.spans(lines):
            parts.append(whole[begin:start])
            begin = end + 1
        return b"".join([*parts, whole[begin:]])


def lines_in_utf8(block: bytes, layout: TextLayout) -> tuple[TextLines, Ints]:
    """Return the lines of a block in UTF-8, and which of them, ascending from 0, may be no rows, or no sound ones.

    All of a line is decoded: it is as wrong in a column that nobody wants. The texts of odd lines mean nothing.
    """
    lines, odd = _decoded(block, layout.encoding)
    return lines, np.unique(np.concatenate([odd, *_oddities(block, lines, layout)]))


def _decoded(block: bytes, encoding: str) -> tuple[TextLines, Ints]:
    """Of a block nearly all in ASCII, decode nothing: its few other lines are odd ones."""
    lines = TextLines(block)
    if block.isascii():
        return lines, _NONE
    is_foreign = lines.codes >= _FIRST_FOREIGN
    if np.count_nonzero(is_foreign) <= lines.count // _NEARLY_ALL:
        return lines, lines.with_any(np.flatnonzero(is_foreign))
    return TextLines(block.decode(encoding, _REST_OF_LINE).encode()), _NONE


def _oddities(block: bytes, lines: TextLines, layout: TextLayout) -> Iterator[Ints]:
    """Lines are searched for what is odd only where there is any of it in the text."""
    text = lines.text
    yield np.flatnonzero(lines.lengths == 0)
    if b"\0" in text:
        yield lines.with_any(lines.places_of(_NUL))
    if b"\r" in text:
        yield _with_odd_returns(lines)
    if _has_long_line(block, layout.longest_line):
        yield np.flatnonzero(TextLines(block).lengths > layout.longest_line)
    if b'"' in text:
        yield _with_loose_quotes(lines, layout)
    if not layout.is_simple and UNIT_SEPARATOR in text:
        yield lines.with_any(lines.places_of(UNIT_SEPARATOR[0]))


def _with_odd_returns(lines: TextLines) -> Ints:
    """Return the lines with one that is not at the end, or with nothing else."""
    returns = lines.places_of(_RETURN)
    holders = lines.with_any(returns)
    is_odd: NDArray[np.bool_] = (returns + 1 != lines.ends[holders]) | (returns == lines.starts[holders])
    return holders[is_odd]


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
    return rest.with_any(rest.places_of(_QUOTE)) if b'"' in rest.text else _NONE
