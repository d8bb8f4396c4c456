"""Private folders that outlive nobody: the lock of a killed owner is free, so the next process may sweep what it left."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

_LOCK_SUFFIX = ".lock"


@dataclass(frozen=True, slots=True)
class ScratchYard:
    """Hands out scratch folders under `root`, each guarded by a lock file beside it.

    The kernel drops a lock with its process, however that ended; a folder is therefore never swept under a living owner.
    The lock is the whole file's (`flock`), so all processes must see one file system that honours it.
    """

    root: Path

    @contextmanager
    def claim(self) -> Iterator[Path]:
        """Yield a new empty folder of this process; what is left in it at the end is removed."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = self.root / uuid4().hex
        lock = self._locked(folder.with_name(folder.name + _LOCK_SUFFIX))
        try:
            folder.mkdir()
            yield folder
        finally:
            _discard(folder, lock)

    def sweep(self) -> int:
        """Remove what dead processes left behind; return how many folders' locks were freed."""
        return sum(_swept(path) for path in self.root.glob("*" + _LOCK_SUFFIX))

    def _locked(self, path: Path) -> int:
        """Create `path` and lock it; again from the start if a sweeper took it between the two."""
        while True:
            lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_still_at(lock, path):
                return lock
            os.close(lock)


def _swept(path: Path) -> bool:
    """Remove one folder and its lock if nobody holds it."""
    try:
        lock = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    if not _is_still_at(lock, path):
        os.close(lock)
        return False
    _discard(path.with_name(path.name.removesuffix(_LOCK_SUFFIX)), lock)
    return True


def _discard(folder: Path, lock: int) -> None:
    """Remove the folder, then its lock file, then let go: in this order a kill in between leaves work for a sweep."""
    with suppress(FileNotFoundError):  # published by rename, or never made
        shutil.rmtree(folder)
    with suppress(FileNotFoundError):
        folder.with_name(folder.name + _LOCK_SUFFIX).unlink()
    os.close(lock)


def _is_still_at(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False
