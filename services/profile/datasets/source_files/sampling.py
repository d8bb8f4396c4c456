"""The first rows of files of which nothing is known: encoding and delimiter are found out from them."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from services.profile.datasets.source_files.found import READABLE, FoundFile, members_of, opened
from services.profile.datasets.source_files.lines import FieldSplitter
from services.profile.domain.proposals import FileSample
from services.profile.ports import SourceUnreadable

_SAMPLE_BYTES: Final = 256 << 10
_COPIED: Final = 1 << 20
_SAMPLE_ROWS: Final = 1_000
_MOST_FILES: Final = 200
_DELIMITERS: Final = (",", "\t", "|", ";", "||", "\x01", "^", "~")
_ENCODINGS: Final = ("utf-8", "gb18030")


def sample_files(source: Path) -> list[FileSample]:
    """Return the first rows of a file, or of each file that can be read in a folder. Raises SourceUnreadable."""
    if source.is_dir():
        names = sorted(path for path in source.rglob("*") if path.is_file() and _is_readable(path.name))[:_MOST_FILES]
        if not names:
            raise SourceUnreadable(f"{source} has no file that ends in {', '.join(READABLE)}, .gz or .zip")
        return [sample for path in names for sample in _samples(path, str(path.relative_to(source)))]
    if source.is_file():
        return list(_samples(source, source.name))
    raise SourceUnreadable(f"{source} does not exist")


def _is_readable(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(READABLE) or name.lower().endswith(".zip")


def _samples(path: Path, shown: str) -> Iterator[FileSample]:
    try:
        members = members_of(path) if path.name.lower().endswith(".zip") else [""]
    except SourceUnreadable as finding:
        yield FileSample(shown, fault=finding.why)
        return
    for member in members:
        found = FoundFile(path, f"{shown}/{member}" if member else shown, member)
        try:
            with opened(found) as file:
                if found.is_parquet and found.is_packed:
                    yield _unpacked_parquet(file.stream, shown, member)
                else:
                    yield (_parquet if found.is_parquet else _text)(file.stream, shown, member)
        except (SourceUnreadable, pa.ArrowInvalid) as finding:
            yield FileSample(shown, member=member, fault=str(finding).splitlines()[0])


def _unpacked_parquet(stream: IO[bytes], file: str, member: str) -> FileSample:
    with tempfile.TemporaryFile() as unpacked:
        shutil.copyfileobj(stream, unpacked, _COPIED)
        return _parquet(unpacked, file, member)


def _parquet(stream: IO[bytes], file: str, member: str) -> FileSample:
    parquet = pq.ParquetFile(stream)
    columns = [
        ["" if cell is None else str(cell) for cell in column.to_pylist()]
        for batch in islice(parquet.iter_batches(batch_size=_SAMPLE_ROWS), 1)
        for column in batch.columns
    ]
    return FileSample(file, tuple(parquet.schema_arrow.names), list(zip(*columns, strict=True)), member=member)


def _text(stream: IO[bytes], file: str, member: str) -> FileSample:
    block = stream.read(_SAMPLE_BYTES)
    if len(block) == _SAMPLE_BYTES and b"\n" in block:
        block = block[: block.rindex(b"\n")]
    raw = [line.rstrip(b"\r") for line in block.split(b"\n") if line.strip()][: _SAMPLE_ROWS + 1]
    if not raw:
        return FileSample(file, member=member, fault="it is empty")
    encoding = _encoding(raw)
    lines = [line.decode(encoding, errors="replace").removeprefix("\ufeff") for line in raw]
    delimiter = _delimiter(lines)
    splitter = FieldSplitter(delimiter)
    headings = tuple(cell.strip() for cell in splitter.fields(lines[0])[0])
    rows = [fields for line in lines[1:] if len(fields := splitter.fields(line)[0]) == len(headings)]
    return FileSample(file, headings, rows, encoding, delimiter, member)


def _encoding(lines: Sequence[bytes]) -> str:
    """Return the encoding that fewest lines are broken in, UTF-8 where they are even."""
    return min(_ENCODINGS, key=lambda encoding: sum(_is_broken(line, encoding) for line in lines))


def _is_broken(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return True
    return False


def _delimiter(lines: Sequence[str]) -> str:
    """Return what splits the headings, and most rows into as many fields; the longer one where several do."""

    def quality(delimiter: str) -> tuple[float, int]:
        splitter = FieldSplitter(delimiter)
        counts = [len(splitter.fields(line)[0]) for line in lines]
        if counts[0] < 2:
            return 0.0, 0
        return round(counts.count(counts[0]) / len(counts), 1), counts[0] * len(delimiter)

    return max(_DELIMITERS, key=quality)
