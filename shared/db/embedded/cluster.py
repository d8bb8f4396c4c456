"""Creates the data folder, all of it or nothing, and refuses one that this PostgreSQL cannot read."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from shared.db.embedded.account import Account
from shared.db.embedded.address import SUPERUSER
from shared.db.embedded.binaries import Binaries
from shared.db.embedded.home import Home
from shared.errors import Unavailable

_INITDB_SECONDS = 120
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""Nothing of ours reaches the server: PGDATA, PGPORT and the like would change what it does."""


def ensure_cluster(home: Home, binaries: Binaries, account: Account, lock: int) -> None:
    """Leave a complete `home.data`; `lock` is the home's lock, which an initdb that outlives us keeps holding."""
    _remove(home.nursery)
    if home.data.exists():
        return _require_same_major(home.data, binaries)
    password = home.read_password()
    home.nursery.mkdir(mode=0o700)
    account.give(home.nursery)
    _initdb(home, binaries, account, password, lock)
    (home.nursery / "data").rename(home.data)
    _sync(home.path)
    return _remove(home.nursery)


def environment() -> dict[str, str]:
    """Return the whole environment that the server's programs get."""
    return dict(_ENVIRONMENT)


def _initdb(home: Home, binaries: Binaries, account: Account, password: str, lock: int) -> None:
    secret = home.nursery / "password"
    secret.touch(mode=0o600)
    account.give(secret)
    secret.write_text(password)
    arguments = (
        f"--pgdata={home.nursery / 'data'}",
        f"--username={SUPERUSER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    )
    done = subprocess.run(
        (*account.prefix, str(binaries.initdb), *arguments),
        cwd=home.path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_INITDB_SECONDS,
        pass_fds=(lock,),
        start_new_session=True,
    )
    if done.returncode != 0:
        _remove(home.nursery)
        raise Unavailable(f"initdb could not create {home.data}:\n{last_lines(done.stdout)}")


def last_lines(text: str, count: int = 12) -> str:
    """Return the end of a program's output, indented for a message."""
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-count:]) or "  (it wrote nothing)"


def _require_same_major(data: Path, binaries: Binaries) -> None:
    version = data / "PG_VERSION"
    found = version.read_text().strip() if version.exists() else "no known version"
    done = subprocess.run((str(binaries.postgres), "--version"), capture_output=True, text=True, check=True)
    number = re.search(r"\d+", done.stdout)
    ours = number.group() if number else done.stdout.strip()
    if found != ours:
        raise Unavailable(
            f"{data} was written by PostgreSQL {found}, but this is PostgreSQL {ours}: "
            f"dump it with the old version and restore it, or move {data.parent} away"
        )


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _sync(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
