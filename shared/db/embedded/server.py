"""Starts, finds, recovers and stops the PostgreSQL server of one home folder."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT

import structlog

from shared.db.embedded.account import choose_account
from shared.db.embedded.address import HOST, SUPERUSER, ServerAddress
from shared.db.embedded.binaries import find_binaries
from shared.db.embedded.cluster import ensure_cluster, last_lines
from shared.db.embedded.command import PostmasterCommand, postmaster_command, server_title
from shared.db.embedded.home import Home
from shared.db.embedded.login import refusal
from shared.db.embedded.processes import is_alive, is_postmaster_of, processes_of, send, wait_gone
from shared.errors import Unavailable

log = structlog.get_logger(__name__)

_LOCK_SECONDS = 180.0
_READY_SECONDS = 60.0
_LEAVE_SECONDS = 2.0
"""Server processes whose postmaster was killed notice it and leave; one that is busy computing may not."""
_FAST_SECONDS = 60.0
_ABORT_SECONDS = 5.0
_SETTLE_SECONDS = 30.0
_STARTS = 5
_PASSING_TROUBLES = (
    "could not create any TCP/IP sockets",
    "pre-existing shared memory block",
    'lock file "postmaster.pid" already exists',
)
"""Log texts of a start that may succeed when tried again: the port, the memory or the folder was taken just then."""


class _PassingTrouble(Unavailable):
    """The postmaster ended for a reason that another try may not meet."""


@dataclass(frozen=True, slots=True)
class _Notice:
    """What a postmaster writes into `postmaster.pid`: its pid, port and status (starting, ready, stopping)."""

    pid: int
    port: int
    status: str


class EmbeddedPostgres:
    """The server of `home` (VISAVIS_HOME/postgres): at most one runs, whichever process of ours started it.

    `start` and `stop` do it all. A supervisor that wants the postmaster as its own child calls `prepare`, spawns
    `command`, then `wait_ready`. All methods block; failures are `Unavailable`, with the end of the server's log.
    """

    def __init__(self, home: Path, *, max_connections: int = 200) -> None:
        self._home = Home(home.resolve())
        self._max_connections = max_connections
        self._log_offset = 0

    def start(self) -> ServerAddress:
        """Return the address of a running server: the one that runs, or a new one in a session of its own."""
        with self._exclusive() as lock:
            for _ in range(_STARTS - 1):
                try:
                    return self._start_once(lock)
                except _PassingTrouble as trouble:
                    log.info("embedded_postgres_start_repeated", home=str(self._home.path), why=trouble.message)
                    time.sleep(0.2)
            return self._start_once(lock)

    def stop(self) -> None:
        """End the server and wait until the last of its processes is gone; transactions under way are rolled back."""
        if not self._home.path.exists():
            return
        with self._exclusive():
            self._stop()

    def prepare(self) -> None:
        """Make the home ready for a new postmaster: created, of our version, no other server or its remains on it.

        A server that a killed owner left behind is stopped. Chooses the port, so call it before each `command`.
        """
        with self._exclusive() as lock:
            self._stop()
            self._prepare(lock)

    def command(self) -> PostmasterCommand:
        """Return what runs the postmaster of a prepared home in the foreground."""
        binaries = find_binaries()
        account = choose_account(binaries, self._home.path, self._home.data)
        return postmaster_command(
            self._home, binaries, account, port=self._home.choose_port(), max_connections=self._max_connections
        )

    def wait_ready(self, timeout: float = _READY_SECONDS, *, pid: int | None = None) -> ServerAddress:
        """Wait until the server lets the superuser in; with the spawned child's `pid`, give up as soon as it ends."""
        deadline = time.monotonic() + timeout
        why = "it did not get ready"
        while time.monotonic() < deadline:
            if pid is not None and not is_alive(pid):
                raise self._ended()
            notice = self._notice()
            if notice is not None and notice.status == "ready":
                address = self._address(notice)
                why = refusal(address, self._home.data) or ""
                if not why:
                    return address
            time.sleep(0.02)
        raise Unavailable(f"PostgreSQL in {self._home.path}: {why} in {timeout:.0f} s.{self._log_tail()}")

    def pid(self) -> int | None:
        """Return the postmaster's pid if it is alive and serves this home."""
        notice = self._notice()
        return notice.pid if notice else None

    def address(self) -> ServerAddress:
        """Return the address of the running server without connecting to it."""
        notice = self._notice()
        if notice is None:
            raise Unavailable(f"PostgreSQL in {self._home.path} is not running: start it first")
        return self._address(notice)

    @contextmanager
    def _exclusive(self) -> Iterator[int]:
        try:
            self._home.create()
            with self._home.locked(_LOCK_SECONDS) as descriptor:
                yield descriptor
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(f"PostgreSQL in {self._home.path}: {error}.{self._log_tail()}") from error

    def _start_once(self, lock: int) -> ServerAddress:
        self._settle()
        notice = self._notice()
        if notice is not None and notice.status != "stopping":
            return self._join(notice.pid)
        self._stop()
        self._prepare(lock)
        pid = _spawn(self.command())
        address = self.wait_ready(pid=pid)
        log.info("embedded_postgres_started", home=str(self._home.path), pid=pid, port=address.port)
        return address

    def _join(self, pid: int) -> ServerAddress:
        try:
            return self.wait_ready(pid=pid)
        except Unavailable as error:
            if is_alive(pid):
                raise
            raise _PassingTrouble(error.message) from error

    def _prepare(self, lock: int) -> None:
        binaries = find_binaries()
        ensure_cluster(self._home, binaries, choose_account(binaries, self._home.path, self._home.data), lock)
        # No process of this home lives, so whatever the file says is about another one that got the number.
        (self._home.data / "postmaster.pid").unlink(missing_ok=True)
        self._log_offset = self._home.open_log()

    def _stop(self) -> None:
        self._settle()
        notice = self._notice()
        if notice is None:
            return
        for number, patience in ((SIGINT, _FAST_SECONDS), (SIGQUIT, _ABORT_SECONDS), (SIGKILL, _ABORT_SECONDS)):
            send(notice.pid, number)
            if wait_gone(notice.pid, patience):
                break
            log.warning("embedded_postgres_ignored_signal", home=str(self._home.path), pid=notice.pid, signal=number)
        self._settle()
        log.info("embedded_postgres_stopped", home=str(self._home.path), pid=notice.pid)

    def _settle(self) -> None:
        """Wait until a postmaster is known by its file or no process of this home is left; kill those that stay.

        Killing them is safe: with their postmaster gone, the next start recovers from the write-ahead log.
        """
        began = time.monotonic()
        killed = False
        while remains := processes_of(self._home.data, server_title(self._home.data)):
            waited = time.monotonic() - began
            if self._notice() is not None:
                return
            if waited > _SETTLE_SECONDS:
                raise Unavailable(f"processes {remains} of a former PostgreSQL in {self._home.path} do not end")
            if waited > _LEAVE_SECONDS and not killed:
                log.warning("embedded_postgres_remains_killed", home=str(self._home.path), pids=remains)
                for pid in remains:
                    send(pid, SIGKILL)
                killed = True
            time.sleep(0.02)

    def _notice(self) -> _Notice | None:
        """Read `postmaster.pid`, unless it is absent, incomplete, or about a process that isn't this home's."""
        try:
            lines = (self._home.data / "postmaster.pid").read_text().splitlines()
            pid, port, status = int(lines[0]), int(lines[3]), lines[7].strip()
        except (OSError, IndexError, ValueError):
            return None
        return _Notice(pid, port, status) if is_postmaster_of(self._home.data, pid) else None

    def _address(self, notice: _Notice) -> ServerAddress:
        return ServerAddress(HOST, notice.port, SUPERUSER, self._home.read_password())

    def _ended(self) -> Unavailable:
        written = self._home.read_log(self._log_offset)
        kind = _PassingTrouble if any(text in written for text in _PASSING_TROUBLES) else Unavailable
        return kind(f"PostgreSQL in {self._home.path} ended at its start.{self._log_tail()}")

    def _log_tail(self) -> str:
        written = self._home.read_log(self._log_offset)
        return f" The end of its log:\n{last_lines(written)}" if written else ""


def _spawn(command: PostmasterCommand) -> int:
    """Run the server apart from us: it survives us, and a starter that never waits for it leaves no zombie."""
    launched = subprocess.run(
        ("/bin/sh", "-c", '"$@" >/dev/null & echo $!', "sh", *command.argv),
        env=command.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        start_new_session=True,
    )
    return int(launched.stdout)
