"""Whatever was killed, and whatever it left lying about, the next start brings the data back."""

import asyncio
import os
import signal
import socket
import subprocess
from pathlib import Path

import asyncpg
import pytest

from shared.db.embedded import EmbeddedPostgres, ServerAddress
from shared.db.embedded import home as home_module
from tests.integration.db.embedded.support import answer, eventually, processes, query, starter, value

_SPIN = """
DO $$ DECLARE until timestamptz := clock_timestamp() + interval '1 minute';
BEGIN WHILE clock_timestamp() < until LOOP PERFORM 1; END LOOP; END $$
"""


def _kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def _commit(address: ServerAddress) -> None:
    query(address, "CREATE TABLE kept AS SELECT 42 AS answer")


def test_a_killed_postmaster_is_replaced_and_commits_are_kept(home: Path) -> None:
    server = EmbeddedPostgres(home)
    address, killed = server.start(), server.pid()
    _commit(address)

    _kill(killed)

    assert server.start() == address
    assert server.pid() not in (None, killed)
    assert value(address, "SELECT answer FROM kept") == 42


def test_a_server_process_that_does_not_notice_the_death_is_ended(home: Path) -> None:
    server = EmbeddedPostgres(home)
    address = server.start()
    _commit(address)

    async def spin_while_the_postmaster_dies() -> int:
        connection = await asyncpg.connect(address.url(), ssl=False)
        backend = connection.get_server_pid()
        spinning = asyncio.ensure_future(connection.execute(_SPIN))
        await asyncio.sleep(0.1)
        _kill(server.pid())
        await asyncio.to_thread(server.start)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await spinning
        return int(backend)

    backend = asyncio.run(spin_while_the_postmaster_dies())

    assert backend not in processes(home)
    assert value(address, "SELECT answer FROM kept") == 42


def test_stop_also_ends_what_a_killed_postmaster_left(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    _kill(server.pid())

    server.stop()

    assert processes(home) == []


def test_the_server_outlives_a_killed_starter_and_is_found(home: Path) -> None:
    process = starter(home, then="time.sleep(60)")
    port, pid = answer(process)

    process.kill()
    process.communicate()

    server = EmbeddedPostgres(home)
    assert (server.start().port, server.pid()) == (port, pid)


def test_both_killed_is_recovered(home: Path) -> None:
    process = starter(home, then="time.sleep(60)")
    port, pid = answer(process)
    server = EmbeddedPostgres(home)
    _commit(server.address())

    process.kill()
    _kill(pid)
    process.communicate()

    address = server.start()
    assert address.port == port
    assert value(address, "SELECT answer FROM kept") == 42


@pytest.mark.parametrize("seen", ["nursery/data", "nursery/data/base/4", "data", "data/postmaster.pid"])
def test_a_first_start_killed_in_the_middle_is_completed_by_the_next(bare_home: Path, seen: str) -> None:
    process = starter(bare_home)
    # On a starved machine the moment may pass unseen; the rest holds for a start that was completed, too.
    assert eventually(lambda: (bare_home / seen).exists() or process.poll() is not None)
    process.kill()
    process.communicate()

    address = EmbeddedPostgres(bare_home).start()

    assert value(address, "SELECT count(*) FROM pg_database") == 3
    assert not (bare_home / "nursery").exists()


def test_what_a_broken_initdb_left_is_cleared(bare_home: Path) -> None:
    (bare_home / "nursery" / "data" / "base").mkdir(parents=True)
    (bare_home / "nursery" / "data" / "PG_VERSION").write_text("18\n")

    EmbeddedPostgres(bare_home).start()

    assert not (bare_home / "nursery").exists()


def test_a_pid_file_whose_number_another_process_got_is_ignored(home: Path) -> None:
    server = EmbeddedPostgres(home)
    address = server.start()
    notice = (home / "data" / "postmaster.pid").read_text().splitlines()
    server.stop()
    bystander = subprocess.Popen(("sleep", "60"))
    try:
        (home / "data" / "postmaster.pid").write_text("\n".join([str(bystander.pid), *notice[1:]]) + "\n")
        assert server.pid() is None

        server.stop()
        assert server.start() == address
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("content", ["", "4194303\n/elsewhere\n", "no number\n"])
def test_a_spoilt_pid_file_is_ignored(home: Path, content: str) -> None:
    (home / "data" / "postmaster.pid").write_text(content)

    assert value(EmbeddedPostgres(home).start(), "SELECT 1") == 1


def test_a_port_taken_meanwhile_is_replaced_and_the_new_one_kept(home: Path) -> None:
    server = EmbeddedPostgres(home)
    old = server.start().port
    server.stop()
    with socket.create_server(("127.0.0.1", old)):
        new = server.start()
        assert new.port != old
        assert value(new, "SELECT 1") == 1
        server.stop()

    assert server.start().port == new.port


def test_a_port_taken_between_choice_and_bind_is_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedPostgres(home)
    old = server.start().port
    server.stop()
    really_free, lies = home_module.is_free, iter([True])
    monkeypatch.setattr(home_module, "is_free", lambda port: next(lies, False) or really_free(port))
    with socket.create_server(("127.0.0.1", old)):
        address = server.start()

    assert address.port != old
    assert "could not create any TCP/IP sockets" in (home / "postgresql.log").read_text()
