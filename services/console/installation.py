"""Brings a whole local installation up, in order, and down again."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from services.console.migrations import migrate_all
from services.console.settings import PORTS, ConsoleSettings
from services.console.supervisor import processes
from services.console.supervisor.child import Notice
from services.console.supervisor.ports import require_free_ports
from services.console.supervisor.supervisor import Supervisor, supervising
from shared.db.settings import DatabaseSettings
from shared.errors import Failure


@asynccontextmanager
async def installation(settings: ConsoleSettings, *, notice: Notice, sandbox: bool) -> AsyncIterator[Supervisor]:
    """Run PostgreSQL, migrations, five servers and five workers for the body; on leaving all are stopped.

    The caller holds the home (`sole_owner`). With `sandbox` its gateways' ports are looked at, too, so that it is told at once if
    it is taken. Raises InvalidInput for ports in use, Unavailable for what does not start.
    """
    require_free_ports(_ports(settings, sandbox=sandbox))
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
        start_new_session=True,  # Ctrl-C is for us
    )
    try:
        told, _ = await child.communicate()
    except asyncio.CancelledError:
        child.kill()
        await child.wait()
        raise
    if child.returncode:
        raise Failure(f"the sandbox made no extracts:\n{told.decode()}", reason="ERROR_REASON_SOURCE_UNREADABLE")


async def until(stop: asyncio.Event, work: Awaitable[None], *, stopping: Callable[[], None]) -> None:
    """Await `work`; when `stop` is set first, call `stopping`, cancel the work and wait until it has cleaned up."""
    working = asyncio.ensure_future(work)
    watching = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        watching.cancel()
        if not working.done():
            stopping()
            working.cancel()
            await asyncio.wait({working})
    if not working.cancelled():
        working.result()


def _ports(settings: ConsoleSettings, *, sandbox: bool) -> dict[str, str]:
    addresses = {settings.variable(f"{service}_port"): settings.address(service) for service in PORTS}
    addresses[settings.variable("dispatch_wap_reports_port")] = settings.wap_reports_address
    gateways = {
        settings.variable("sandbox_gateway_port"): settings.gateway_address,
        settings.variable("sandbox_mail_port"): settings.mail_gateway_address,
        settings.variable("sandbox_ppg_port"): settings.push_gateway_address,
    }
    return addresses | gateways if sandbox else addresses
