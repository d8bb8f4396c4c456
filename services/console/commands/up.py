"""`visavis up`, `visavis migrate`, `visavis demo`: whole installations."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.console.local_clock import remember_clock
from services.console.session import EXIT_FAILURE, EXIT_INTERRUPTED, AsJson, Session, run
from services.console.settings import PORTS

if TYPE_CHECKING:  # the database's libraries take a second to load, which a clerk's command should not wait for
    from services.console.demo.stage import Stage


def up(
    world: Annotated[
        Path | None,
        typer.Option(
            help="A sandbox's hidden world: also run its gateway, dialer and BOSS.", exists=True, resolve_path=True
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start PostgreSQL, the five services and their workers; start again what ends; stop all with Ctrl-C."""
    from services.console.installation import installation, until
    from services.console.supervisor import processes
    from services.console.supervisor.ownership import sole_owner
    from shared import process

    async def command(session: Session) -> None:
        settings, output = session.settings, session.output

        async def stay_up() -> None:
            output.remark("starting PostgreSQL, five services, five workers …")
            async with installation(settings, notice=output.remark, sandbox=world is not None) as supervisor:
                if world:
                    await supervisor.start(processes.sandbox(settings, world))
                addresses = {name: settings.address(name) for name in PORTS}
                if not output.value(addresses):
                    output.line(f"up: {', '.join(f'{name} {place}' for name, place in addresses.items())}")
                output.remark("Ctrl-C stops all of it.")
                await asyncio.Event().wait()

        async def main(stop: asyncio.Event) -> None:
            await until(stop, stay_up(), stopping=lambda: output.remark("stopping …"))

        with sole_owner(settings.home):
            remember_clock(settings.home, session.clock)
            await process.until_stopped(main)
        output.remark("stopped")

    run(command, as_json=as_json)


def migrate(as_json: AsJson = False) -> None:
    """Bring the database to the newest schema: a role, a schema and a history per service. Repeating it changes nothing."""
    from services.console.migrations import migrate_all
    from shared.db.settings import DatabaseSettings

    async def command(session: Session) -> None:
        await migrate_all(DatabaseSettings())
        if not session.output.value({"migrated": list(PORTS)}):
            session.output.line(f"up to date: the schemas of {', '.join(PORTS)}")

    run(command, as_json=as_json)


def demo(
    customers: Annotated[
        int,
        typer.Option(
            help="How many customers live in it; under 2,000 are often too few to learn from or to compare.", min=200
        ),
    ] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same province.")] = 1,
    once: Annotated[bool, typer.Option("--once", help="Exit when done: 0 only if every promise held.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start everything in a fresh home, run one cycle of a simulated province, push over all four channels, and report."""
    from services.console.demo import home
    from services.console.demo.flow import weekday_morning
    from services.console.demo.stage import Stage
    from services.console.supervisor.ownership import sole_owner

    async def command(session: Session) -> None:
        stage = Stage(session.settings, weekday_morning(), session.output, customers=customers, seed=seed)
        with sole_owner(session.settings.home):
            home.renew(session.settings.home)
            with session.traced("demo"):
                await _perform(stage, session, once=once)
        session.output.remark("stopped")
        if stage.report is None:
            raise typer.Exit(EXIT_INTERRUPTED)
        if stage.report.problems():
            raise typer.Exit(EXIT_FAILURE)

    run(command, as_json=as_json)


async def _perform(stage: "Stage", session: Session, *, once: bool) -> None:
    """Play the demonstration on an installation of its own until it is over, or until Ctrl-C."""
    from services.console.installation import installation, until
    from shared import process

    output = session.output

    async def play() -> None:
        remember_clock(session.settings.home, stage.clock)
        output.remark("starting PostgreSQL, five services, five workers …")
        async with installation(session.settings, notice=output.remark, sandbox=True) as supervisor:
            await stage.play(supervisor)
            if not once:
                stage.invite()
                await asyncio.Event().wait()

    async def main(stop: asyncio.Event) -> None:
        await until(stop, play(), stopping=lambda: output.remark("stopping …"))

    await process.until_stopped(main)
