"""What a person may ask of a simulated gateway: what it received, and to misbehave."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from services.sandbox.failures import plain_failures
from services.sandbox.faults import MAIL_ORDERS, SMS_ORDERS, WAP_ORDERS, GatewayName

if TYPE_CHECKING:  # `misbehave` needs no reader of journals
    from services.sandbox.inbox import Entry

_GATEWAY = typer.Option("--gateway", help="Which of the simulated gateways.")


def inbox(
    gateway: Annotated[GatewayName, _GATEWAY] = GatewayName.SMS,
    last: Annotated[int, typer.Option(min=1, help="How many, the latest.")] = 20,
    number: Annotated[str, typer.Option(help="Only to numbers that end like this.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")] = False,
) -> None:
    """Show what a simulated gateway received. Numbers are masked."""
    with plain_failures("inbox"):
        found = _received(gateway, last, number)
    if as_json:
        typer.echo(json.dumps([each.as_json for each in found], ensure_ascii=False, indent=1))
        return
    for each in found:
        typer.echo(each.line)


def _received(gateway: GatewayName, last: int, number: str) -> "Sequence[Entry]":
    from services.sandbox.inbox import latest, latest_mails, latest_pushes
    from services.sandbox.settings import SandboxSettings

    settings = SandboxSettings()
    match gateway:
        case GatewayName.SMS:
            return latest(settings.journal, last, number_ends_with=number)
        case GatewayName.WAP:
            return latest_pushes(settings.push_journal, last, number_ends_with=number)
        case GatewayName.MAIL:
            return latest_mails(settings.mail_journal, last, number_ends_with=number)


def misbehave(
    faults: Annotated[
        list[str] | None,
        typer.Argument(metavar="FAULT=VALUE …", help="As `throttle_first=30`; none at all ends every misbehaviour."),
    ] = None,
    gateway: Annotated[GatewayName, _GATEWAY] = GatewayName.SMS,
) -> None:
    """Let a running gateway misbehave from now on. Counts run over messages from now on, times are seconds.

    SMS: throttle_first silent_first cut_at cut_mid_frame answer_after odd_answers_after answer_twice unknown_numbers
    refuse_every pass_on_after duplicate_reports no_reports narrow_reports opt_out_every.

    WAP: throttle_first fail_first silent_first garble_first cut_at cut_mid_answer answer_after odd_answers_after
    unknown_numbers refuse_every pass_on_after duplicate_reports no_reports opt_out_every.

    Mail: throttle_first full_first silent_first cut_at cut_mid_data answer_after answer_twice unknown_numbers refuse_every
    bounce_every bounce_twice hang_up opt_out_every.
    """
    from services.sandbox.settings import SandboxSettings

    settings, ordered = SandboxSettings(), faults or ()
    with plain_failures("misbehave"):
        match gateway:
            case GatewayName.SMS:
                SMS_ORDERS.write(settings.faults, SMS_ORDERS.parse(ordered))
            case GatewayName.WAP:
                WAP_ORDERS.write(settings.push_faults, WAP_ORDERS.parse(ordered))
            case GatewayName.MAIL:
                MAIL_ORDERS.write(settings.mail_faults, MAIL_ORDERS.parse(ordered))
    typer.echo("The gateway misbehaves from now on." if faults else "The gateway behaves from now on.")
