"""`visavis up`, `visavis migrate`, `visavis demo`: whole installations."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from services.console.demo import home
from services.console.demo.flow import weekday_morning
from services.console.demo.stage import Stage
from services.console.installation import installation, until
from services.console.local_clock import remember_clock
from services.console.migrations import migrate_all
from services.console.session import EXIT_FAILURE, AsJson, Session, run, traced
from services.console.settings import PORTS
from services.console.supervisor import processes
from shared import process
from shared.db.settings import DatabaseSettings


def up(
    world: Annotated[
        Path | None,
        typer.Option(
            help="A sandbox's hidden world: also run its gateway, dialer and BOSS.", exists=True, resolve_path=True
        ),
    ] = None,
) -> None:
    """Start PostgreSQL, the five services and their workers; start again what ends; stop all with Ctrl-C."""

    async def command(session: Session) -> None:
        async def main(stop: asyncio.Event) -> None:
            async with installation(session.settings, notice=session.output.console.print) as supervisor:
                if world:
                    await supervisor.start(processes.sandbox(session.settings, world))
                ports = ", ".join(f"{name} {session.settings.address(name)}" for name in PORTS)
                session.output.console.print(f"up: {ports}. Ctrl-C stops all of it.")
                await stop.wait()

        session.settings.home.mkdir(parents=True, exist_ok=True)
        remember_clock(session.settings.home, session.clock)
        await process.until_stopped(main)

    run(command, as_json=False)


def migrate() -> None:
    """Bring the database to the newest schema: a role, a schema and a history per service. Repeating it changes nothing."""

    async def command(session: Session) -> None:
        await migrate_all(DatabaseSettings())
        session.output.console.print("the schemas of all five services are up to date")

    run(command, as_json=False)


def demo(
    customers: Annotated[int, typer.Option(help="How many customers the simulated province has.", min=200)] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same province.")] = 1,
    once: Annotated[bool, typer.Option("--once", help="Exit when done: 0 only if every promise held.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start everything in a fresh home, run one cycle of a simulated province, push by SMS and call, and report."""

    async def command(session: Session) -> None:
        home.renew(session.settings.home)
        clock = weekday_morning()
        remember_clock(session.settings.home, clock)
        stage = Stage(session.settings, clock, session.output, customers=customers, seed=seed)

        async def main(stop: asyncio.Event) -> None:
            async with installation(session.settings, notice=session.output.console.print) as supervisor:
                await until(stop, lambda: stage.play(supervisor))
                if not stop.is_set() and not once:
                    stage.invite()
                    await stop.wait()
            session.output.console.print("stopped")

        with traced("demo"):
            await process.until_stopped(main)
        if stage.report is None or stage.report.problems():
            raise typer.Exit(EXIT_FAILURE)

    run(command, as_json=as_json)
