"""The clock of a local installation: its supervisor decides the offset, later commands find it in the home."""

import os
from datetime import timedelta
from pathlib import Path

from shared.clock import OFFSET_VARIABLE, SystemClock

_FILE = "clock-offset"


def remember_clock(home: Path, clock: SystemClock) -> None:
    """Write the offset into the home and into this process's environment, which its children inherit."""
    seconds = str(clock.offset.total_seconds())
    os.environ[OFFSET_VARIABLE] = seconds
    draft = home / f"{_FILE}.draft"
    draft.write_text(seconds)
    draft.replace(home / _FILE)  # whole: a command in another terminal may read it at this moment


def find_clock(home: Path) -> SystemClock:
    """Return the clock that the installation in `home` runs by: the variable's, else the home's, else the machine's."""
    if OFFSET_VARIABLE in os.environ or not (home / _FILE).is_file():
        return SystemClock.from_environment()
    return SystemClock(timedelta(seconds=float((home / _FILE).read_text())))
