"""Lines of a text file, in blocks of whole lines.

One row is one line: a field with a line break in it is a fault of its row. So a forgotten quotation mark costs one row
and never swallows the next ones, and the number of a line is the number that an editor shows.
"""

import re
from collections.abc import Iterator
from typing import IO, Final

BLOCK_BYTES: Final = 4 << 20
LONGEST_LINE: Final = 1 << 20
SHOWN_BYTES: Final = 500

_TOO_LONG: Final = "expected a line of at most 1 MiB"
_NUL: Final = "expected text without NUL characters"
_BAD_QUOTES: Final = "expected each quotation mark around a whole field, doubled inside, closed on its line"
_SHOWN_CODECS: Final = {"utf-8": "UTF-8", "gbk": "GBK", "gb18030": "GB18030"}


def whole_lines(file: IO[bytes], *, block_bytes: int, longest_line: int) -> Iterator[bytes]:
    """Yield blocks that end at the end of a line, without its break. Of a line without end, only the beginning is kept."""
    rest = b""
    while block := file.read(block_bytes):
        lines, found, tail = block.rpartition(b"\n")
        if found:
            yield rest + lines
            rest = tail
        else:
            rest = (rest + block)[: longest_line + 1]
    if rest:
        yield rest


def decoded_line(line: bytes, encoding: str, *, longest_line: int) -> tuple[str, str]:
    """Return a line's text and what is wrong with it; it is then the beginning of it, as far as it can be shown."""
    line = line.rstrip(b"\r")
    if len(line) > longest_line:
        return line[:SHOWN_BYTES].decode(encoding, errors="replace"), _TOO_LONG
    if b"\0" in line:
        shown = line[:SHOWN_BYTES].decode(encoding, errors="replace")
        return shown.replace("\0", "\N{REPLACEMENT CHARACTER}"), _NUL
    try:
        return line.decode(encoding), ""
    except UnicodeDecodeError:
        return line[:SHOWN_BYTES].decode(encoding, errors="replace"), f"expected text in {_SHOWN_CODECS[encoding]}"


class FieldSplitter:
    """Tells the fields of a line apart; `count` of them have to be there, any number where it is 0."""

    def __init__(self, delimiter: str, count: int = 0) -> None:
        mark = re.escape(delimiter)
        field = rf'(?:"(?:[^"]|"")*"|(?:(?!{mark})[^"])*)'
        self._field = re.compile(rf"{mark}({field})")
        self._line = re.compile(rf"{field}(?:{mark}{field})*")
        self._delimiter = delimiter
        self._count = count

    def fields(self, text: str) -> tuple[list[str], str]:
        """Return a line's fields, and what is wrong with it."""
        fields = text.split(self._delimiter)
        if '"' in text:
            if not self._line.fullmatch(text):
                return [], _BAD_QUOTES
            # Each field is searched with its delimiter before it, so that no match is empty and none can be skipped.
            fields = [_unquoted(field) for field in self._field.findall(self._delimiter + text)]
        if self._count and len(fields) != self._count:
            return [], f"expected {self._count} fields, found {len(fields)}"
        return fields, ""


def _unquoted(field: str) -> str:
    return field[1:-1].replace('""', '"') if field.startswith('"') else field
