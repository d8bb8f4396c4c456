"""What a person may ask of the simulated SMS gateway: what it received, and to misbehave."""

import json
from typing import Annotated

import typer

from services.sandbox.failures import plain_failures


def inbox(
    last: Annotated[int, typer.Option(min=1, help="How many, the latest.")] = 20,
    number: Annotated[str, typer.Option(help="Only to numbers that end like this.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")] = False,
) -> None:
    """Show what the simulated SMS gateway received. Numbers are masked."""
    from services.sandbox import inbox as received
    from services.sandbox.settings import SandboxSettings

    with plain_failures("inbox"):
        found = received.latest(SandboxSettings().journal, last, number_ends_with=number)
    if as_json:
        typer.echo(json.dumps([received.as_json(each) for each in found], ensure_ascii=False, indent=1))
        return
    for line in received.lines(found):
        typer.echo(line)


def misbehave(
    faults: Annotated[
        list[str] | None,
        typer.Argument(metavar="FAULT=VALUE …", help="As `throttle_first=30`; none at all ends every misbehaviour."),
    ] = None,
) -> None:
    """Let the running SMS gateway misbehave from now on.

    Faults: throttle_first silent_first cut_at cut_mid_frame answer_after odd_answers_after answer_twice unknown_numbers
    refuse_every pass_on_after duplicate_reports no_reports narrow_reports opt_out_every. Counts run over SMS from now on,
    times are seconds.
    """
    from services.sandbox.faults import faults_of, write_faults
    from services.sandbox.settings import SandboxSettings

    with plain_failures("misbehave"):
        write_faults(SandboxSettings().faults, faults_of(faults or ()))
    typer.echo("The gateway misbehaves from now on." if faults else "The gateway behaves from now on.")
