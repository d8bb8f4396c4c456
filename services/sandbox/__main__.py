"""`python -m services.sandbox`: writes the extracts of a simulated province, or lets its customers live and answer."""

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
    out: Annotated[Path, typer.Option(help="Folder for the five CSV files and mapping.toml.")],
    customers: Annotated[int, typer.Option(help="How many customers (lines) live in the province.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same province, byte for byte.")] = 1,
    world: Annotated[
        Path | None,
        typer.Option(help="File for the hidden tastes, outside --out.  [default: tastes.parquet beside --out]"),
    ] = None,
    cycle: Annotated[str, typer.Option(help="The marketing month; the extracts hold the nine before it.")] = "2026-11",
) -> None:
    """Write one month's extracts of a simulated province, and its hidden tastes elsewhere."""
    from services.sandbox.extracts.folder import Destination, write_extracts
    from services.sandbox.world.province import build_province

    try:
        destination = Destination.of(out, world)
        typer.echo(f"Simulating {customers:,} customers up to {cycle}, seed {seed} …")
        province = build_province(customers=customers, seed=seed, cycle=cycle)
        write_extracts(
            province, destination, told=lambda table, rows: typer.echo(f"  {table + '.csv':20} {rows:>10,} rows")
        )
    except (Failure, OSError) as failure:
        typer.echo(f"sandbox extracts: {failure}", err=True)
        raise typer.Exit(2) from failure
    typer.echo(f"Extracts in {out}; the hidden tastes, for `sandbox serve` alone, in {destination.world}")


if __name__ == "__main__":
    app()
