"""An idle worker is told of what there is to do, and notices when it cannot be told."""

import asyncio

import pytest

from shared.db.engine import Database
from shared.errors import WrongState
from shared.jsontypes import JsonObject
from shared.runs.domain import RunState
from shared.runs.stages import StageContext
from tests.integration.runs.working import ask, cut, first, until, until_ended, working


async def test_an_idle_worker_is_told_of_a_run_and_of_one_that_is_asked_for_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runs.worker._LOOK_SECONDS", 3600)
    tries: list[str] = []

    async def fails_once(context: StageContext) -> JsonObject:
        tries.append(context.run.run_id)
        if len(tries) == 1:
            raise WrongState("not yet", subject="a")
        return {}

    async with working(database, fails_once):
        await ask(database, "before")
        await until_ended(database, "before")
        await ask(database, "before")
        await until(database, lambda run: run.state is RunState.SUCCEEDED, "before")
    assert tries == ["before", "before"]


async def test_an_idle_worker_whose_connection_was_cut_opens_another(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runs.worker._LOOK_SECONDS", 3600)
    async with working(database, first):
        async with asyncio.timeout(20):
            while not await cut(database, "query LIKE 'LISTEN%'"):  # noqa: ASYNC110 - the server sets no event of ours
                await asyncio.sleep(0.02)
        await ask(database)
        await until_ended(database)
