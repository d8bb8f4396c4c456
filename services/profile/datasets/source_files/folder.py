"""What a folder's files are, before any of their rows is read: names and headings."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from services.profile.datasets.source_files.found import FoundFile, find_files, opened
from services.profile.datasets.source_files.lines import LONGEST_LINE, FieldSplitter, decoded_line
from services.profile.datasets.source_files.sampling import sample_files
from services.profile.domain.mapping import TableMapping
from services.profile.domain.proposals import FileSample
from services.profile.ports import SourceUnreadable, TableFile

_MAPPING_FILE: Final = "mapping.toml"


class LocalFolder:
    """Extracts in a folder of this machine."""

    async def files(self, source: str, mapping: TableMapping) -> Sequence[TableFile]:
        return await asyncio.to_thread(look_at, Path(source), mapping)

    async def samples(self, source: str) -> Sequence[FileSample]:
        return await asyncio.to_thread(sample_files, Path(source))

    async def mapping(self, source: str) -> str | None:
        return await asyncio.to_thread(_mapping_in, Path(source))


def _mapping_in(source: Path) -> str | None:
    path = source / _MAPPING_FILE
    if not path.is_file():
        return None
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnreadable(f"{path} cannot be read: {error}") from None


def look_at(source: Path, mapping: TableMapping) -> list[TableFile]:
    """Return a table's files with their headings, in the order of their names. Raises SourceUnreadable."""
    found = find_files(source, mapping)
    if len({file.is_parquet for file in found}) > 1:
        raise SourceUnreadable(f"{', '.join(mapping.files)} stands for Parquet and text; expected files of one format")
    files = [TableFile(file.shown, tuple(headings_of(file, mapping))) for file in found]
    if found and found[0].is_parquet:
        _refuse_lookalikes(files, mapping)
    return files


def _refuse_lookalikes(files: Sequence[TableFile], mapping: TableMapping) -> None:
    """The engine takes columns of Parquet for one if their names differ only in capitals."""
    for file in files:
        for heading in mapping.headings():
            alike = [name for name in file.headings if name != heading and name.lower() == heading.lower()]
            if heading in file.headings and alike:
                raise SourceUnreadable(
                    f"{file.name} has the headings '{heading}' and '{alike[0]}', which differ only in capitals; rename one"
                )


def headings_of(file: FoundFile, mapping: TableMapping) -> list[str]:
    """Return a file's headings: the names of Parquet columns, or the cells of the first line. Raises SourceUnreadable."""
    if file.is_parquet:
        return parquet_schema(file).names
    with opened(file) as found:
        line = found.stream.readline(LONGEST_LINE)
    return split_headings(line.rstrip(b"\n"), mapping.encoding, mapping.delimiter, shown=file.shown)


def split_headings(line: bytes, encoding: str, delimiter: str, *, shown: str) -> list[str]:
    """Return the cells of a first line, without a byte order mark. Raises SourceUnreadable."""
    text, fault = decoded_line(line, encoding, longest_line=LONGEST_LINE)
    fields: list[str] = []
    if not fault:
        fields, fault = FieldSplitter(delimiter).fields(text.removeprefix("\ufeff"))
    if fault:
        raise SourceUnreadable(f"the first line of {shown} is not one of headings: {fault}")
    return [cell.strip() for cell in fields]


def parquet_schema(file: FoundFile) -> pa.Schema:
    """Return the columns of a Parquet file. Raises SourceUnreadable."""
    try:
        with opened(file) as found:
            if not file.is_packed:
                return pq.read_schema(found.stream)
            with tempfile.TemporaryFile() as unpacked:
                shutil.copyfileobj(found.stream, unpacked, LONGEST_LINE)
                return pq.read_schema(unpacked)
    except pa.ArrowInvalid as error:
        raise SourceUnreadable(f"{file.shown} is no Parquet file: {str(error).splitlines()[0]}") from None
