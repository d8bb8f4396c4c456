"""A worker in this process: what it records, retries, gives up and lets go of."""

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from sqlalchemy import func, insert, select

from shared.db.engine import Database
from shared.errors import Conflict, InvalidInput, Unavailable, Violation, WrongState
from shared.jsontypes import JsonObject
from shared.runs.domain import RunFailure, RunState
from shared.runs.stages import StageContext
from tests.integration.runs.toys import toy_tables
from tests.integration.runs.working import (
    NOON,
    ask,
    cut_lock_sessions,
    first,
    look,
    second,
    until,
    until_ended,
    working,
)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runs.worker._PAUSES", (0.01, 0.05))


async def count_effects(database: Database) -> int:
    async with database.read() as tx:
        return (await tx.connection.execute(select(func.count()).select_from(toy_tables()[1]))).scalar_one()


async def add_effect(context: StageContext) -> None:
    tx = await context.transaction()
    await tx.connection.execute(insert(toy_tables()[1]).values(run_id=context.run.run_id, stage="x"))


async def test_the_result_is_the_last_stages_output_and_units_add_up(database: Database) -> None:
    await ask(database)
    async with working(database, first, second):
        run = await until_ended(database)
    assert (run.state, run.result, run.failure) == (RunState.SUCCEEDED, {"seen": {"of": "a"}}, None)
    assert (run.stage, run.done, run.total) == ("second", 8, 8)
    assert (run.start_time, run.end_time) == (NOON, NOON)


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
