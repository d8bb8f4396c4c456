"""The real processes of dispatch, started as the supervisor starts them."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy.engine import make_url

from shared.clock import SystemClock
from tests.databases import ROLE_SECRET
from tests.factories.dispatch import MORNING


def environment(admin_url: str, home: Path, *, gateway_port: int, **changes: str) -> dict[str, str]:
    """Return what the processes need to know; their clock reads MORNING now."""
    offset = (MORNING - SystemClock().now()).total_seconds()
    return {
        **os.environ,
        "VISAVIS_HOME": str(home),
        "VISAVIS_DATABASE_URL": make_url(admin_url).render_as_string(hide_password=False),
        "VISAVIS_DATABASE_ROLE_SECRET": ROLE_SECRET,
        "VISAVIS_CLOCK_OFFSET": str(offset),
        "VISAVIS_DISPATCH_SMS_PORT": str(gateway_port),
        "VISAVIS_DISPATCH_SMS_RATE": "5000",
        **changes,
    }


def start(mode: str, variables: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """Start `python -m services.dispatch <mode>`."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "services.dispatch", mode], env=variables, stdout=out, stderr=out
        )


async def stop(process: "subprocess.Popen[bytes]") -> int:
    """End a process as the supervisor does, and return its exit code."""
    process.terminate()
    return await asyncio.to_thread(process.wait, 15)
