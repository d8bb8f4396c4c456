"""Looks at other processes through /proc: is one alive, and does it belong to a given data folder?

Only `stat` and `cmdline` are read: unlike `cwd` and `exe` they need no ptrace right, which root lacks in containers.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_DEAD_STATES = (b"Z", b"X")


def is_alive(pid: int) -> bool:
    """Tell whether `pid` runs; a zombie, which only waits for its parent, does not."""
    stat = _read(pid, "stat")
    return bool(stat) and stat.rpartition(b")")[2].split()[0] not in _DEAD_STATES


def is_postmaster_of(data: Path, pid: int) -> bool:
    """Tell whether `pid` is a live `postgres -D data`, as opposed to a process that merely got its number."""
    program, *arguments = _arguments(pid) or [b""]
    return program.endswith(b"/postgres") and arguments[:2] == [b"-D", os.fsencode(data)] and is_alive(pid)


def processes_of(data: Path, title: str) -> list[int]:
    """List the live postmasters of `data` and the server processes that carry `title` (its `cluster_name`)."""
    prefix = f"postgres: {title}: ".encode()
    pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return [
        pid
        for pid in pids
        if is_postmaster_of(data, pid) or (_read(pid, "cmdline").startswith(prefix) and is_alive(pid))
    ]


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_gone(pid: int, timeout: float) -> bool:
    """Wait at most `timeout` seconds for the end of `pid`; tell whether it came."""
    deadline = time.monotonic() + timeout
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _arguments(pid: int) -> list[bytes]:
    return _read(pid, "cmdline").split(b"\0")


def _read(pid: int, name: str) -> bytes:
    try:
        return (_PROC / str(pid) / name).read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
