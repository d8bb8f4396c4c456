"""A running profile: server and worker in this process, over a real socket, PostgreSQL and lake."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from visavis.common.v1 import run_pb2
from visavis.profile.v1 import profile_service_pb2 as pb
from visavis.profile.v1 import profile_service_pb2_grpc as rpc

from services.profile.datasets.published import LakeRows, empty_cells, row_types
from services.profile.datasets.source_files import LocalFolder, look_at, open_cells
from services.profile.domain.resources import ImportRequest
from services.profile.postgres import PostgresStore
from services.profile.servicer import SERVICE_NAME, ProfileServicer
from services.profile.settings import ProfileServerSettings
from services.profile.tables import RUNS
from services.profile.worker import handlers
from services.profile.worker.desk import Desk
from services.profile.worker.imports import ImportStages
from services.profile.worker.snapshots import SnapshotStages
from services.profile.worker.tables import TableTaking
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.lake.lake import Lake
from shared.rpc.client import open_channel
from shared.rpc.identity import LOCAL, Caller
from shared.rpc.server import running
from shared.runs.worker import RunWorker

HISTORY_CUSTOMERS = 1_000
NOW = datetime(2026, 11, 9, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Profile:
    """What a test needs of a running profile."""

    stub: "rpc.ProfileServiceAsyncStub"
    port: int
    lake: Lake
    clock: ManualClock
    _worker: RunWorker
    _working: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start_worker(self) -> None:
        """Work from now on."""
        await self._working.enter_async_context(_until_left(self._worker))

    async def import_extracts(self, request: ImportRequest, request_id: str = "") -> pb.Import:
        """Import to the end; a failure is returned like a success."""
        created = await self.stub.CreateImport(asking(request, request_id))
        return await self.end_of(created.import_run.name)

    async def end_of(self, name: str) -> pb.Import:
        """Return an import once it has ended."""
        return await import_end(self.stub, name)

    async def snapshot_of(self, imported: pb.Import) -> pb.Snapshot:
        """Make a snapshot to the end."""
        created = await self.stub.CreateSnapshot(pb.CreateSnapshotRequest(import_run=imported.name))
        asked = pb.GetSnapshotRequest(name=created.snapshot.name)

        async def ended() -> bool:
            return has_ended((await self.stub.GetSnapshot(asked)).snapshot.status)

        await until(ended)
        return (await self.stub.GetSnapshot(asked)).snapshot


async def import_end(stub: "rpc.ProfileServiceAsyncStub", name: str) -> pb.Import:
    """Return an import once it has ended."""

    async def ended() -> bool:
        return has_ended((await stub.GetImport(pb.GetImportRequest(name=name))).import_run.status)

    await until(ended)
    return (await stub.GetImport(pb.GetImportRequest(name=name))).import_run


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Look every 20 ms, for a minute at most."""
    async with asyncio.timeout(60):
        while True:
            if await is_so():
                return
            await asyncio.sleep(0.02)


def has_ended(status: run_pb2.RunStatus) -> bool:
    return status.state in {run_pb2.RUN_STATE_SUCCEEDED, run_pb2.RUN_STATE_FAILED}


def asking(request: ImportRequest, request_id: str = "") -> pb.CreateImportRequest:
    return pb.CreateImportRequest(
        request_id=request_id, cycle=request.cycle, source_uri=request.source, mapping=request.mapping
    )


def new_id() -> str:
    return str(uuid.uuid4())


@asynccontextmanager
async def _until_left(worker: RunWorker) -> AsyncIterator[None]:
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    try:
        yield
    finally:
        stop.set()
        await working


@asynccontextmanager
async def calling(port: int, caller: Caller = LOCAL) -> "AsyncIterator[rpc.ProfileServiceAsyncStub]":
    """Yield a stub for calls on behalf of `caller`."""
    async with open_channel(f"127.0.0.1:{port}", client_name="test", caller=caller) as channel:
        yield rpc.ProfileServiceStub(channel)


@pytest.fixture
def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
async def idle_profile(
    service_database: Callable[[str], Awaitable[Database]], tmp_path: Path
) -> AsyncIterator[Profile]:
    """A profile whose worker has not started."""
    database = await service_database("profile")
    clock, lake, store = ManualClock(NOW), Lake(tmp_path / "lake"), PostgresStore(database)
    servicer = ProfileServicer(store=store, folder=LocalFolder(), rows=LakeRows(lake), clock=clock)
    desk = Desk(lake, clock)
    imports = ImportStages(desk, store, TableTaking(desk, look_at, open_cells))
    work = handlers(imports, SnapshotStages(desk, store, row_types(), partial(empty_cells, lake), HISTORY_CUSTOMERS))
    worker = RunWorker(database=database, tables=RUNS, handlers=work, clock=clock)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(
            running(
                ProfileServerSettings(port=0, drain_seconds=0),
                register=lambda to: rpc.add_ProfileServiceServicer_to_server(servicer, to),
                service_names=[SERVICE_NAME],
                checks={"postgres": database.ping},
            )
        )
        stub = await stack.enter_async_context(calling(port))
        profile = Profile(stub, port, lake, clock, worker)
        await stack.enter_async_context(profile._working)
        yield profile


@pytest.fixture
async def profile(idle_profile: Profile) -> Profile:
    await idle_profile.start_worker()
    return idle_profile
