"""Chooses the Unix account that the server runs as: PostgreSQL refuses root, and no permission outside home may change.

As root, the programs or home often lie below a folder that only root may enter. The account then gets the right to
pass such folders (one capability), instead of the folders getting a wider mode. The least right that works is taken.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from shared.db.embedded.binaries import Binaries
from shared.errors import Unavailable

_EXTRA_RIGHTS = (
    "",  # all folders are open to everyone
    "dac_read_search",  # enough to pass closed folders
    "dac_override",  # containers keep the former back and grant this one
)
_PROBE = 'cd "$0" && exec "$@"'


@dataclass(frozen=True, slots=True)
class Account:
    """A Unix account and the command prefix that turns us into it; the prefix is empty when we are it already."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def give(self, path: Path) -> None:
        """Make the account the owner of `path`."""
        if self.prefix:
            os.chown(path, self.uid, self.gid)


def choose_account(binaries: Binaries, home: Path, data: Path) -> Account:
    """Return who runs the server of `data`: ourselves, or as root its owner (`nobody` before it exists)."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    uid, gid = _owner(data)
    refusals = []
    for right in _EXTRA_RIGHTS:
        account = Account(uid, gid, _become(uid, gid, right))
        refusal = _try(account, binaries, home)
        if refusal is None:
            return account
        refusals.append(f"{right or 'no extra right'}: {refusal}")
    raise Unavailable(
        f"PostgreSQL does not run as root, and user {uid} can use neither {home} nor {binaries.folder} "
        f"({'; '.join(refusals)}). Run as an ordinary user, or set VISAVIS_DATABASE_URL."
    )


def _owner(data: Path) -> tuple[int, int]:
    if data.exists():
        status = data.stat()
        return status.st_uid, status.st_gid
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise Unavailable("PostgreSQL does not run as root, and the system has no user 'nobody' to run it") from None
    return entry.pw_uid, entry.pw_gid


def _become(uid: int, gid: int, right: str) -> tuple[str, ...]:
    drop = ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups")
    if not right:
        return drop
    # Without no_setuid_fixup the kernel ignores capabilities in access(2), which PostgreSQL asks about its own program.
    return (*drop, f"--inh-caps=+{right}", f"--ambient-caps=+{right}", "--securebits=+no_setuid_fixup")


def _try(account: Account, binaries: Binaries, home: Path) -> str | None:
    """Return why the account cannot enter `home` and run the programs; `initdb --show` touches all of them."""
    probe = ("/bin/sh", "-c", _PROBE, str(home), str(binaries.initdb), "--show", "-D", str(home / "probe"))
    try:
        done = subprocess.run(
            (*account.prefix, *probe), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30
        )
    except FileNotFoundError:
        return "the program 'setpriv' (util-linux) is missing"
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason given"])[-1]
