"""Runs survive what kills their workers and their database: each completes, and each stage takes effect once."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from sqlalchemy import select

from shared.clock import SystemClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database, open_database
from shared.db.migrate import migrate
from shared.db.roles import provision, service_url
from shared.errors import Unavailable
from shared.runs.domain import Run, RunState
from shared.runs.store import RunStore
from tests.databases import ROLE_SECRET
from tests.integration.runs.toys import KIND, MIGRATIONS, SERVICE, toy_tables

ENDED = (RunState.SUCCEEDED, RunState.FAILED)


class Nursery:
    """Makes and kills workers."""

    def __init__(self, process: "Popen[str]") -> None:
        self._process = process
        self.pids: list[int] = []

    def spawn(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.pids.append(int(self._process.stdout.readline()))

    def kill(self, index: int) -> None:
        os.kill(self.pids.pop(index), signal.SIGKILL)


@contextmanager
def nursery_of(url: str, folder: Path, pause: float) -> Iterator[Nursery]:
    argv = [sys.executable, "-m", "tests.integration.runs.nursery", url, str(folder), str(pause)]
    with (
        (folder / "workers.log").open("w") as log,
        Popen(argv, stdin=PIPE, stdout=PIPE, stderr=log, text=True) as process,
    ):
        yield Nursery(process)


async def ask_for(database: Database, count: int) -> None:
    tables, _ = toy_tables()
    for number in range(count):
        async with database.write() as tx:
            await RunStore(tables).create(
                tx,
                kind=KIND,
                run_id=f"run-{number}",
                request={"count": number + 1},
                principal="test",
                now=SystemClock().now(),
            )


async def all_runs(database: Database) -> list[Run]:
    tables, _ = toy_tables()
    async with database.read() as tx:
        page = await RunStore(tables).page(tx, KIND, limit=100)
    return list(page.runs)


async def all_ended(database: Database) -> bool:
    try:
        return all(run.state in ENDED for run in await all_runs(database))
    except Unavailable:
        return False


async def assert_each_done_once(database: Database, folder: Path) -> None:
    tables, effects = toy_tables()
    runs = await all_runs(database)
    for run in runs:
        count = int(run.run_id.removeprefix("run-")) + 1
        assert run.failure is None
        assert run.result == {"sum": sum(n**2 for n in range(count)), "stages": ["add", "square"]}
        assert (run.done, run.total) == (count + 1, count + 1)
    async with database.read() as tx:
        seen = Counter((row.run_id, row.stage) for row in await tx.connection.execute(select(effects)))
        recorded = Counter((row.run_id, row.name) for row in await tx.connection.execute(select(tables.stages)))
    assert seen == Counter({(run.run_id, stage): 1 for run in runs for stage in ("square", "add")})
    assert recorded == Counter({(run.run_id, stage): 1 for run in runs for stage in ("square", "add", "report")})


@pytest.mark.parametrize("seed", [1, 2])
async def test_runs_survive_workers_killed_at_random_moments(
    database: Database, url: str, tmp_path: Path, seed: int
) -> None:
    noise = random.Random(seed)
    await ask_for(database, 8)
    kills = 0
    with nursery_of(url, tmp_path, pause=0.12) as nursery:
        for _ in range(3):
            nursery.spawn()
        deadline = time.monotonic() + 60
        while not await all_ended(database):
            assert time.monotonic() < deadline, (tmp_path / "workers.log").read_text()
            await asyncio.sleep(noise.random() * 0.25)
            if kills < 9:
                nursery.kill(noise.randrange(3))
                nursery.spawn()
                kills += 1
    assert kills > 5
    await assert_each_done_once(database, tmp_path)


async def test_a_killed_workers_run_is_taken_over_at_once(database: Database, url: str, tmp_path: Path) -> None:
    await ask_for(database, 1)
    with nursery_of(url, tmp_path, pause=1.0) as nursery:
        nursery.spawn()
        await attempt_begins(database, 1)
        nursery.spawn()
        nursery.kill(0)
        killed = time.monotonic()
        await attempt_begins(database, 2)
        assert time.monotonic() - killed < 2.0


async def attempt_begins(database: Database, attempt: int) -> None:
    runs = toy_tables()[0].runs
    async with asyncio.timeout(20):
        while True:
            async with database.read() as tx:
                if (await tx.connection.execute(select(runs.c.attempt))).scalar_one() == attempt:
                    return
            await asyncio.sleep(0.02)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that only this test uses, because it kills it."""
    server = EmbeddedPostgres(tmp_path / "postgres", max_connections=40)
    server.start()
    yield server
    server.stop()


async def test_runs_survive_a_killed_and_a_stopped_postgresql(own_server: EmbeddedPostgres, tmp_path: Path) -> None:
    admin = own_server.address().url()
    await provision(admin, SERVICE, ROLE_SECRET)
    url = service_url(admin, SERVICE, ROLE_SECRET)
    await migrate(url, service=SERVICE, script_location=MIGRATIONS)
    async with open_database(url, application_name="test-runs") as database:
        await ask_for(database, 6)
        with nursery_of(url, tmp_path, pause=0.3) as nursery:
            nursery.spawn()
            nursery.spawn()
            await asyncio.sleep(0.5)
            kill_server(own_server)
            await asyncio.to_thread(own_server.start)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(own_server.stop)
            await asyncio.to_thread(own_server.start)
            deadline = time.monotonic() + 60
            while not await all_ended(database):
                assert time.monotonic() < deadline, (tmp_path / "workers.log").read_text()
                await asyncio.sleep(0.1)
        await assert_each_done_once(database, tmp_path)


def kill_server(server: EmbeddedPostgres) -> None:
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
