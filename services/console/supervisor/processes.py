"""The processes of one local installation, in the order of their start."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.console.settings import PORTS, ConsoleSettings
from services.console.supervisor.readiness import Locate, listening, serving, taking_logins

_GRACE_SECONDS = 15.0
_POSTGRES_GRACE_SECONDS = 90.0
"""A shutdown writes all that is in memory to disk; killed instead, the next start recovers it, more slowly."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """How to start one process, how to tell that it is ready (None = alive is enough), how long it gets to stop."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    locate: Locate | None = None
    grace_seconds: float = _GRACE_SECONDS

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, *self.arguments)


_GATEWAY_PORTS = {
    "sandbox_gateway_port": "VISAVIS_DISPATCH_SMS_PORT",
    "sandbox_mail_port": "VISAVIS_DISPATCH_MAIL_PORT",
}
"""By the port of a gateway of the sandbox, where dispatch looks for it."""


def postgres(settings: ConsoleSettings) -> tuple[ProcessSpec, ...]:
    """Return the embedded server, or nothing where a real one is configured."""
    if settings.database_url:
        return ()
    ready = taking_logins(settings.home.resolve() / "postgres")
    arguments = ("-m", "services.console.supervisor.postgres")
    return (ProcessSpec("postgres", arguments, _environment(settings), ready, _POSTGRES_GRACE_SECONDS),)


def services(settings: ConsoleSettings) -> tuple[ProcessSpec, ...]:
    """Return a server and a worker for each of the five."""
    environment = _environment(settings)
    servers = [
        ProcessSpec(name, ("-m", f"services.{name}", "serve"), environment, serving(settings.address(name)))
        for name in PORTS
    ]
    workers = [ProcessSpec(f"{name}-worker", ("-m", f"services.{name}", "worker"), environment) for name in PORTS]
    return (*servers, *workers)


def sandbox(settings: ConsoleSettings, world: Path) -> tuple[ProcessSpec, ...]:
    """Return the simulated province over the hidden tastes in the file `world`."""
    arguments = ("-m", "services.sandbox", "serve", "--world", str(world))
    return (ProcessSpec("sandbox", arguments, _environment(settings), listening(settings.gateway_address)),)


def _environment(settings: ConsoleSettings) -> Mapping[str, str]:
    """Return our own environment, with the home and every address as this installation has them.

    Where a gateway of the sandbox was moved, dispatch sends there, unless it was told another one.
    """
    moved = {
        variable: str(getattr(settings, port))
        for port, variable in _GATEWAY_PORTS.items()
        if port in settings.model_fields_set
    }
    if "sandbox_ppg_port" in settings.model_fields_set:
        moved["VISAVIS_DISPATCH_WAP_URL"] = f"http://{settings.push_gateway_address}/wappush"
    addresses = {ConsoleSettings.variable(f"{name}_address"): settings.address(name) for name in PORTS}
    ports = {ConsoleSettings.variable(f"{name}_port"): str(settings.port(name)) for name in PORTS}
    home = {ConsoleSettings.variable("home"): str(settings.home.resolve())}
    return {**moved, **os.environ, **addresses, **ports, **home}
