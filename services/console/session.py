"""What every command does alike: settings, output, connections, one trace, and failures told in words with an exit code."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from services.console.clients import Clients, connect
from services.console.local_clock import find_clock
from services.console.render.output import Output
from services.console.settings import ConsoleSettings
from shared.clock import SystemClock
from shared.errors import Failure, InvalidInput
from shared.observability.context import KEEP, tracer
from shared.observability.settings import TelemetrySettings
from shared.observability.telemetry import configure

EXIT_FAILURE = 1

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


@dataclass(frozen=True, slots=True)
class Session:
    """One command's surroundings."""

    settings: ConsoleSettings
    clock: SystemClock
    output: Output


def run(command: Callable[[Session], Awaitable[None]], *, as_json: bool) -> None:
    """Run a command to its end; a failure is printed in words and ends the process with exit code 1."""
    settings = ConsoleSettings()
    session = Session(settings, find_clock(settings.home), Output.to(as_json=as_json))
    try:
        asyncio.run(_awaited(command, session))
    except Failure as failure:
        _tell(failure, session.output)
        raise typer.Exit(EXIT_FAILURE) from None
    except KeyboardInterrupt:
        session.output.console.print("stopped; the same command goes on where this one was")
        raise typer.Exit(130) from None


@asynccontextmanager
async def connected(session: Session) -> AsyncIterator[Clients]:
    """Open the clients of the session's services."""
    async with connect(session.settings) as clients:
        yield clients


@contextmanager
def traced(command: str) -> Iterator[None]:
    """Trace the body as one kept trace of the console, to which the runs that it starts belong."""
    settings = TelemetrySettings()
    with (
        configure("console", settings=settings.model_copy(update={"log_level": "WARNING", "log_format": "console"})),
        tracer(__name__).start_as_current_span(command, attributes=KEEP),
    ):
        yield


async def _awaited(command: Callable[[Session], Awaitable[None]], session: Session) -> None:
    await command(session)


def _tell(failure: Failure, output: Output) -> None:
    if isinstance(failure, InvalidInput):
        violations = [{"field": v.field, "description": v.description} for v in failure.violations]
        if not output.value({"reason": failure.reason, "violations": violations}):
            for violation in failure.violations:
                output.console.print(f"[red]✗[/red] {violation.field}: {violation.description}", markup=True)
        return
    if not output.value({"reason": failure.reason, "message": failure.message, **failure.metadata}):
        output.console.print(f"[red]✗[/red] {failure.message}")
