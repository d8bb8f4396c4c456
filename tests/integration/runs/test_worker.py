"""A worker in this process: what it records, retries, gives up and lets go of."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from sqlalchemy import func, insert, select

from shared.clock import ManualClock
from shared.db.engine import Database
from shared.errors import Conflict, InvalidInput, Unavailable, Violation, WrongState
from shared.jsontypes import JsonObject
from shared.runs.domain import Run, RunFailure, RunState
from shared.runs.stages import Stage, StageContext
from shared.runs.store import RunStore
from shared.runs.worker import RunWorker
from tests.integration.runs.toys import toy_tables

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
Work = Callable[[StageContext], Awaitable[JsonObject]]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runs.worker._PAUSES", (0.01, 0.05))


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


async def count_effects(database: Database) -> int:
    async with database.read() as tx:
        return (await tx.connection.execute(select(func.count()).select_from(toy_tables()[1]))).scalar_one()


async def add_effect(context: StageContext) -> None:
    tx = await context.transaction()
    await tx.connection.execute(insert(toy_tables()[1]).values(run_id=context.run.run_id, stage="x"))


async def first(context: StageContext) -> JsonObject:
    await context.progress(3, 3)
    return {"of": context.run.request["of"]}


async def second(context: StageContext) -> JsonObject:
    await context.progress(2, 5)
    await context.progress(5, 5)
    return {"seen": context.outputs["first"]}


async def test_the_result_is_the_last_stages_output_and_units_add_up(database: Database) -> None:
    await ask(database)
    async with working(database, first, second):
        run = await until_ended(database)
    assert (run.state, run.result, run.failure) == (RunState.SUCCEEDED, {"seen": {"of": "a"}}, None)
    assert (run.stage, run.done, run.total) == ("second", 8, 8)
    assert (run.start_time, run.end_time) == (NOON, NOON)


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


async def test_progress_is_seen_while_the_stage_works(database: Database) -> None:
    go_on = asyncio.Event()

    async def slow(context: StageContext) -> JsonObject:
        await context.progress(1, 4)
        await go_on.wait()
        return {}

    await ask(database)
    async with working(database, first, slow):
        run = await until(database, lambda run: run.stage == "slow" and run.total > 3)
        assert (run.state, run.done, run.total) == (RunState.RUNNING, 4, 7)
        go_on.set()
        await until_ended(database)


async def test_a_failure_ends_the_run_and_asking_again_goes_on_from_its_stage(database: Database) -> None:
    calls: list[str] = []
    mended = False

    async def whole(_: StageContext) -> JsonObject:
        calls.append("whole")
        return {}

    async def broken(context: StageContext) -> JsonObject:
        calls.append("broken")
        await add_effect(context)
        if not mended:
            wrong = Violation("traffic.csv:3", "expected a month")
            raise InvalidInput([wrong], reason="ERROR_REASON_SOURCE_UNREADABLE")
        return {}

    await ask(database)
    async with working(database, whole, broken):
        run = await until_ended(database)
        assert run.state is RunState.FAILED
        assert run.failure == RunFailure("ERROR_REASON_SOURCE_UNREADABLE", "traffic.csv:3: expected a month")
        assert await count_effects(database) == 0
        mended = True
        again = await ask(database)
        assert (again.state, again.failure, again.end_time) == (RunState.PENDING, None, None)
        assert (await until_ended(database)).state is RunState.SUCCEEDED
    assert calls == ["whole", "broken", "broken"]
    assert await count_effects(database) == 1


@pytest.mark.parametrize("failure", [Unavailable("the other service is down"), Conflict("somebody was first")])
async def test_passing_trouble_is_waited_out(database: Database, failure: Exception) -> None:
    tries = 0

    async def troubled(context: StageContext) -> JsonObject:
        nonlocal tries
        tries += 1
        await add_effect(context)
        if tries < 5:
            raise failure
        return {"tries": tries}

    await ask(database)
    async with working(database, troubled):
        run = await until_ended(database)
    assert run.result == {"tries": 5}
    assert await count_effects(database) == 1


async def test_the_unexpected_is_tried_three_times_and_told_without_its_text(database: Database) -> None:
    tries = 0

    async def broken(_: StageContext) -> JsonObject:
        nonlocal tries
        tries += 1
        raise LookupError("13800138000 is nowhere")

    await ask(database)
    async with working(database, broken):
        run = await until_ended(database)
    assert tries == 3
    assert run.failure is not None
    assert run.failure.reason == "ERROR_REASON_INTERNAL"
    assert "13800138000" not in run.failure.message
    assert "'broken' of toys/a" in run.failure.message


async def test_a_stopped_worker_leaves_its_run_to_the_next(database: Database) -> None:
    calls: list[str] = []

    async def whole(_: StageContext) -> JsonObject:
        calls.append("whole")
        return {}

    async def endless(_: StageContext) -> JsonObject:
        calls.append("endless")
        await asyncio.Event().wait()
        return {}

    async def endless_no_more(_: StageContext) -> JsonObject:
        return {"ended": True}

    endless_no_more.__name__ = "endless"
    await ask(database)
    async with working(database, whole, endless):
        await until(database, lambda run: run.stage == "endless")
    assert (await look(database)).state is RunState.RUNNING
    async with working(database, whole, endless_no_more):
        assert (await until_ended(database)).result == {"ended": True}
    assert calls == ["whole", "endless"]


async def test_one_worker_who_lost_its_lock_unawares_records_nothing(database: Database) -> None:
    """The stage shields itself from being cancelled, as a thread does, and goes on when another has its run."""
    go_on = asyncio.Event()
    zombie: list[asyncio.Task[None]] = []

    async def stubborn(context: StageContext) -> JsonObject:
        if zombie:
            return {"by": "successor"}

        async def go_on_without_lock() -> None:
            await go_on.wait()
            await context.progress(1, 1)

        zombie.append(asyncio.create_task(go_on_without_lock()))
        await asyncio.shield(zombie[0])
        return {"by": "zombie"}

    await ask(database)
    async with working(database, stubborn):
        await until(database, lambda run: run.stage == "stubborn")
        await cut_lock_sessions(database)
        run = await until_ended(database)
        go_on.set()
        (outcome,) = await asyncio.gather(*zombie, return_exceptions=True)
    assert run.result == {"by": "successor"}
    assert type(outcome).__name__ == "Superseded"
    assert (await look(database)).done == 0


async def test_a_stage_whose_run_was_taken_meanwhile_rolls_back_its_effects(database: Database) -> None:
    runs = toy_tables()[0].runs
    tries = 0

    async def slow(context: StageContext) -> JsonObject:
        nonlocal tries
        tries += 1
        await add_effect(context)
        if tries == 1:  # as another worker would, if this one's lock had gone
            async with database.write() as tx:
                await tx.connection.execute(runs.update().values(attempt=runs.c.attempt + 1))
        return {"tries": tries}

    await ask(database)
    async with working(database, slow):
        assert (await until_ended(database)).result == {"tries": 2}
    assert await count_effects(database) == 1


async def test_two_workers_do_different_runs_at_the_same_time(database: Database) -> None:
    together = asyncio.Barrier(2)

    async def meet(_: StageContext) -> JsonObject:
        await asyncio.wait_for(together.wait(), timeout=10)
        return {}

    for run_id in ("a", "b"):
        await ask(database, run_id)
    async with working(database, meet), working(database, meet):
        for run_id in ("a", "b"):
            assert (await until_ended(database, run_id)).state is RunState.SUCCEEDED


async def test_an_output_that_is_no_json_is_unexpected(database: Database) -> None:
    async def odd(_: StageContext) -> JsonObject:
        return {"instant": NOON}  # type: ignore[dict-item] # the error that is tested

    await ask(database)
    async with working(database, odd):
        run = await until_ended(database)
    assert run.failure is not None
    assert run.failure.reason == "ERROR_REASON_INTERNAL"


async def test_spans_of_run_and_stages_belong_to_the_trace_that_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace.get_tracer", provider.get_tracer)

    async def failing(_: StageContext) -> JsonObject:
        raise WrongState("no matrix is published", subject="matrices")

    with provider.get_tracer("test").start_as_current_span("asking") as asking:
        await ask(database)
    async with working(database, first, failing):
        await until_ended(database)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert list(spans) == ["asking", "stage first", "stage failing", "run toys"]
    assert {span.context.trace_id for span in spans.values()} == {asking.get_span_context().trace_id}
    assert parent_of(spans["run toys"]) == asking.get_span_context().span_id
    assert parent_of(spans["stage first"]) == spans["run toys"].context.span_id
    assert spans["run toys"].status.status_code is StatusCode.ERROR
    assert spans["run toys"].attributes == {"visavis.keep": True, "visavis.run": "toys/a", "visavis.attempt": 1}


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


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
