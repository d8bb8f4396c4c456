"""What every command does alike: settings, output, one trace, and failures told in words with an exit code."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import ValidationError

from services.console.local_clock import find_clock
from services.console.render.output import Output
from services.console.settings import ConsoleSettings
from services.console.variables import refuse_unknown
from shared.clock import SystemClock
from shared.errors import Failure, InvalidInput, Violation
from shared.observability import logging
from shared.observability.context import KEEP, tracer
from shared.observability.settings import TelemetrySettings
from shared.observability.telemetry import configure

EXIT_FAILURE = 1
EXIT_INTERRUPTED = 130
"""What a shell calls a command that Ctrl-C ended."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]
ActingAs = Annotated[
    str,
    typer.Option("--as", metavar="WHO", help="Who does this; without it VISAVIS_PRINCIPAL, else the system's user."),
]


@dataclass(frozen=True, slots=True)
class Session:
    """One command's surroundings."""

    settings: ConsoleSettings
    telemetry: TelemetrySettings
    clock: SystemClock
    output: Output

    @contextmanager
    def traced(self, command: str) -> Iterator[None]:
        """Trace the body as one kept trace, to which the runs that it starts belong; once in a process."""
        with (
            configure("console", settings=self.telemetry),
            tracer(__name__).start_as_current_span(command, attributes=KEEP),
        ):
            yield


Command = Callable[[Session], Coroutine[None, None, None]]


def run(command: Command, *, as_json: bool, trace: str = "", when_interrupted: str = "interrupted") -> None:
    """Run a command to its end; a failure is told in words on standard error and ends the process with exit code 1.

    With `trace` the command is traced under that name, and the runs that it starts belong to its trace.
    """
    output = Output.to(as_json=as_json)
    try:
        _run(command, output, trace)
    except Failure as failure:
        output.failure(failure)
        raise typer.Exit(EXIT_FAILURE) from None
    except BrokenPipeError:
        raise  # whoever read our output has gone; typer ends in silence
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        output.failure(Failure(f"{where}{error.strerror or error}", reason="ERROR_REASON_INTERNAL"))
        raise typer.Exit(EXIT_FAILURE) from None
    except KeyboardInterrupt:
        output.remark(when_interrupted)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _run(command: Command, output: Output, trace: str) -> None:
    refuse_unknown(os.environ)
    with _settings_told():
        settings, telemetry = ConsoleSettings(), _quieter(TelemetrySettings())
    logging.configure("console", settings=telemetry)
    session = Session(settings, telemetry, find_clock(settings.home), output)
    with session.traced(trace) if trace else nullcontext():
        asyncio.run(command(session))


@contextmanager
def _settings_told() -> Iterator[None]:
    """Turn a setting's wrong value into InvalidInput that names the variable, without the value, which may be a secret."""
    try:
        yield
    except ValidationError as error:
        found = [
            Violation(ConsoleSettings.variable(str(detail["loc"][0])), detail["msg"])
            for detail in error.errors(include_url=False, include_input=False)
        ]
        raise InvalidInput(found) from None


def _quieter(settings: TelemetrySettings) -> TelemetrySettings:
    """A command tells its failures itself: unless a level was asked for, its log shows only errors, as text."""
    level = settings.log_level if "log_level" in settings.model_fields_set else "ERROR"
    return settings.model_copy(update={"log_level": level, "log_format": settings.log_format or "console"})
