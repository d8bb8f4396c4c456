"""The stages of an import: one per source table, those that rows of others belong to first, then the rejects of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from services.profile.domain.mapping import Limits, sound_mapping
from services.profile.domain.resources import Import, ImportRequest, ImportResult, TakenTable, rejects_uri
from services.profile.domain.source_tables import CUSTOMERS, OWNERS, SOURCE_TABLES, SourceTable, owners_of
from services.profile.engine.taken_rows import write_numbered_rejects
from services.profile.ports import Store
from services.profile.worker.desk import Desk
from services.profile.worker.limits import implausible, stopped
from services.profile.worker.tables import NUMBERED_REJECT, TableTaking, Taking
from shared.errors import WrongState
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.runs.json import from_json, to_json
from shared.runs.stages import Stage, StageContext
from shared.runs.threads import in_thread


@dataclass(frozen=True, slots=True)
class ImportStages:
    """What an import is made of; each table is taken by `tables`."""

    desk: Desk
    store: Store
    tables: TableTaking

    def stages(self) -> Sequence[Stage]:
        owners = [Stage(table.name, partial(self._take_table, table)) for table in OWNERS.values()]
        others = [
            Stage(table.name, partial(self._take_table, table), beside=True)
            for table in SOURCE_TABLES
            if table not in OWNERS.values()
        ]
        return [*owners, *others, Stage("rejects", self._gather_rejects)]

    async def _take_table(self, table: SourceTable, context: StageContext) -> JsonObject:
        request = from_json(ImportRequest, context.run.request)
        owners = {owner.name: _taken(context, owner) for owner in owners_of(table).values()}
        taking = Taking(context.run.run_id, request, table, owners, await self._base(request))
        taken = await in_thread(partial(self.tables.take, taking), show=context.progress)
        if table is CUSTOMERS:
            await self._judge([taken], context)  # the rows of all other tables depend on it
        await context.progress(taken.row_count, taken.row_count)
        return to_json(taken)

    async def _gather_rejects(self, context: StageContext) -> JsonObject:
        taken = [_taken(context, table) for table in SOURCE_TABLES]
        rejects = await self._judge(taken, context)
        return to_json(ImportResult(tuple(taken), rejects))

    async def _judge(self, taken: Sequence[TakenTable], context: StageContext) -> Dataset:
        """Return the rejects of these tables, counted; raise Failure, with them published, if one cannot be believed."""
        request = from_json(ImportRequest, context.run.request)
        mapped = sound_mapping(request.mapping, is_partial=bool(request.base_import_id))
        limits: dict[str, Limits] = {mapping.table.name: mapping.limits for mapping in mapped}
        async with self.store.reading() as resources:
            last = await resources.newest_import_before(request.cycle)
        base = await self._base(request)
        findings = [
            finding
            for table in taken
            if table.table in limits
            for finding in implausible(table, limits[table.table], last, base)
        ]
        is_last = len(taken) == len(SOURCE_TABLES)
        if not findings and not is_last:
            return taken[0].rejects
        rejects = await in_thread(lambda _: self._number(context.run.run_id, taken), show=context.progress)
        if findings:
            raise stopped(findings, context.run.name)
        return rejects

    def _number(self, run_id: str, taken: Sequence[TakenTable]) -> Dataset:
        with self.desk.engine() as engine:
            for table in taken:
                engine.register(f"{table.table}_rejects", table.rejects)
            parts = [f"{table.table}_rejects" for table in taken]
            return self.desk.publish(
                rejects_uri(run_id),
                NUMBERED_REJECT,
                partial(write_numbered_rejects, engine, parts),
                inputs=[table.rejects for table in taken],
            )

    async def _base(self, request: ImportRequest) -> Import | None:
        if not request.base_import_id:
            return None
        async with self.store.reading() as resources:
            base = await resources.get_import(request.base_import_id)
        if base.result is None:
            raise WrongState(f"{base.run.name} is {base.run.state} again", subject=base.run.name)
        return base


def _taken(context: StageContext, table: SourceTable) -> TakenTable:
    return from_json(TakenTable, context.outputs[table.name])
