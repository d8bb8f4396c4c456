"""The real processes: they start, answer, and an import survives SIGKILL of its worker."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select
from visavis.common.v1 import run_pb2

from services.profile.tables import RUNS
from shared.db.engine import Database, open_database
from shared.rpc.probe import is_serving
from tests.databases import ROLE_SECRET
from tests.factories.profile import Extracts, bill, customer
from tests.integration.profile.conftest import Profile, asking, calling, import_end, until

MONTHS = [f"2026{number:02}" for number in range(2, 11)]
CUSTOMERS = [f"c{number:04}" for number in range(2_000)]


@pytest.fixture
def extracts() -> Extracts:
    """Enough bills that a worker can be caught at them; one in nine hundred is wrong."""
    return Extracts(
        customers=[customer(who, msisdn=f"139{number:08}") for number, who in enumerate(CUSTOMERS)],
        traffic=[],
        subscriptions=[],
        billing=[
            bill(who, month, **({"arrears": "?"} if who.endswith("00") and month == "202605" else {}))
            for who in CUSTOMERS
            for month in MONTHS
        ],
        product_usage=[],
    )


@asynccontextmanager
async def process(command: str, environment: dict[str, str], log: Path) -> "AsyncIterator[asyncio.subprocess.Process]":
    with log.open("ab") as output:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.profile", command),
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
        )
        try:
            yield child
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()


async def stage_attempts(database: Database) -> dict[str, int]:
    """Return the finished stages, and the attempt that finished each."""
    async with database.read() as tx:
        rows = await tx.connection.execute(select(RUNS.stages.c.name, RUNS.stages.c.attempt))
        return {row.name: row.attempt for row in rows}


async def until_finished(database: Database, stage: str) -> None:
    async def is_finished() -> bool:
        return stage in await stage_attempts(database)

    await until(is_finished)


@pytest.mark.timeout(180)
async def test_an_import_goes_on_where_a_killed_worker_left_it(
    service_database_url: Callable[[str], Awaitable[str]],
    profile: Profile,
    extracts: Extracts,
    free_port: int,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "extracts"
    folder.mkdir()
    request = extracts.write(folder)
    url = await service_database_url("profile")
    environment = {
        "VISAVIS_HOME": str(tmp_path / "home"),
        "VISAVIS_DATABASE_URL": url,
        "VISAVIS_DATABASE_ROLE_SECRET": ROLE_SECRET,
        "VISAVIS_PROFILE_PORT": str(free_port),
    }
    async with (
        open_database(url, application_name="test") as database,
        process("serve", environment, tmp_path / "server.log"),
        calling(free_port) as stub,
    ):
        await until(partial(is_serving, f"127.0.0.1:{free_port}"))
        name = (await stub.CreateImport(asking(request))).import_run.name
        async with process("worker", environment, tmp_path / "worker.log") as worker:
            await until_finished(database, "subscriptions")
            worker.send_signal(signal.SIGKILL)
        assert "rejects" not in await stage_attempts(database)
        async with process("worker", environment, tmp_path / "worker.log"):
            found = await import_end(stub, name)
        attempts = await stage_attempts(database)
    assert found.status.state == run_pb2.RUN_STATE_SUCCEEDED
    assert (attempts["customers"], attempts["rejects"]) == (1, 2)
    undisturbed = await profile.import_extracts(request)
    assert [each.dataset.fingerprint for each in found.tables] == [
        each.dataset.fingerprint for each in undisturbed.tables
    ]
    assert {each.table: each.reject_count for each in found.tables}["billing"] == 20
