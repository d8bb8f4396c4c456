"""What the embedded server's tests share: one-off queries, and starters that run in other processes."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg

from shared.db.embedded import ServerAddress
from shared.db.embedded.command import server_title
from shared.db.embedded.processes import processes_of

IS_ROOT = os.geteuid() == 0
START = "address = server.start(); print(address.port, server.pid(), flush=True)"


def query(address: ServerAddress, sql: str) -> list[tuple[object, ...]]:
    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(address.url(), ssl=False)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(run())


def value(address: ServerAddress, sql: str) -> object:
    return query(address, sql)[0][0]


def script(home: Path, statements: str) -> tuple[str, ...]:
    """Return the command of a Python process that acts on `server`, the embedded server of `home`.

    It listens to Ctrl-C even where the tests run in the background: shells let such jobs ignore it, and children inherit that.
    """
    text = f"""
import signal
import time
from pathlib import Path
from shared.db.embedded import EmbeddedPostgres
signal.signal(signal.SIGINT, signal.default_int_handler)
server = EmbeddedPostgres(Path({str(home)!r}))
{statements}
"""
    return (sys.executable, "-c", text)


def starter(home: Path, *, then: str = "") -> "subprocess.Popen[str]":
    """Spawn a process that starts the server, prints port and pid, then does `then`."""
    return subprocess.Popen(script(home, f"{START}; {then}"), stdout=subprocess.PIPE, text=True, start_new_session=True)


def answer(started: "subprocess.Popen[str]") -> tuple[int, int]:
    """Wait for the port and pid that a starter prints, which log lines may precede."""
    assert started.stdout is not None
    for line in started.stdout:
        words = line.split()
        if len(words) == 2 and all(word.isdigit() for word in words):
            return int(words[0]), int(words[1])
    raise AssertionError("the starter ended without an answer")


def processes(home: Path) -> list[int]:
    data = home.resolve() / "data"
    return processes_of(data, server_title(data))


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
