"""Files by the names, globs and members that a mapping gives, and their bytes whatever they are packed in."""

import gzip
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Final, cast

from services.profile.domain.mapping import TableMapping
from services.profile.ports import SourceUnreadable

READABLE: Final = (".csv", ".txt", ".parquet")
_ROWS_ELSEWHERE: Final = (".gz", ".zip", ".dat", ".tsv", ".unl", ".xls", ".xlsx")
_UTF8_NAME: Final = 0x800


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file, or one member of a zip; `shown` is its name as rejects tell it, relative to the folder of extracts."""

    path: Path
    shown: str
    member: str = ""

    @property
    def is_parquet(self) -> bool:
        return self._plain_name().endswith(".parquet")

    @property
    def is_packed(self) -> bool:
        return bool(self.member) or self.path.name.lower().endswith(".gz")

    def _plain_name(self) -> str:
        return (self.member or self.path.name.lower().removesuffix(".gz")).lower()


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file's unpacked bytes; `consumed` tells how much of `size` has been read, in whatever is cheap to count."""

    stream: IO[bytes]
    size: int
    consumed: Callable[[], int]


def find_files(source: Path, mapping: TableMapping) -> list[FoundFile]:
    """Return a table's files in the order of their names. Raises SourceUnreadable where a name stands for none."""
    paths = dict.fromkeys(path for name in mapping.files for path in _named(source, name))
    return [found for path in paths for found in _unpacked(source, path, mapping.member)]


@contextmanager
def opened(file: FoundFile) -> Iterator[OpenedFile]:
    """Open a file for reading from its beginning. Raises SourceUnreadable, also while it is being read."""
    try:
        with _opened(file) as found:
            yield found
    except FileNotFoundError:
        raise SourceUnreadable(f"{file.path} does not exist") from None
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise SourceUnreadable(f"{file.shown} is damaged: {error}") from None
    except (RuntimeError, NotImplementedError) as error:  # a zip with a password, or with a method of its own
        raise SourceUnreadable(f"{file.shown} cannot be unpacked: {error}") from None
    except OSError as error:
        raise SourceUnreadable(f"{file.path} cannot be read: {error.strerror or error}") from None


@contextmanager
def _opened(file: FoundFile) -> Iterator[OpenedFile]:
    with file.path.open("rb") as raw:
        if file.member:
            with zipfile.ZipFile(raw) as archive:
                info = _members(archive)[file.member]
                with archive.open(info) as member:
                    yield OpenedFile(member, info.file_size, member.tell)
            return
        size = file.path.stat().st_size
        if file.is_packed:
            with gzip.open(raw) as unpacked:
                yield OpenedFile(cast("IO[bytes]", unpacked), size, raw.tell)
            return
        yield OpenedFile(raw, size, raw.tell)


def _named(source: Path, name: str) -> list[Path]:
    path = source / name
    if path.is_file():
        return [path]
    if any(mark in name for mark in "*?["):
        matching = sorted(found for found in source.glob(name) if found.is_file())
        if matching:
            return matching
        raise SourceUnreadable(f"{source} has no file named like {name}")
    raise SourceUnreadable(f"{path} does not exist")


def _unpacked(source: Path, path: Path, wanted: str) -> list[FoundFile]:
    shown = str(path.relative_to(source))
    if not path.name.lower().endswith(".zip"):
        return [FoundFile(path, shown)]
    names = [name for name in members_of(path) if not wanted or fnmatchcase(name, wanted)]
    if not wanted and (others := _unreadable_tables(path)):
        raise SourceUnreadable(
            f"{path} holds {others[0]} beside what can be read; expected only {', '.join(READABLE)}, or say with member which"
        )
    if not names:
        raise SourceUnreadable(f"{path} holds no {f'member named like {wanted}' if wanted else 'file to read'}")
    return [FoundFile(path, f"{shown}/{name}", name) for name in names]


def members_of(path: Path) -> list[str]:
    """Return the names of a zip's files that can be read, in order. Raises SourceUnreadable."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sorted(name for name in _members(archive) if name.lower().endswith(READABLE))
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceUnreadable(f"{path} is no zip that can be read: {error}") from None


def _unreadable_tables(path: Path) -> list[str]:
    """Return the names of a zip's files that likely hold rows, in a form that is not read; a note beside them is none."""
    with zipfile.ZipFile(path) as archive:
        return sorted(name for name in _members(archive) if name.lower().endswith(_ROWS_ELSEWHERE))


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    members = {_name(info): info for info in infos}
    if len(members) < len(infos):
        twice = next(name for name, times in Counter(map(_name, infos)).items() if times > 1)
        raise zipfile.BadZipFile(f"it holds two files called {twice}")
    return members


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; one that is not marked as UTF-8 was most likely written by a Chinese Windows."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gbk")
    except UnicodeError:
        return info.filename
