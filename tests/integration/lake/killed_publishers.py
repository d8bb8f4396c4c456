"""Publishers that are killed at random moments: `python -m tests.integration.lake.killed_publishers ROOT KILLS SEED`.

One process forks them all, so that dozens of kills cost one start of Python.
"""

import os
import random
import signal
import sys
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from shared.lake.lake import Lake

FILES = 3


def content(number: int, file: int) -> bytes:
    """Return what file `file` of dataset `number` holds; about 100 kB, other for each."""
    return f"{number}/{file};".encode() * 20_000


def published(lake: Lake) -> list[int]:
    """Return the numbers of all datasets that can be seen."""
    return sorted(int(path.name) for path in (lake.root / "d").glob("*"))


def publish_forever(lake: Lake) -> None:
    for number in count(len(published(lake))):
        with lake.publish(f"d/{number}", schema="x.Row", created_at=datetime(2026, 11, 21, tzinfo=UTC)) as draft:
            for file in range(FILES):
                draft.path(f"part-{file}.bin").write_bytes(content(number, file))
            draft.commit(number)


def main() -> None:
    lake, kills, noise = Lake(Path(sys.argv[1])), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            publish_forever(lake)
        time.sleep(noise.uniform(0.01, 0.15))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
