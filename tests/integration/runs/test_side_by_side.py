"""Stages that need nothing of each other go on side by side."""

import asyncio

from shared.db.engine import Database
from shared.errors import WrongState
from shared.jsontypes import JsonObject
from shared.runs.domain import RunState
from shared.runs.stages import StageContext
from tests.integration.runs.working import ask, first, until_ended, working


async def test_neighbours_are_worked_on_side_by_side_and_what_follows_sees_both(database: Database) -> None:
    met = asyncio.Barrier(2)

    async def left(context: StageContext) -> JsonObject:
        await context.progress(1, 4)
        await met.wait()
        await context.progress(4, 4)
        return {"left": sorted(context.outputs)}

    async def right(context: StageContext) -> JsonObject:
        await context.progress(3, 5)
        await met.wait()
        await context.progress(5, 5)
        return {"right": sorted(context.outputs)}

    async def last(context: StageContext) -> JsonObject:
        return {**context.outputs["left"], **context.outputs["right"]}

    await ask(database)
    async with working(database, first, left, right, last, beside=(left, right)):
        run = await until_ended(database)
    assert run.result == {"left": ["first"], "right": ["first"]}
    assert (run.done, run.total) == (12, 12)


async def test_the_failure_of_a_stage_ends_the_one_beside_it_and_the_run(database: Database) -> None:
    ended: list[str] = []
    begun = asyncio.Event()

    async def breaks(_: StageContext) -> JsonObject:
        await begun.wait()
        raise WrongState("it cannot be", subject="a")

    async def goes_on(_: StageContext) -> JsonObject:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("goes_on")
        return {}

    await ask(database)
    async with working(database, breaks, goes_on, beside=(breaks, goes_on)):
        run = await until_ended(database)
    assert (run.state, ended) == (RunState.FAILED, ["goes_on"])
    assert run.failure is not None
    assert "it cannot be" in run.failure.message
