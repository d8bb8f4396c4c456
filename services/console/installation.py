"""Brings a whole local installation up, in order, and down again."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from services.console.migrations import migrate_all
from services.console.settings import ConsoleSettings
from services.console.supervisor import processes
from services.console.supervisor.supervisor import Notice, Supervisor, supervising
from shared.db.settings import DatabaseSettings
from shared.errors import Failure


@asynccontextmanager
async def installation(settings: ConsoleSettings, *, notice: Notice) -> AsyncIterator[Supervisor]:
    """Run PostgreSQL, migrations, five servers and five workers for the body; on leaving all are stopped."""
    async with supervising(settings.home, notice=notice) as supervisor:
        await supervisor.start(processes.postgres(settings))
        await migrate_all(DatabaseSettings())
        await supervisor.start(processes.services(settings))
        yield supervisor


async def make_extracts(folder: Path, world: Path, *, customers: int, seed: int, cycle: str) -> None:
    """Have the sandbox write its extracts and its hidden world. Raises Failure with the sandbox's own words."""
    arguments = ("--customers", str(customers), "--seed", str(seed), "--out", str(folder), "--world", str(world))
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.sandbox", "extracts", *arguments, "--cycle", cycle),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await child.communicate()
    if child.returncode:
        raise Failure(f"the sandbox made no extracts:\n{told.decode()}", reason="ERROR_REASON_SOURCE_UNREADABLE")


async def until(stop: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work`, or stop doing it as soon as `stop` is set."""
    working = asyncio.ensure_future(work())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
    await asyncio.gather(working, return_exceptions=stop.is_set())
