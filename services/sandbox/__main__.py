"""`python -m services.sandbox`: writes the extracts of a simulated province, or lets its customers live and answer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.sandbox.extracts.dirt.kinds import Dirt, shares_of
from services.sandbox.extracts.form import Compression, Encoding, FileFormat, Form, Split
from services.sandbox.failures import plain_failures
from services.sandbox.gateway_commands import inbox, misbehave

if TYPE_CHECKING:
    from services.sandbox.extracts.folder import Destination, Written

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


app.command()(inbox)
app.command()(misbehave)


@app.callback()
def sandbox() -> None:
    """The simulated outside world of a province."""


@app.command()
def extracts(
    customers: Annotated[int, typer.Option(help="How many customers (lines) live in the province.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same province, byte for byte.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the tables' files and mapping.toml.  [default: VISAVIS_HOME/sandbox/extracts]"),
    ] = None,
    world: Annotated[
        Path | None,
        typer.Option(help="File for the hidden tastes, outside --out.  [default: tastes.parquet beside --out]"),
    ] = None,
    cycle: Annotated[str, typer.Option(help="The marketing month; the extracts hold the nine before it.")] = "2026-11",
    file_format: Annotated[FileFormat, typer.Option("--format", help="CSV, or typed Parquet.")] = FileFormat.CSV,
    encoding: Annotated[Encoding, typer.Option(help="Of CSV files.")] = Encoding.GB18030,
    compress: Annotated[Compression, typer.Option(help="Of CSV files.")] = Compression.NONE,
    files_per_table: Annotated[Split, typer.Option(help="One file, or for monthly tables one a month.")] = Split.ONE,
    dirt: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=SHARE", help=f"Plant faults; repeatable. Kinds: {', '.join(Dirt)}."),
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(help="File for the planted faults, outside --out.  [default: faults.jsonl beside --out]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")] = False,
) -> None:
    """Write one month's extracts of a simulated province, and its hidden tastes elsewhere."""
    from services.sandbox.extracts.folder import Destination, Request, write_extracts
    from services.sandbox.settings import SandboxSettings
    from services.sandbox.world.block import blocks_of

    with plain_failures("extracts"):
        form = Form(file_format, encoding, compress, files_per_table)
        shares = shares_of(dirt or (), form)
        destination = Destination.of(out or SandboxSettings().home / "sandbox" / "extracts", world, ledger)
        request = Request(blocks_of(customers, seed=seed, cycle=cycle), form, shares)
        if not as_json:
            typer.echo(f"Simulating {customers:,} customers up to {cycle}, seed {seed} …")
        written = write_extracts(request, destination)
    _tell_written(written, destination, cycle=cycle, as_json=as_json)


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

    with plain_failures("serve"):
        settings = SandboxSettings()
        oracle = Oracle(read_secret(world))
        with telemetry.configure("sandbox", settings=TelemetrySettings()):
            clock = SystemClock.from_environment()
            process.run(lambda stop: world_alive.serve(settings, oracle, clock=clock, stop=stop))


def _tell_written(written: "Written", destination: "Destination", *, cycle: str, as_json: bool) -> None:
    places = {"extracts": str(destination.extracts), "world": str(destination.world)}
    if written.faults:
        places["ledger"] = str(destination.ledger)
    if as_json:
        told = {"cycle": cycle, "rows": written.rows, "faults": written.faults, **places}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    for table, rows in written.rows.items():
        typer.echo(f"  {table:18} {rows:>12,} rows")
    for kind, count in written.faults.items():
        typer.echo(f"  {kind:18} {count:>12,} faults planted")
    typer.echo("Extracts in {extracts}; hidden tastes, for `sandbox serve` alone, in {world}".format(**places))
    if written.faults:
        typer.echo("What was planted where, for whoever checks what was found, in {ledger}".format(**places))


if __name__ == "__main__":
    app()
