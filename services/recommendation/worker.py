"""The stages of recommendation's runs: lists assembled, loaded and switched in; targets picked."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeVar

from services.recommendation.datasets.checks import LakeInspector
from services.recommendation.datasets.desk_pages import Chunk, origins_of
from services.recommendation.datasets.lists import LakeWorkshop
from services.recommendation.datasets.previews import PreviewWorkshop
from services.recommendation.engine.assembly.terms import Weighing
from services.recommendation.engine.extraction import Extraction
from services.recommendation.engine.matrix.hit_policies import with_default_row
from services.recommendation.postgres import PostgresSwitches, record_check
from services.recommendation.use_cases.assembly import (
    ASSEMBLY_RUNS,
    AssembledLists,
    AssemblyOrder,
    AssemblyResult,
)
from services.recommendation.use_cases.checking import MATRIX_CHECKS, CheckOrder, CheckResult, summary
from services.recommendation.use_cases.previews import MATRIX_PREVIEWS, PreviewOrder
from services.recommendation.use_cases.rules import Circumstances, Readings
from services.recommendation.use_cases.targets import TARGET_SELECTIONS, TargetOrder
from shared.clock import Clock, local_date
from shared.jsontypes import JsonObject
from shared.observability.context import current_traceparent
from shared.runs.json import from_json, to_json
from shared.runs.stages import Stage, StageContext
from shared.runs.threads import in_thread

_CHECK = "check"
_PIN, _ASSEMBLE, _SWITCH, _DROP = "pin circumstances", "assemble", "switch in", "drop old lists"
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Assembler:
    """Does assembly runs."""

    readings: Readings
    workshop: LakeWorkshop
    switches: PostgresSwitches
    consent_default: bool
    most_at_once: int
    weighing: Weighing
    clock: Clock

    def stages(self) -> Sequence[Stage]:
        return (
            Stage(_PIN, self._pin),
            Stage(_ASSEMBLE, self._assemble),
            Stage(_SWITCH, self._switch_in),
            Stage(_DROP, self._drop_old),
        )

    async def _pin(self, context: StageContext) -> JsonObject:
        """Record what holds for this run, so that a later attempt, and the explanation, assemble by the same."""
        day = local_date(context.run.create_time)
        return to_json(Circumstances(day, self.consent_default, self.most_at_once, self.weighing))

    async def _assemble(self, context: StageContext) -> JsonObject:
        order, pinned = _order(context), from_json(Circumstances, context.outputs[_PIN])
        rules = await self.readings.rules(order.matrices, order.catalogue_id, pinned)
        assembled = await asyncio.to_thread(
            self.workshop.assemble,
            order.inputs,
            rules,
            run_id=context.run.run_id,
            cycle=order.cycle,
            created_at=self.clock.now(),
            traceparent=current_traceparent(),
        )
        await context.progress(order.inputs.views.row_count, order.inputs.views.row_count)
        return to_json(assembled)

    async def _switch_in(self, context: StageContext) -> JsonObject:
        order, assembled = _order(context), from_json(AssembledLists, context.outputs[_ASSEMBLE])
        pinned = from_json(Circumstances, context.outputs[_PIN])
        rules, count = await self.readings.rules(order.matrices, order.catalogue_id, pinned), assembled.lists.row_count
        desk = assembled.lists, order.inputs.views, origins_of(rules)
        switch_time = self.clock.now()
        # Loading leaves a fifth of two cores idle.
        dilution = asyncio.ensure_future(asyncio.to_thread(self.workshop.dilution, assembled.lists, rules.catalogue))
        try:
            await self.switches.switch_in(
                await context.transaction(),
                run_id=context.run.run_id,
                cycle=order.cycle,
                catalogue_id=order.catalogue_id,
                switch_time=switch_time,
                lists=_chunks(context, self.workshop.desk_lists(*desk), 2 * count),
                numbers=_chunks(context, self.workshop.desk_numbers(assembled.lists), 2 * count, done=count),
            )
            return to_json(AssemblyResult(pinned, assembled, switch_time, await dilution))
        finally:
            dilution.cancel()

    async def _drop_old(self, context: StageContext) -> JsonObject:
        await self.switches.drop_old(await context.transaction())
        return context.outputs[_SWITCH]


@dataclass(frozen=True, slots=True)
class TargetPicker:
    """Does target selections."""

    readings: Readings
    workshop: LakeWorkshop
    clock: Clock

    def stages(self) -> Sequence[Stage]:
        return (Stage("pick targets", self._pick),)

    async def _pick(self, context: StageContext) -> JsonObject:
        order = from_json(TargetOrder, context.run.request)
        selected = await asyncio.to_thread(
            self.workshop.select_targets,
            order,
            await self._extraction(order, local_date(context.run.create_time)),
            run_id=context.run.run_id,
            created_at=self.clock.now(),
            traceparent=current_traceparent(),
        )
        await context.progress(selected.targets.row_count, selected.targets.row_count)
        return to_json(selected)

    async def _extraction(self, order: TargetOrder, day: date) -> Extraction | None:
        if not order.matrix_id:
            return None
        table = with_default_row(await self.readings.matrix(order.matrix_id))
        return Extraction(table, await self.readings.catalogue(order.catalogue_id), day, order.weighing)


@dataclass(frozen=True, slots=True)
class Checker:
    """Does checks of matrices."""

    readings: Readings
    inspector: LakeInspector
    clock: Clock

    def stages(self) -> Sequence[Stage]:
        return Stage(_CHECK, self._check), Stage("write down", self._write_down)

    async def _check(self, context: StageContext) -> JsonObject:
        order = from_json(CheckOrder, context.run.request)
        tables = [
            (matrix, await self.readings.composed(matrix.matrix_id, list(matrix.overrides.values())))
            for matrix in order.matrices
        ]
        catalogue = await self.readings.catalogue(order.catalogue_id) if order.catalogue_id else None
        result = await asyncio.to_thread(self.inspector.inspect, order, tables, catalogue)
        await context.progress(result.customers, result.customers)
        return to_json(result)

    async def _write_down(self, context: StageContext) -> JsonObject:
        """Make drafts without errors checked ones, unless they were looked at as they are in one city only."""
        order, result = from_json(CheckOrder, context.run.request), from_json(CheckResult, context.outputs[_CHECK])
        for matrix in order.matrices if not order.city else ():
            passed, reason = summary(result.of(matrix))
            for matrix_id in matrix.all:
                await record_check(
                    await context.transaction(),
                    matrix_id,
                    passed=passed,
                    reason=reason,
                    run=context.run.name,
                    principal=context.run.principal,
                    now=self.clock.now(),
                )
        return context.outputs[_CHECK]


@dataclass(frozen=True, slots=True)
class Previewer:
    """Does previews of drafts, which leave nothing behind but their counts and the dataset of changes."""

    readings: Readings
    workshop: PreviewWorkshop
    clock: Clock

    def stages(self) -> Sequence[Stage]:
        return (Stage("compare", self._compare),)

    async def _compare(self, context: StageContext) -> JsonObject:
        order = from_json(PreviewOrder, context.run.request)
        published = await self.readings.rules(order.before, order.catalogue_before, order.circumstances)
        drafts = await self.readings.rules(order.after, order.catalogue_after, order.circumstances)
        compare = partial(
            self.workshop.preview,
            order,
            published,
            drafts,
            run_id=context.run.run_id,
            created_at=self.clock.now(),
            traceparent=current_traceparent(),
        )
        return to_json(await in_thread(lambda heard: compare(heard=heard), show=context.progress))


def handlers(
    assembler: Assembler, picker: TargetPicker, checker: Checker, previewer: Previewer
) -> Mapping[str, Sequence[Stage]]:
    """Return the stages of each kind of run."""
    return {
        ASSEMBLY_RUNS: assembler.stages(),
        TARGET_SELECTIONS: picker.stages(),
        MATRIX_CHECKS: checker.stages(),
        MATRIX_PREVIEWS: previewer.stages(),
    }


def _order(context: StageContext) -> AssemblyOrder:
    return from_json(AssemblyOrder, context.run.request)


async def _chunks(context: StageContext, chunks: Iterator[Chunk], total: int, done: int = 0) -> AsyncIterator[bytes]:
    """Yield the chunks, telling how many rows have gone of `total`."""
    async for rows, content in chunks_ahead(chunks):
        yield content
        done += rows
        await context.progress(done, total)


async def chunks_ahead(chunks: Iterator[_Item]) -> AsyncIterator[_Item]:
    """Yield what an iterator gives in a thread, which makes the next one while the reader is busy with the last."""
    coming = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
    try:
        while (chunk := await coming) is not None:
            coming = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
            yield chunk
    finally:
        await asyncio.wait({coming})  # the thread must be out of the iterator before anybody closes it
