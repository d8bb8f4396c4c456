"""The stages of an import: one per source table, customers first, then the rejects of all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from services.profile.domain.mapping import MAPPING_INVALID, TableMapping, heading_violations, sound_mapping
from services.profile.domain.months import Month, history_of
from services.profile.domain.resources import ImportRequest, ImportResult, TakenTable
from services.profile.domain.source_tables import CUSTOMERS, SOURCE_TABLES, SourceTable
from services.profile.engine.checked_rows import FileLayout
from services.profile.engine.schemas import schema_name
from services.profile.engine.taken_rows import take_rows, write_accepted, write_numbered_rejects, write_rejects
from services.profile.ports import Heard, SourceUnreadable
from services.profile.worker.desk import Desk, in_thread
from shared.errors import Failure, InvalidInput
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.runs.json import from_json, to_json
from shared.runs.stages import Stage, StageContext

LINE_REJECT = "visavis.profile.internal.LineReject"
NUMBERED_REJECT = "visavis.profile.internal.NumberedReject"
_SOURCE_UNREADABLE = "ERROR_REASON_SOURCE_UNREADABLE"


@dataclass(frozen=True, slots=True)
class ImportStages:
    """`read_headings(file, delimiter)` and `read_lines(file, heard)` are what is asked of the operator's files."""

    desk: Desk
    read_headings: Callable[[Path, str], list[str]]
    read_lines: Callable[[Path, Heard], pa.RecordBatchReader]

    def stages(self) -> Sequence[Stage]:
        tables = [Stage(table.name, partial(self._take_table, table)) for table in SOURCE_TABLES]
        return [*tables, Stage("rejects", self._gather_rejects)]

    async def _take_table(self, table: SourceTable, context: StageContext) -> JsonObject:
        request = from_json(ImportRequest, context.run.request)
        customers = None if table is CUSTOMERS else _taken(context, CUSTOMERS).accepted
        take = partial(self._take, context.run.run_id, request, table, customers)
        taken = await in_thread(context, take)
        await context.progress(taken.row_count, taken.row_count)
        return to_json(taken)

    def _take(
        self, run_id: str, request: ImportRequest, table: SourceTable, customers: Dataset | None, heard: Heard
    ) -> TakenTable:
        cycle = Month.parse(request.cycle)
        layout = self._layout(request, table, cycle)
        lines = self.read_lines(Path(request.source, layout.mapping.file), heard)
        inputs = [] if customers is None else [customers]
        with self.desk.engine() as engine:
            if customers is not None:
                engine.register("customers", customers)
            counts = take_rows(engine, layout, lines, cycle)
            rejects = self.desk.publish(
                f"profile/{table.name}_rejects/{run_id}", LINE_REJECT, partial(write_rejects, engine, layout)
            )
            accepted = self.desk.publish(
                f"profile/{table.name}/{run_id}",
                schema_name(table),
                partial(write_accepted, engine, layout),
                inputs=inputs,
            )
        if counts.accepted != accepted.row_count:
            raise _changed_meanwhile(layout.mapping.file, counts.accepted, accepted.row_count)
        return TakenTable(table.name, counts.read, accepted, counts.rejected, rejects)

    def _layout(self, request: ImportRequest, table: SourceTable, cycle: Month) -> FileLayout:
        """Look at the file once more: it may have changed since the import was asked for."""
        mapping = next(each for each in sound_mapping(request.mapping) if each.table is table)
        headings = self._headings(request.source, mapping)
        violations = heading_violations(mapping, headings)
        if violations:
            raise InvalidInput(violations, reason=MAPPING_INVALID)
        return FileLayout(mapping, headings, history_of(cycle))

    def _headings(self, source: str, mapping: TableMapping) -> list[str]:
        try:
            return self.read_headings(Path(source, mapping.file), mapping.delimiter)
        except SourceUnreadable as finding:
            raise Failure(finding.why, reason=_SOURCE_UNREADABLE) from finding

    async def _gather_rejects(self, context: StageContext) -> JsonObject:
        taken = tuple(_taken(context, table) for table in SOURCE_TABLES)
        rejects = await in_thread(context, lambda _: self._number(context.run.run_id, taken))
        return to_json(ImportResult(taken, rejects))

    def _number(self, run_id: str, taken: Sequence[TakenTable]) -> Dataset:
        with self.desk.engine() as engine:
            for table in taken:
                engine.register(f"{table.table}_rejects", table.rejects)
            parts = [f"{table.table}_rejects" for table in taken]
            return self.desk.publish(
                f"profile/rejects/{run_id}",
                NUMBERED_REJECT,
                partial(write_numbered_rejects, engine, parts),
                inputs=[table.rejects for table in taken],
            )


def _taken(context: StageContext, table: SourceTable) -> TakenTable:
    return from_json(TakenTable, context.outputs[table.name])


def _changed_meanwhile(file: str, now: int, before: int) -> Failure:
    return Failure(
        f"{file} has {now} rows to accept, but had {before} when this import was interrupted; ask for a new import",
        reason=_SOURCE_UNREADABLE,
    )
