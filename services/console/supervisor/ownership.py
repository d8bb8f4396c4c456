"""At most one supervisor per home, and none over a home of somebody else."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.console.supervisor.supervisor import PROCESSES
from shared.errors import Unavailable, WrongState

LOCK = "supervisor.lock"
_LEAVE_SECONDS = 30.0
"""What the children of a killed supervisor get to notice it and end; then the ports are theirs no more."""


@contextmanager
def sole_owner(home: Path) -> Iterator[None]:
    """Hold `home` (made if absent) for the body. Raises Unavailable while another supervisor has it, WrongState if it isn't ours."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise WrongState(
            f"{home} cannot be used: {error.strerror}; set VISAVIS_HOME to a folder of your own", subject=str(home)
        ) from error
    try:
        _lock(descriptor, home)
        _wait_for_orphans(home)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, home: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Unavailable(
            f"another `visavis up` or `visavis demo` runs with VISAVIS_HOME={home}; stop it, or set another one"
        ) from None


def _wait_for_orphans(home: Path) -> None:
    """Let the children of a killed supervisor end, which they do by themselves as soon as they notice."""
    try:
        left = json.loads((home / PROCESSES).read_text()).values()
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + _LEAVE_SECONDS
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in left):
        time.sleep(0.05)
