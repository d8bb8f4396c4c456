"""A supervisor runs the postmaster as its own child by prepare, command and wait_ready."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.db.embedded import EmbeddedPostgres
from shared.db.embedded.processes import is_alive
from shared.errors import Unavailable
from tests.integration.db.embedded.support import processes, query, value


@contextmanager
def _child(server: EmbeddedPostgres) -> Iterator["subprocess.Popen[bytes]"]:
    command = server.command()
    with subprocess.Popen(command.argv, env=command.env, start_new_session=True) as child:
        try:
            yield child
        finally:
            child.kill()


def test_the_child_is_the_postmaster(bare_home: Path) -> None:
    server = EmbeddedPostgres(bare_home)
    server.prepare()

    with _child(server) as child:
        address = server.wait_ready(30, pid=child.pid)
        assert server.pid() == child.pid
        assert value(address, "SELECT 1") == 1

        server.stop()
        assert child.wait(30) == 0
    assert processes(bare_home) == []


def test_a_killed_child_is_replaced(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.prepare()
    with _child(server) as child:
        query(server.wait_ready(pid=child.pid), "CREATE TABLE kept AS SELECT 42 AS answer")

    server.prepare()

    with _child(server) as child:
        assert value(server.wait_ready(pid=child.pid), "SELECT answer FROM kept") == 42
        server.stop()


def test_a_server_that_a_killed_owner_left_is_stopped_first(home: Path) -> None:
    left = EmbeddedPostgres(home)
    left.start()
    pid = left.pid()
    assert pid is not None

    EmbeddedPostgres(home).prepare()

    assert not is_alive(pid)
    assert processes(home) == []


def test_a_child_that_ends_is_reported_at_once_with_its_last_words(home: Path) -> None:
    server = EmbeddedPostgres(home, max_connections=0)
    server.prepare()
    began = time.monotonic()

    with _child(server) as child, pytest.raises(Unavailable, match=r"(?s)ended at its start.*max_connections"):
        server.wait_ready(60, pid=child.pid)
    assert time.monotonic() - began < 50


def test_waiting_for_nobody_ends_with_the_time(home: Path) -> None:
    with pytest.raises(Unavailable, match=r"did not get ready in 0 s"):
        EmbeddedPostgres(home).wait_ready(0.2)
