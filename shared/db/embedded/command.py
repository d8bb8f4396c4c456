"""The command line that runs the postmaster in the foreground: its account, its log, its settings."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.db.embedded.account import Account
from shared.db.embedded.address import HOST
from shared.db.embedded.binaries import Binaries
from shared.db.embedded.cluster import environment
from shared.db.embedded.home import Home

_SCRIPT = 'cd "$0" && exec "$@" </dev/null >>postgresql.log 2>&1'
"""Whoever spawns it, the server logs into its home; each step is an exec, so the child's pid is the postmaster's."""


@dataclass(frozen=True, slots=True)
class PostmasterCommand:
    """What to spawn, in a session of its own (`start_new_session=True`): Ctrl-C must not reach it before its clients.

    SIGINT stops it fast, SIGTERM waits for clients to leave, SIGQUIT aborts. It does not end with its parent.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]


def server_title(data: Path) -> str:
    """Return the `cluster_name` of a data folder: it stands in each server process's title, by which we know ours."""
    return f"visavis-{hashlib.sha256(bytes(data)).hexdigest()[:12]}"


def postmaster_command(
    home: Home, binaries: Binaries, account: Account, *, port: int, max_connections: int
) -> PostmasterCommand:
    """Build the command for a prepared home."""
    settings = _settings(home, port, max_connections)
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = (*account.prefix, str(binaries.postgres), "-D", str(home.data), *options)
    return PostmasterCommand(("/bin/sh", "-c", _SCRIPT, str(home.path), *server), environment())


def _settings(home: Home, port: int, max_connections: int) -> dict[str, str]:
    return {
        "cluster_name": server_title(home.data),
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",  # paths are limited to 107 bytes, and /tmp is everybody's
        "max_connections": str(max_connections),
        "password_encryption": "scram-sha-256",
        "shared_buffers": "128MB",
        "max_wal_size": "512MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "dynamic_shared_memory_type": "mmap",  # containers have as little as 64 MB of /dev/shm
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",  # we look for texts in the log
        # Statements' errors go to their client only: their texts and details quote values, such as phone numbers.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
    }
