"""Does runs: claims one at a time, works through its stages, and survives the loss of everything around it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import groupby

import structlog
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode
from structlog.contextvars import bound_contextvars

from shared.clock import Clock
from shared.db.engine import Database
from shared.db.locks import LockSession
from shared.errors import Conflict, Failure, Unavailable
from shared.jsontypes import JsonObject
from shared.observability.context import KEEP, context_of, current_trace_id
from shared.runs.claims import Claim, Claims, FinishedStage
from shared.runs.domain import RunFailure, Superseded
from shared.runs.stages import Stage, StageContext, Tally
from shared.runs.tables import RunTables

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
"""How often an idle worker looks for runs that it was not told of: those of a worker that died."""
_RECONNECT_SECONDS = 0.5
_AT_ONCE = 2
"""How many stages of a run that may go on side by side do: one alone leaves a quarter of two cores idle."""
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between tries while a dependency is down; the last is repeated without end."""
_UNEXPECTED_TRIES = 3


class RunWorker:
    """Works for one service. Several may run side by side, in one process or in many; each does one run at a time."""

    def __init__(
        self, *, database: Database, tables: RunTables, handlers: Mapping[str, Sequence[Stage]], clock: Clock
    ) -> None:
        """`handlers` gives the stages of each kind of run; a stage's name is unique within its kind."""
        self._database = database
        self._claims = Claims(database, tables)
        self._handlers = handlers
        self._clock = clock
        self._tracer = trace.get_tracer("visavis.runs")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; the run in hand is then left to the next worker, at its last finished stage."""
        while not stop.is_set():
            try:
                async with self._database.lock_session() as session:
                    await self._serve(session, stop)
            except (Unavailable, Conflict) as failure:
                log.warning("run_worker_waits", why=failure.message)
                await _sleep_until(stop, _RECONNECT_SECONDS)

    async def _serve(self, session: LockSession, stop: asyncio.Event) -> None:
        kinds = list(self._handlers)
        await self._claims.listen(session)
        while not (session.lost.is_set() or stop.is_set()):
            session.heard.clear()
            claim = await self._claims.take(session, kinds, self._clock.now())
            if claim is None:
                await _first_of(asyncio.sleep(_LOOK_SECONDS), session.heard, session.lost, stop)
                continue
            await _first_of(self._work(claim), session.lost, stop)
            await self._claims.release(session, claim.run.run_id)

    async def _work(self, claim: Claim) -> None:
        run = claim.run
        opened = self._tracer.start_as_current_span(
            f"run {run.kind}",
            context=context_of(run.traceparent),
            attributes={**KEEP, "visavis.run": run.name, "visavis.attempt": claim.attempt},
        )
        with bound_contextvars(run=run.name, attempt=claim.attempt), opened as span:
            log.info("run_claimed")
            try:
                result = await self._work_stages(claim)
                await self._claims.succeed(claim, result, self._clock.now())
                log.info("run_succeeded")
            except Superseded:
                log.warning("run_superseded")
            except (Unavailable, Conflict):
                raise  # the database itself, not a stage: claim again when it is back
            except Failure as failure:
                await self._claims.fail(claim, RunFailure(failure.reason, failure.message), self._clock.now())
                span.set_status(Status(StatusCode.ERROR, failure.reason))
                log.warning("run_failed", reason=failure.reason, why=failure.message)

    async def _work_stages(self, claim: Claim) -> JsonObject:
        finished = {stage.name: stage for stage in await self._claims.finished_stages(claim.run.run_id)}
        tally = Tally({stage.name: stage.units for stage in finished.values()})
        stages = self._handlers[claim.run.kind]
        before: tuple[FinishedStage, ...] = ()
        for together in _neighbours(stages):
            open_ones = [stage for stage in together if stage.name not in finished]
            work = [partial(self._finish, stage, claim, before, tally) for stage in open_ones]
            finished |= {stage.name: stage for stage in await _some_at_once(work)}
            before += tuple(finished[stage.name] for stage in together)
        return finished[stages[-1].name].output

    async def _finish(self, stage: Stage, claim: Claim, before: Sequence[FinishedStage], tally: Tally) -> FinishedStage:
        """Try until the stage is recorded; raise the failure that ends the run."""
        waits = unexpected = 0
        while True:
            try:
                return await self._try(stage, claim, before, tally)
            except (Unavailable, Conflict) as failure:
                log.warning("run_stage_waits", stage=stage.name, why=failure.message)
                waits += 1
            except (Failure, Superseded):
                raise
            except Exception as error:
                log.exception("run_stage_broke", stage=stage.name)
                unexpected += 1
                if unexpected == _UNEXPECTED_TRIES:
                    raise _internal(stage, claim) from error
            await asyncio.sleep(_PAUSES[min(waits + unexpected, len(_PAUSES)) - 1])

    async def _try(self, stage: Stage, claim: Claim, before: Sequence[FinishedStage], tally: Tally) -> FinishedStage:
        done, total = tally.count(stage.name, 0, 0)
        outputs = {earlier.name: earlier.output for earlier in before}
        with self._tracer.start_as_current_span(f"stage {stage.name}"):
            await self._claims.show(claim, stage=stage.name, done=done, total=total)
            async with AsyncExitStack() as resources:
                context = StageContext(
                    claims=self._claims,
                    claim=claim,
                    stage=stage.name,
                    outputs=outputs,
                    tally=tally,
                    resources=resources,
                )
                finished = FinishedStage(stage.name, await stage.work(context), context.units)
                tx = await context.transaction()
                done, total = tally.count(stage.name, finished.units, finished.units)
                await self._claims.record(tx, claim, finished, done=done, total=total, now=self._clock.now())
        log.info("run_stage_finished", stage=stage.name, units=finished.units)
        return finished


def _neighbours(stages: Sequence[Stage]) -> Iterator[Sequence[Stage]]:
    """Yield the stages in their order, those together that may be worked on side by side."""
    for beside, together in groupby(stages, key=lambda stage: stage.beside):
        if beside:
            yield tuple(together)
        else:
            yield from ((stage,) for stage in together)


async def _some_at_once(work: Sequence[Callable[[], Awaitable[FinishedStage]]]) -> Sequence[FinishedStage]:
    """Do all, a few at a time; the first failure ends those that are under way, and is raised when they have ended."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def through(one: Callable[[], Awaitable[FinishedStage]]) -> FinishedStage:
        async with gate:
            return await one()

    tasks = [asyncio.ensure_future(through(one)) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _internal(stage: Stage, claim: Claim) -> Failure:
    trace_id = current_trace_id() or "none"
    return Failure(
        f"stage '{stage.name}' of {claim.run.name} failed unexpectedly, {_UNEXPECTED_TRIES} times; "
        f"the worker's log has it (trace {trace_id}). Asking again goes on from this stage.",
        reason="ERROR_REASON_INTERNAL",
    )


async def _sleep_until(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


async def _first_of(work: Coroutine[None, None, None], *events: asyncio.Event) -> None:
    """Do `work` until it ends or one of `events` is set; then it is cancelled, and has ended when this returns."""
    task = asyncio.create_task(work)
    watches = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([task, *watches], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
    finally:
        for pending in (task, *watches):
            pending.cancel()
        await asyncio.gather(task, *watches, return_exceptions=True)
