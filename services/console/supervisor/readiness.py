"""Says whether a process is ready to be talked to."""

import asyncio

from services.console.settings import ConsoleSettings
from services.console.supervisor.processes import ProcessSpec
from shared.db.embedded import EmbeddedPostgres
from shared.errors import Unavailable
from shared.rpc import probe


async def is_ready(spec: ProcessSpec) -> bool:
    """Return whether `spec`'s health service says SERVING, or PostgreSQL lets us in; others need only be alive."""
    if spec.name == "postgres":
        return await asyncio.to_thread(_accepts_logins)
    return spec.health is None or await probe.is_serving(spec.health)


def _accepts_logins() -> bool:
    try:
        EmbeddedPostgres(ConsoleSettings().home.resolve() / "postgres").wait_ready(0.1)
    except Unavailable:
        return False
    return True
