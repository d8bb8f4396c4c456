"""The server never runs as root, needs no folder opened for it, and serves several Unix users on one machine."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.db.embedded import EmbeddedPostgres
from shared.db.embedded.binaries import find_binaries
from tests.integration.db.embedded.conftest import copy_home
from tests.integration.db.embedded.support import IS_ROOT, START, processes, script, value

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")

_NOBODY = pwd.getpwnam("nobody")
_AS_NOBODY = ("setpriv", f"--reuid={_NOBODY.pw_uid}", f"--regid={_NOBODY.pw_gid}", "--clear-groups")
_PASS_CLOSED_FOLDERS = (
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
    "--securebits=+no_setuid_fixup",
)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="visavis-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _status(pid: int | None, key: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{key}:"))


def _modes(path: Path) -> list[tuple[Path, int, int]]:
    return [(parent, parent.stat().st_mode, parent.stat().st_uid) for parent in path.parents]


def _copy_programs(site: Path) -> None:
    """Copy what a server needs of the installed wheel."""
    installed = find_binaries().folder.parent
    copied = site / installed.parent.name / installed.name
    (copied / "bin").mkdir(parents=True)
    (copied.parent / "__init__.py").touch()
    for part in ("bin/postgres", "bin/initdb", "lib", "share"):
        subprocess.run(("cp", "-a", installed / part, copied / part), check=True)
    libraries = f"{installed.parent.name}.libs"
    subprocess.run(("cp", "-a", installed.parent.parent / libraries, site / libraries), check=True)


def _nobody_reads(path: Path) -> bool:
    # Tried after the change of user: setpriv's own exec still has root's rights.
    return (
        subprocess.run((*_AS_NOBODY, "/bin/sh", "-c", 'head -c 1 "$0" >/dev/null 2>&1', path), check=False).returncode
        == 0
    )


def _run_as_nobody(command: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    """Run Python as `nobody`; where the interpreter lies in root's closed folders, with the right to pass them."""
    reach = () if _nobody_reads(Path(command[0])) else _PASS_CLOSED_FOLDERS
    environment = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        (*_AS_NOBODY, *reach, *command),
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_below_a_closed_folder_it_runs_as_nobody_and_changes_no_permission(bare_home: Path) -> None:
    closed = bare_home.parent.parent
    closed.chmod(0o700)
    before = _modes(bare_home.parent), _modes(find_binaries().postgres)

    server = EmbeddedPostgres(bare_home)
    address = server.start()

    assert _status(server.pid(), "Uid") == str(_NOBODY.pw_uid)
    assert value(address, "SELECT 1") == 1
    assert (_modes(bare_home.parent), _modes(find_binaries().postgres)) == before
    assert closed.stat().st_mode & 0o777 == 0o700


def test_programs_below_a_closed_folder_are_run_where_they_are(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir(mode=0o700)
    _copy_programs(site)
    monkeypatch.syspath_prepend(site)
    server = EmbeddedPostgres(home)

    address = server.start()

    assert value(address, "SELECT setting FROM pg_config WHERE name = 'BINDIR'") == str(find_binaries().folder)
    assert find_binaries().folder.is_relative_to(site)
    assert site.stat().st_mode & 0o777 == 0o700


def test_where_all_folders_are_open_it_gets_no_extra_right(template: Path, open_folder: Path) -> None:
    if not _nobody_reads(find_binaries().postgres):
        pytest.skip("the programs lie below a folder that only root may enter")
    home = copy_home(template, open_folder / "postgres")
    server = EmbeddedPostgres(home)
    try:
        server.start()
        assert int(_status(server.pid(), "CapEff"), 16) == 0
    finally:
        server.stop()


def test_root_of_a_container_without_dac_read_search_manages(home: Path) -> None:
    confined = ("setpriv", "--bounding-set=-dac_read_search", "--inh-caps=-all")

    done = subprocess.run(
        (*confined, *script(home, f"{START}; server.stop()")), capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert processes(home) == []


def test_root_runs_another_users_data_as_that_user(home: Path) -> None:
    daemon = pwd.getpwnam("daemon")
    subprocess.run(("chown", "-R", f"{daemon.pw_uid}:{daemon.pw_gid}", home), check=True)
    for remembered in ("port", "lock", "postgresql.log"):
        (home / remembered).unlink(missing_ok=True)
    server = EmbeddedPostgres(home)

    server.start()

    assert _status(server.pid(), "Uid") == str(daemon.pw_uid)
    assert {path.stat().st_uid for path in home.iterdir()} == {daemon.pw_uid}


def test_an_ordinary_user_and_root_run_their_own_side_by_side(home: Path, open_folder: Path) -> None:
    own = open_folder / "own"
    own.mkdir()
    os.chown(own, _NOBODY.pw_uid, _NOBODY.pw_gid)
    address = EmbeddedPostgres(home).start()

    done = _run_as_nobody(script(own / "postgres", f"{START}; server.stop(); server.start(); server.stop()"))

    assert done.returncode == 0, done.stderr
    assert {path.stat().st_uid for path in (own / "postgres").iterdir()} == {_NOBODY.pw_uid}
    assert processes(own / "postgres") == []
    assert value(address, "SELECT 1") == 1


def test_an_ordinary_user_is_told_that_the_home_is_roots(template: Path, open_folder: Path) -> None:
    home = copy_home(template, open_folder / "postgres")

    done = _run_as_nobody(script(home, "server.start()"))

    assert done.returncode == 1
    assert "Unavailable" in done.stderr
    assert "belongs to user 0; use another VISAVIS_HOME" in done.stderr
