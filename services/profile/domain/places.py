"""Where a row stands in the files of its table, as one number: the file's, then the line's."""

from typing import Final

LINE_BITS: Final = 40
LINE_MASK: Final = (1 << LINE_BITS) - 1


def place(file: int, line: int) -> int:
    """Return the place of a line (from 1) in a file (from 0); places sort like files and lines do."""
    return (file << LINE_BITS) | line
