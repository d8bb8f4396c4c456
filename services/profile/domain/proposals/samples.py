"""Some rows of a file of which nothing else is known."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileSample:
    """The headings of a file and some of its rows, cells as texts; encoding and delimiter are empty for Parquet.

    `file` is what a mapping calls it; `member` its name inside a zip. `fault` says why it cannot be read, if so.
    """

    file: str
    headings: tuple[str, ...] = ()
    rows: Sequence[Sequence[str]] = ()
    encoding: str = ""
    delimiter: str = ""
    member: str = ""
    fault: str = ""

    @property
    def name(self) -> str:
        return f"{self.file}/{self.member}" if self.member else self.file

    @property
    def layout(self) -> str:
        """How it is read, for a person."""
        if self.fault:
            return f"cannot be read: {self.fault}"
        if not self.delimiter:
            return f"Parquet, {len(self.headings)} columns"
        return f"text, {self.encoding.upper()}, delimiter {self.delimiter!r}, {len(self.headings)} columns"

    def cells(self, heading: str) -> list[str]:
        """Return what stands in a column, without blanks and empty cells."""
        index = self.headings.index(heading)
        return [cell for row in self.rows if index < len(row) and (cell := row[index].strip(" \t\u3000"))]
