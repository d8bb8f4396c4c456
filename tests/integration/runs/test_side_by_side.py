"""Stages that need nothing of each other go on side by side."""

import asyncio

from shared.db.engine import Database
from shared.errors import WrongState
from shared.jsontypes import JsonObject
from shared.runs.claims import Claims
from shared.runs.domain import RunState
from shared.runs.stages import StageContext
from tests.integration.runs.toys import toy_tables
from tests.integration.runs.working import ask, cut_lock_sessions, first, until_ended, working


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


async def test_a_neighbour_that_was_recorded_is_not_done_again_when_the_run_is_taken_up_again(
    database: Database,
) -> None:
    begun: list[str] = []

    async def quick(_: StageContext) -> JsonObject:
        begun.append("quick")
        return {}

    async def long(context: StageContext) -> JsonObject:
        begun.append("long")
        if begun.count("long") == 1:
            await asyncio.Event().wait()
        return {"others": sorted(context.outputs)}

    await ask(database)
    async with working(database, quick, long, beside=(quick, long)):
        async with asyncio.timeout(20):
            while not (await recorded(database) and begun.count("long")):  # noqa: ASYNC110 - looks from outside
                await asyncio.sleep(0.02)
        await cut_lock_sessions(database)
        run = await until_ended(database)
    assert (run.state, sorted(begun)) == (RunState.SUCCEEDED, ["long", "long", "quick"])
    assert run.result == {"others": []}


async def recorded(database: Database) -> list[str]:
    return [stage.name for stage in await Claims(database, toy_tables()[0]).finished_stages("a")]
