"""A worker in this process, on runs of toys: asked for, looked at, cut off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from shared.clock import ManualClock
from shared.db.engine import Database
from shared.jsontypes import JsonObject
from shared.runs.domain import Run
from shared.runs.stages import Stage, StageContext
from shared.runs.store import RunStore
from shared.runs.worker import RunWorker
from tests.integration.runs.toys import toy_tables

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
Work = Callable[[StageContext], Awaitable[JsonObject]]


async def ask(database: Database, run_id: str = "a") -> Run:
    async with database.write() as tx:
        return await RunStore(toy_tables()[0]).create(
            tx, kind="toys", run_id=run_id, request={"of": run_id}, principal="test", now=NOON
        )


async def look(database: Database, run_id: str = "a") -> Run:
    async with database.read() as tx:
        return await RunStore(toy_tables()[0]).get(tx, "toys", run_id)


async def until(database: Database, is_so: Callable[[Run], bool], run_id: str = "a") -> Run:
    async with asyncio.timeout(20):
        while True:
            run = await look(database, run_id)
            if is_so(run):
                return run
            await asyncio.sleep(0.02)


async def until_ended(database: Database, run_id: str = "a") -> Run:
    return await until(database, lambda run: run.end_time is not None, run_id)


@asynccontextmanager
async def working(database: Database, *stages: Work, beside: Sequence[Work] = ()) -> AsyncIterator[None]:
    """Have one worker do runs made of `stages`, named as their functions are; some of them side by side."""
    stop = asyncio.Event()
    worker = RunWorker(
        database=database,
        tables=toy_tables()[0],
        handlers={"toys": [Stage(work.__name__, work, beside=work in beside) for work in stages]},
        clock=ManualClock(NOON),
    )
    task = asyncio.create_task(worker.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, timeout=10)


async def first(context: StageContext) -> JsonObject:
    await context.progress(3, 3)
    return {"of": context.run.request["of"]}


async def second(context: StageContext) -> JsonObject:
    await context.progress(2, 5)
    await context.progress(5, 5)
    return {"seen": context.outputs["first"]}


async def cut_lock_sessions(database: Database) -> None:
    """Have the server end the connections that hold advisory locks of sessions."""
    assert await cut(database, "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')")


async def cut(database: Database, which: str) -> int:
    """Have the server end these connections; return how many there were."""
    async with database.read() as tx:
        adapted = await tx.connection.get_raw_connection()
        driver = adapted.driver_connection
        assert isinstance(driver, asyncpg.Connection)
        ended = await driver.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
        )
        return len(ended)
