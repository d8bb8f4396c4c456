"""Text files of telemetry that may be written for ever: each process its own, rotated, and pruned together."""

import io
import os
import re
import secrets
from pathlib import Path
from typing import Final

_ROTATIONS_KEPT: Final = 64
"""A file is full at this fraction of the whole allowance, so that pruning by whole files stays fine-grained."""

_MAX_FILES: Final = 512


class BoundedFiles(io.TextIOBase):
    """A stream of lines over `<kind>-<service>-<pid>-<random>-<n>.jsonl`, opened at its first line.

    The random part keeps two processes apart that share a pid, as in containers. Somebody else may delete the files at any
    moment (pruning, a removed home): the next line goes to a new one. All files of K live processes together take at most
    `max_bytes` x (1 + K/64).
    """

    def __init__(self, directory: Path, *, kind: str, service: str, max_bytes: int) -> None:
        super().__init__()
        safe = re.sub(r"[^0-9A-Za-z_.]", "_", service)
        self._directory = directory
        self._stem = f"{kind}-{safe}-{os.getpid()}-{secrets.token_hex(3)}"
        self._max_bytes = max_bytes
        self._opened = 0
        self._file: io.FileIO | None = None

    def writable(self) -> bool:
        return True

    def write(self, line: str, /) -> int:
        """Append a whole line at once; a failed write leaves the file to its fate and the next line opens another."""
        data = memoryview(line.encode())
        file = self._current()
        try:
            while data:
                data = data[file.write(data) :]
        except OSError:
            self._release()
            raise
        return len(line)

    def flush(self) -> None:
        """Nothing waits here: each line is handed to the system at once, which outlives a killed process."""

    def close(self) -> None:
        self._release()
        super().close()

    def _current(self) -> io.FileIO:
        if self._file is not None and self._is_done(self._file):
            self._release()
        if self._file is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            prune(self._directory, max_bytes=self._max_bytes)
            self._opened += 1
            self._file = io.FileIO(self._directory / f"{self._stem}-{self._opened:06}.jsonl", "a")
        return self._file

    def _is_done(self, file: io.FileIO) -> bool:
        status = os.fstat(file.fileno())
        return status.st_nlink == 0 or status.st_size >= self._max_bytes // _ROTATIONS_KEPT

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def prune(directory: Path, *, max_bytes: int) -> None:
    """Delete the files written longest ago until one more full file fits into `max_bytes`, and at most 512 stay."""
    room = max_bytes - max_bytes // _ROTATIONS_KEPT
    for position, (_, path, size) in enumerate(sorted(_files(directory), reverse=True)):
        room -= size
        if room < 0 or position >= _MAX_FILES:
            path.unlink(missing_ok=True)


def _files(directory: Path) -> list[tuple[int, Path, int]]:
    """Return time of the last write, path and size; names in order of writing decide within the clock's granularity."""
    found = []
    for path in directory.glob("*.jsonl"):
        try:
            status = path.stat()
        except FileNotFoundError:  # pruned by another process meanwhile
            continue
        found.append((status.st_mtime_ns, path, status.st_size))
    return found
