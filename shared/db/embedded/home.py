"""The folder of one embedded server: what lies where, who may work on it, and what it remembers between starts."""

import fcntl
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.db.embedded.address import HOST
from shared.errors import Unavailable

_PORTS = range(20_000, 32_000)
"""Below the range from which Linux takes outgoing ports, so that a stopped server's port is not lost to a client."""

_LOG_LIMIT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Home:
    """Paths under an absolute `path`; all of it belongs to us, except `data`, which belongs to the server's account."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def nursery(self) -> Path:
        """Where initdb works; a data folder moves out only when it is complete."""
        return self.path / "nursery"

    @property
    def log(self) -> Path:
        return self.path / "postgresql.log"

    def create(self) -> None:
        """Make the folder, or see that it is ours: another user's server must not be touched half-way."""
        self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
        owner = self.path.stat().st_uid
        if os.geteuid() not in (0, owner):
            raise Unavailable(f"{self.path} belongs to user {owner}; use another VISAVIS_HOME or run as that user")

    @contextmanager
    def locked(self, timeout: float) -> Iterator[int]:
        """Hold the folder against other processes of ours; yields the lock's descriptor, for children to share it."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _keep_owner(descriptor, self.path)
            _lock(descriptor, self.path, timeout)
            yield descriptor
        finally:
            os.close(descriptor)

    def read_password(self) -> str:
        """Return the superuser's password; it is drawn once, before the data folder that it opens exists."""
        path = self.path / "password"
        if path.exists():
            return path.read_text().strip()
        if self.data.exists():
            raise Unavailable(f"{path} is gone, and with it the way into {self.data}: restore it, or remove both")
        _write(path, secrets.token_urlsafe(32))
        return path.read_text()

    def choose_port(self) -> int:
        """Return the remembered port if it is free, else remember and return another."""
        path = self.path / "port"
        remembered = path.read_text().strip() if path.exists() else ""
        if remembered.isdigit() and is_free(int(remembered)):
            return int(remembered)
        port = _free_port()
        _write(path, str(port))
        return port

    def open_log(self) -> int:
        """Return the log's size in bytes; a long one is set aside first, one generation is kept."""
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            _keep_owner(descriptor, self.path)
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def read_log(self, offset: int) -> str:
        """Return what the server logged after `offset` bytes."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now: asks the way PostgreSQL does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _free_port() -> int:
    for _ in range(100):
        port = secrets.choice(_PORTS)
        if is_free(port):
            return port
    raise Unavailable(f"no free port on {HOST} between {_PORTS.start} and {_PORTS.stop}")


def _lock(descriptor: int, path: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unavailable(f"another process has been starting or stopping {path} for {timeout:.0f} s") from None
            time.sleep(0.05)


def _write(path: Path, text: str) -> None:
    """Replace a file whole, readable by its owner only, and on disk before anything that depends on it."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        _keep_owner(descriptor, path.parent)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _keep_owner(descriptor: int, folder: Path) -> None:
    """Give a file that root makes in a user's home to that user, who must be able to start the server again."""
    if os.geteuid() == 0:
        status = folder.stat()
        os.fchown(descriptor, status.st_uid, status.st_gid)
