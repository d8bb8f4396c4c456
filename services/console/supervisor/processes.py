"""The processes of one local installation, in the order of their start."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.console.settings import PORTS, ConsoleSettings


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """How to start one process. `health` is the host:port that must answer SERVING; None = alive is enough."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    health: str | None = None

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, *self.arguments)


def postgres(settings: ConsoleSettings) -> tuple[ProcessSpec, ...]:
    """Return the embedded server, or nothing where a real one is configured."""
    if settings.database_url:
        return ()
    return (ProcessSpec("postgres", ("-m", "services.console.supervisor.postgres"), _environment(settings)),)


def services(settings: ConsoleSettings) -> tuple[ProcessSpec, ...]:
    """Return a server and a worker for each of the five."""
    environment = _environment(settings)
    servers = [
        ProcessSpec(name, ("-m", f"services.{name}", "serve"), environment, settings.address(name)) for name in PORTS
    ]
    workers = [ProcessSpec(f"{name}-worker", ("-m", f"services.{name}", "worker"), environment) for name in PORTS]
    return (*servers, *workers)


def sandbox(settings: ConsoleSettings, world: Path) -> tuple[ProcessSpec, ...]:
    """Return the simulated province over the hidden tastes in the file `world`."""
    arguments = ("-m", "services.sandbox", "serve", "--world", str(world))
    return (ProcessSpec("sandbox", arguments, _environment(settings)),)


def _environment(settings: ConsoleSettings) -> Mapping[str, str]:
    return {**os.environ, "VISAVIS_HOME": str(settings.home.resolve())}
