"""The home folder remembers port and password, keeps secrets to its owner, and lets one process at a time work on it."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from shared.db.embedded.home import Home, is_free
from shared.errors import Unavailable


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "new" / "postgres")
    home.create()
    return home


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_password_is_drawn_once_and_only_its_owner_reads_it(home: Home) -> None:
    password = home.read_password()

    assert len(password) >= 32
    assert home.read_password() == password
    assert _mode(home.path / "password") == 0o600


def test_two_homes_have_different_passwords(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.create()

    assert other.read_password() != home.read_password()


def test_a_lost_password_is_not_replaced_by_one_that_opens_nothing(home: Home) -> None:
    home.data.mkdir()

    with pytest.raises(Unavailable, match=r"password is gone.*restore it"):
        home.read_password()


def test_the_port_is_remembered_while_it_is_free(home: Home) -> None:
    port = home.choose_port()

    assert 20_000 <= port < 32_000
    assert home.choose_port() == port


def test_a_taken_port_is_given_up_for_good(home: Home) -> None:
    port = home.choose_port()
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        moved = home.choose_port()

    assert moved != port
    assert home.choose_port() == moved


def test_a_spoilt_port_file_is_replaced(home: Home) -> None:
    (home.path / "port").write_text("not a number")

    assert is_free(home.choose_port())


def test_a_second_holder_waits_and_is_told(home: Home) -> None:
    with home.locked(1), pytest.raises(Unavailable, match="another process"), home.locked(0.1):
        pass
    with home.locked(1):
        pass


def test_a_child_that_shares_the_lock_keeps_it_after_we_are_gone(home: Home) -> None:
    with home.locked(1) as descriptor:
        child = subprocess.Popen(("sleep", "60"), pass_fds=(descriptor,))
    try:
        with pytest.raises(Unavailable), home.locked(0.1):
            pass
    finally:
        child.kill()
        child.wait()
    with home.locked(1):
        pass


def test_a_long_log_is_set_aside_once(home: Home) -> None:
    assert home.open_log() == 0
    home.log.write_text("short\n")
    assert home.open_log() == 6
    assert home.read_log(2) == "ort\n"

    os.truncate(home.log, 9 * 1024 * 1024)

    assert home.open_log() == 0
    assert (home.path / "postgresql.log.1").stat().st_size == 9 * 1024 * 1024
    assert home.read_log(0) == ""


def test_another_users_home_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = home.path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    with pytest.raises(Unavailable, match=f"belongs to user {owner}"):
        home.create()
