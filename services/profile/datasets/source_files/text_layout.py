"""How the lines of a text file are written, and what its rows become."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from services.profile.datasets.source_files.lines import BLOCK_BYTES, LONGEST_LINE, FieldSplitter


@dataclass(frozen=True)
class TextLayout:
    """How lines are written, how many fields they have, and which of these are wanted, from 0."""

    encoding: str
    delimiter: str
    field_count: int
    wanted: Sequence[int]
    block_bytes: int = BLOCK_BYTES
    longest_line: int = LONGEST_LINE

    @cached_property
    def schema(self) -> pa.Schema:
        return cell_schema([pa.string() for _ in self.wanted])

    @cached_property
    def splitter(self) -> FieldSplitter:
        return FieldSplitter(self.delimiter, self.field_count)

    @cached_property
    def is_simple(self) -> bool:
        """Whether the delimiter is one byte, as the quick way needs it."""
        return len(self.delimiter) == 1 and self.delimiter.isascii()

    @cached_property
    def quoted_field(self) -> "re.Pattern[bytes]":
        mark = re.escape(self.delimiter.encode())
        return re.compile(rb'(?:^|%b)"(?:[^"\n]|"")*"(?=%b|\r?$)' % (mark, mark), re.MULTILINE)


def cell_schema(types: Sequence[pa.DataType]) -> pa.Schema:
    """Return the columns of a batch: where a row stands, what is wrong with it as a whole, and its wanted cells."""
    columns: dict[str, pa.DataType] = {"place": pa.int64(), "text": pa.string(), "fault": pa.string()}
    return pa.schema(columns | {f"cell {index}": each for index, each in enumerate(types)})
