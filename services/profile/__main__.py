"""Wires profile: `python -m services.profile serve` answers, `… worker` takes extracts in and folds them into views."""

import asyncio
from functools import partial

import typer

from services.profile.postgres import PostgresStore
from services.profile.settings import ProfileServerSettings, ProfileWorkerSettings
from services.profile.tables import RUNS
from shared import process
from shared.clock import SystemClock
from shared.db.engine import open_database
from shared.db.settings import DatabaseSettings, database_url
from shared.lake.lake import Lake
from shared.lake.settings import LakeSettings
from shared.observability.settings import TelemetrySettings
from shared.observability.telemetry import configure

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def serve() -> None:
    """Answer RPCs until stopped."""
    with configure("profile", settings=TelemetrySettings()):
        process.run(_serve)


@app.command()
def worker() -> None:
    """Do imports and snapshots until stopped."""
    with configure("profile-worker", settings=TelemetrySettings()):
        process.run(_work)


async def _serve(stop: asyncio.Event) -> None:
    from visavis.profile.v1.profile_service_pb2_grpc import add_ProfileServiceServicer_to_server

    from services.profile.datasets.published import LakeRows
    from services.profile.datasets.source_files import LocalFolder
    from services.profile.servicer import SERVICE_NAME, ProfileServicer
    from shared.rpc import server

    async with open_database(database_url(DatabaseSettings(), "profile"), application_name="profile") as database:
        servicer = ProfileServicer(
            store=PostgresStore(database),
            folder=LocalFolder(),
            rows=LakeRows(Lake(LakeSettings().root)),
            clock=SystemClock.from_environment(),
        )
        await server.serve(
            ProfileServerSettings(),
            register=lambda to: add_ProfileServiceServicer_to_server(servicer, to),
            service_names=[SERVICE_NAME],
            checks={"postgres": database.ping},
            stop=stop,
        )


async def _work(stop: asyncio.Event) -> None:
    from services.profile.datasets.published import empty_cells, row_types
    from services.profile.datasets.source_files import look_at, open_cells
    from services.profile.worker import handlers
    from services.profile.worker.desk import Desk
    from services.profile.worker.imports import ImportStages
    from services.profile.worker.snapshots import SnapshotStages
    from services.profile.worker.tables import TableTaking
    from shared.runs.worker import RunWorker

    clock, settings = SystemClock.from_environment(), ProfileWorkerSettings()
    desk = Desk(Lake(LakeSettings().root), clock)
    async with open_database(
        database_url(DatabaseSettings(), "profile"), application_name="profile-worker", pool_size=4
    ) as database:
        store = PostgresStore(database)
        imports = ImportStages(desk, store, TableTaking(desk, look_at, open_cells))
        snapshots = SnapshotStages(
            desk, store, row_types(), partial(empty_cells, desk.lake), settings.history_customers
        )
        work = handlers(imports, snapshots)
        await RunWorker(database=database, tables=RUNS, handlers=work, clock=clock).run(stop)


if __name__ == "__main__":
    app()
