"""How a command of the sandbox fails: in one line, as a person reads it."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from shared.errors import Failure


@contextmanager
def plain_failures(command: str) -> Iterator[None]:
    """Say what is wrong in one line and end with 2."""
    try:
        yield
    except (Failure, OSError) as failure:
        typer.echo(f"sandbox {command}: {failure}", err=True)
        raise typer.Exit(2) from failure
