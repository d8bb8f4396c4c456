"""Runs asked for, looked up and listed."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.db.engine import Database
from shared.errors import AlreadyExists, NotFound
from shared.jsontypes import JsonObject
from shared.runs.domain import Run, RunState
from shared.runs.store import RunStore
from tests.integration.runs.toys import toy_tables

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


@pytest.fixture
def store() -> RunStore:
    return RunStore(toy_tables()[0])


async def create(database: Database, store: RunStore, run_id: str, kind: str = "imports", **request: str) -> Run:
    asked: JsonObject = dict(request)
    async with database.write() as tx:
        return await store.create(tx, kind=kind, run_id=run_id, request=asked, principal="clerk", now=NOON)


async def test_a_new_run_waits_for_a_worker(database: Database, store: RunStore) -> None:
    run = await create(database, store, "a", month="2026-10")
    assert (run.name, run.state, run.request) == ("imports/a", RunState.PENDING, {"month": "2026-10"})
    assert (run.create_time, run.start_time, run.end_time, run.failure) == (NOON, None, None, None)
    async with database.read() as tx:
        assert await store.get(tx, "imports", "a") == run


async def test_the_same_request_again_returns_the_run_that_is_there(database: Database, store: RunStore) -> None:
    first = await create(database, store, "a", month="2026-10", city="591")
    assert await create(database, store, "a", city="591", month="2026-10") == first


@pytest.mark.parametrize(("kind", "month"), [("imports", "2026-11"), ("snapshots", "2026-10")])
async def test_the_same_id_for_something_else_is_refused(
    database: Database, store: RunStore, kind: str, month: str
) -> None:
    await create(database, store, "a", month="2026-10")
    with pytest.raises(AlreadyExists, match="a already exists with other content"):
        await create(database, store, "a", kind=kind, month=month)


async def test_a_run_of_another_kind_is_not_found(database: Database, store: RunStore) -> None:
    await create(database, store, "a")
    async with database.read() as tx:
        with pytest.raises(NotFound, match="snapshots/a does not exist"):
            await store.get(tx, "snapshots", "a")


async def test_pages_are_newest_first_and_complete(database: Database, store: RunStore) -> None:
    for number in range(7):
        month = "2026-10" if number % 2 else "2026-11"
        async with database.write() as tx:
            await store.create(
                tx,
                kind="imports",
                run_id=str(number),
                request={"month": month},
                principal="clerk",
                now=NOON + timedelta(minutes=number // 2),  # some share their time
            )
    await create(database, store, "of another kind", kind="snapshots")
    assert await ids_by_pages(database, store, limit=2) == ["6", "5", "4", "3", "2", "1", "0"]
    assert await ids_by_pages(database, store, limit=7) == ["6", "5", "4", "3", "2", "1", "0"]
    assert await ids_by_pages(database, store, limit=2, month="2026-10") == ["5", "3", "1"]


async def ids_by_pages(database: Database, store: RunStore, limit: int, **request_has: str) -> list[str]:
    found: list[str] = []
    place = None
    while True:
        async with database.read() as tx:
            page = await store.page(tx, "imports", after=place, limit=limit, request_has=request_has)
        assert len(page.runs) <= limit
        found.extend(run.run_id for run in page.runs)
        place = page.next_place
        if place is None:
            return found
