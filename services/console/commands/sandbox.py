"""`visavis sandbox …`: passes on to the simulated outside world, which is a program of its own."""

import subprocess
import sys

import typer


def sandbox(context: typer.Context) -> None:
    """Work with the simulated province: extracts, serve, inbox, misbehave; each has a --help."""
    child = subprocess.run([sys.executable, "-m", "services.sandbox", *context.args], check=False)
    raise typer.Exit(child.returncode)
