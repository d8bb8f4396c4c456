"""`python -m services.sandbox`: writes the extracts of a simulated province, or lets its customers live and answer."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import Failure

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def sandbox() -> None:
    """The simulated outside world of a province."""


@app.command()
def extracts(
    customers: Annotated[int, typer.Option(help="How many customers (lines) live in the province.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same province, byte for byte.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the five CSV files and mapping.toml.  [default: VISAVIS_HOME/sandbox/extracts]"),
    ] = None,
    world: Annotated[
        Path | None,
        typer.Option(help="File for the hidden tastes, outside --out.  [default: tastes.parquet beside --out]"),
    ] = None,
    cycle: Annotated[str, typer.Option(help="The marketing month; the extracts hold the nine before it.")] = "2026-11",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")] = False,
) -> None:
    """Write one month's extracts of a simulated province, and its hidden tastes elsewhere."""
    from services.sandbox.extracts.folder import Destination, write_extracts
    from services.sandbox.settings import SandboxSettings
    from services.sandbox.world.province import build_province

    written: dict[str, int] = {}

    def told(table: str, rows: int) -> None:
        written[table] = rows
        if not as_json:
            typer.echo(f"  {table + '.csv':18} {rows:>12,} rows")

    with _plain_failures("extracts"):
        destination = Destination.of(out or SandboxSettings().home / "sandbox" / "extracts", world)
        if not as_json:
            typer.echo(f"Simulating {customers:,} customers up to {cycle}, seed {seed} …")
        province = build_province(customers=customers, seed=seed, cycle=cycle)
        write_extracts(province, destination, told=told)
    places = {"extracts": str(destination.extracts), "world": str(destination.world)}
    if as_json:
        typer.echo(json.dumps({"cycle": cycle, "rows": written, **places}, ensure_ascii=False, indent=1))
    else:
        typer.echo("Extracts in {extracts}; hidden tastes, for `sandbox serve` alone, in {world}".format(**places))


@app.command()
def serve(
    world: Annotated[Path, typer.Option(help="The hidden tastes that `extracts` wrote.")],
) -> None:
    """Run the SMS gateway, the call platform and BOSS; customers answer by their tastes. Settings: VISAVIS_SANDBOX_…"""
    from services.sandbox import serve as world_alive
    from services.sandbox.settings import SandboxSettings
    from services.sandbox.world.oracle import Oracle
    from services.sandbox.world.secret import read_secret
    from shared import process
    from shared.clock import SystemClock
    from shared.observability import telemetry
    from shared.observability.settings import TelemetrySettings

    with _plain_failures("serve"):
        settings = SandboxSettings()
        oracle = Oracle(read_secret(world))
        with telemetry.configure("sandbox", settings=TelemetrySettings()):
            clock = SystemClock.from_environment()
            process.run(lambda stop: world_alive.serve(settings, oracle, clock=clock, stop=stop))


@contextmanager
def _plain_failures(command: str) -> Iterator[None]:
    """Say what is wrong in one line and end with 2."""
    try:
        yield
    except (Failure, OSError) as failure:
        typer.echo(f"sandbox {command}: {failure}", err=True)
        raise typer.Exit(2) from failure


if __name__ == "__main__":
    app()
