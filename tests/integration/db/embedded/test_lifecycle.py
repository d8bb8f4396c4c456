"""A started server is private, complete and found again; a stopped one leaves nothing."""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest

from shared.db.embedded import EmbeddedPostgres, ServerAddress
from shared.errors import Unavailable
from tests.integration.db.embedded.conftest import copy_home
from tests.integration.db.embedded.support import answer, processes, query, starter, value


@pytest.fixture(scope="module")
def served(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server runs for all tests that only look or add."""
    home = copy_home(template, tmp_path_factory.mktemp("served") / "postgres")
    EmbeddedPostgres(home, max_connections=60).start()
    yield home
    EmbeddedPostgres(home).stop()


@pytest.fixture
def address(served: Path) -> ServerAddress:
    return EmbeddedPostgres(served).address()


def _listeners(port: int) -> list[str]:
    """Return the local addresses, as the kernel writes them, that listen on `port`."""
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        if (table := Path("/proc/net", name)).exists()
        for line in table.read_text().splitlines()[1:]
    ]
    return [row[1].split(":")[0] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port]


def test_a_first_start_makes_everything(bare_home: Path) -> None:
    server = EmbeddedPostgres(bare_home, max_connections=37)

    address = server.start()

    assert value(address, "SHOW server_version_num") >= "180000"  # type: ignore[operator] # a text
    assert value(address, "SHOW max_connections") == "37"
    assert server.address() == address
    assert not (bare_home / "nursery").exists()


def test_only_loopback_tcp_listens(address: ServerAddress) -> None:
    assert _listeners(address.port) == ["0100007F"]
    assert value(address, "SHOW unix_socket_directories") == ""


def test_a_login_needs_the_password_and_only_its_scram_hash_is_stored(address: ServerAddress) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        query(ServerAddress(address.host, address.port, address.user, "wrong"), "SELECT 1")
    assert query(address, "SELECT DISTINCT auth_method FROM pg_hba_file_rules") == [("scram-sha-256",)]
    assert value(address, "SELECT left(rolpassword, 14) FROM pg_authid WHERE rolname = 'postgres'") == "SCRAM-SHA-256$"


def test_text_is_utf8_and_sorts_by_code_point_everywhere(address: ServerAddress) -> None:
    row = query(
        address,
        "SELECT pg_encoding_to_char(encoding), datlocprovider::text, datlocale, datcollate FROM pg_database "
        "WHERE datname = 'template1'",
    )
    assert row == [("UTF8", "b", "C.UTF-8", "C")]
    assert value(address, "SELECT upper('全球通ä')") == "全球通Ä"


def test_commits_are_durable_and_times_are_utc(address: ServerAddress) -> None:
    names = "('fsync', 'synchronous_commit', 'full_page_writes', 'TimeZone', 'dynamic_shared_memory_type')"
    assert dict(query(address, f"SELECT name, setting FROM pg_settings WHERE name IN {names}")) == {  # type: ignore[arg-type] # pairs
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "TimeZone": "UTC",
        "dynamic_shared_memory_type": "mmap",
    }


def test_all_connections_can_be_used_at_once(address: ServerAddress) -> None:
    async def fill() -> int:
        connections = await asyncio.gather(*(asyncpg.connect(address.url(), ssl=False) for _ in range(60)))
        count = await connections[0].fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
        await asyncio.gather(*(connection.close() for connection in connections))
        return int(count)

    assert asyncio.run(fill()) == 60


def test_starting_again_finds_the_running_server(served: Path, address: ServerAddress) -> None:
    pid = EmbeddedPostgres(served).pid()

    again = EmbeddedPostgres(served)

    assert again.start() == address
    assert again.pid() == pid is not None


def test_many_starters_at_once_get_one_server(home: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        addresses = list(threads.map(lambda _: EmbeddedPostgres(home).start(), range(4)))

    assert len(set(addresses)) == 1


def test_starters_in_different_processes_get_one_server(bare_home: Path) -> None:
    starters = [starter(bare_home) for _ in range(2)]

    answers = {answer(process) for process in starters}

    server = EmbeddedPostgres(bare_home)
    assert answers == {(server.address().port, server.pid())}
    for process in starters:
        process.communicate(timeout=30)
        assert process.returncode == 0


def test_start_works_inside_a_running_event_loop(served: Path, address: ServerAddress) -> None:
    async def start() -> ServerAddress:
        return EmbeddedPostgres(served).start()

    assert asyncio.run(start()) == address


def test_stop_leaves_no_process_and_the_next_start_has_the_same_address(home: Path) -> None:
    server = EmbeddedPostgres(home)
    address = server.start()
    query(address, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert processes(home)

    server.stop()

    assert processes(home) == []
    assert server.pid() is None
    with pytest.raises(Unavailable, match="is not running"):
        server.address()
    server.stop()
    assert server.start() == address
    assert value(address, "SELECT answer FROM kept") == 42


def test_stop_does_not_wait_for_clients(home: Path) -> None:
    server = EmbeddedPostgres(home)
    address = server.start()

    async def hold() -> None:
        connection = await asyncpg.connect(address.url(), ssl=False)
        await asyncio.to_thread(server.stop)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.fetchval("SELECT 1")

    asyncio.run(asyncio.wait_for(hold(), 60))
    assert processes(home) == []


def test_stopping_what_never_was_makes_no_folder(tmp_path: Path) -> None:
    EmbeddedPostgres(tmp_path / "never").stop()

    assert not (tmp_path / "never").exists()


def test_two_homes_run_side_by_side(home: Path, address: ServerAddress) -> None:
    other = EmbeddedPostgres(home)
    there = other.start()

    assert there.port != address.port
    assert value(there, "SHOW data_directory") != value(address, "SHOW data_directory")
    other.stop()
    assert value(address, "SELECT 1") == 1


def test_ctrl_c_in_the_starters_terminal_does_not_reach_the_server(home: Path) -> None:
    process = starter(home, then="time.sleep(60)")
    _, pid = answer(process)

    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)

    server = EmbeddedPostgres(home)
    assert server.pid() == pid
    assert value(server.address(), "SELECT 1") == 1


def test_the_log_never_shows_a_statements_values(served: Path, address: ServerAddress) -> None:
    query(address, "CREATE TABLE numbers (msisdn text PRIMARY KEY)")
    query(address, "INSERT INTO numbers VALUES ('13800001234')")

    with pytest.raises(asyncpg.UniqueViolationError):
        query(address, "INSERT INTO numbers VALUES ('13800001234')")
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        query(address, "SELECT '13800001234x'::bigint")

    text = (served / "postgresql.log").read_text()
    assert "ready to accept connections" in text
    assert "13800001234" not in text
