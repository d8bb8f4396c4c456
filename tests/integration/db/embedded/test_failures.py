"""What cannot be repaired is said at once: what, where, and the server's own last words."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.db.embedded import EmbeddedPostgres
from shared.errors import Unavailable
from tests.integration.db.embedded.conftest import copy_home
from tests.integration.db.embedded.support import processes, value


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of its own of `request.param` MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ("mount", "-t", "tmpfs", "-o", f"size={request.param}m", "visavis-test", disk), capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a full disk needs the right to mount one: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(("umount", disk), check=True)


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            return filler


@pytest.mark.parametrize("small_disk", [8], indirect=True)
def test_a_disk_too_small_for_a_first_start_is_named(small_disk: Path) -> None:
    home = small_disk / "postgres"

    with pytest.raises(Unavailable, match=r"(?s)initdb could not create .*No space left on device"):
        EmbeddedPostgres(home).start()
    assert not (home / "data").exists()
    assert not (home / "nursery").exists()


@pytest.mark.parametrize("small_disk", [120], indirect=True)
def test_a_disk_that_filled_up_is_named_and_room_heals_it(small_disk: Path, template: Path) -> None:
    home = copy_home(template, small_disk / "postgres")
    server = EmbeddedPostgres(home)
    server.start()
    server.stop()
    filler = _fill(small_disk)

    with pytest.raises(Unavailable, match="No space left on device"):
        server.start()
    assert processes(home) == []

    filler.unlink()
    assert value(server.start(), "SELECT 1") == 1
    server.stop()


def test_a_data_folder_of_another_major_version_is_left_alone(home: Path) -> None:
    (home / "data" / "PG_VERSION").write_text("15\n")

    with pytest.raises(Unavailable, match=r"written by PostgreSQL 15, but this is PostgreSQL \d+: dump it"):
        EmbeddedPostgres(home).start()
    assert not (home / "data" / "postmaster.pid").exists()


def test_a_server_that_refuses_its_settings_is_quoted(home: Path) -> None:
    with pytest.raises(Unavailable, match=r'(?s)The end of its log:.*outside the valid range for parameter "max_conn'):
        EmbeddedPostgres(home, max_connections=0).start()


def test_a_replaced_password_file_is_named(home: Path) -> None:
    (home / "password").write_text("not the one")

    with pytest.raises(Unavailable, match="is not the server's: restore it"):
        EmbeddedPostgres(home).start()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable, match="Not a directory"):
        EmbeddedPostgres(tmp_path / "file" / "postgres").start()


def test_missing_programs_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.db.embedded.binaries.find_spec", lambda _: None)

    with pytest.raises(Unavailable, match="no embedded PostgreSQL: the Python package"):
        EmbeddedPostgres(home).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user")
def test_root_without_setpriv_is_told_what_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))

    with pytest.raises(Unavailable, match=r"does not run as root.*'setpriv' \(util-linux\) is missing"):
        EmbeddedPostgres(home).start()
