"""The stages of an import: one per source table, customers first, then the rejects of all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from services.profile.domain.mapping import MAPPING_INVALID, TableMapping, heading_violations, sound_mapping
from services.profile.domain.months import Month, history_of
from services.profile.domain.resources import ImportRequest, ImportResult, TakenTable
from services.profile.domain.source_tables import SOURCE_TABLES, SourceTable, owners_of
from services.profile.engine import schemas
from services.profile.engine.checked_rows import FileLayout
from services.profile.engine.schemas import schema_name, stored_schema
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
        owners = {owner.name: _taken(context, owner).accepted for owner in owners_of(table).values()}
        take = partial(self._take, context.run.run_id, request, table, owners)
        taken = await in_thread(context, take)
        await context.progress(taken.row_count, taken.row_count)
        return to_json(taken)

    def _take(
        self, run_id: str, request: ImportRequest, table: SourceTable, owners: Mapping[str, Dataset], heard: Heard
    ) -> TakenTable:
        cycle = Month.parse(request.cycle)
        mapping = next((each for each in sound_mapping(request.mapping) if each.table is table), None)
        if mapping is None:
            return self._without_rows(run_id, table)
        layout = self._layout(request, mapping, cycle)
        lines = self.read_lines(Path(request.source, layout.mapping.file), heard)
        with self.desk.engine() as engine:
            for name, dataset in owners.items():
                engine.register(name, dataset)
            counts = take_rows(engine, layout, lines, cycle)
            rejects = self.desk.publish(
                f"profile/{table.name}_rejects/{run_id}", LINE_REJECT, partial(write_rejects, engine, layout)
            )
            accepted = self.desk.publish(
                f"profile/{table.name}/{run_id}",
                schema_name(table),
                partial(write_accepted, engine, layout),
                inputs=list(owners.values()),
            )
        if counts.accepted != accepted.row_count:
            raise _changed_meanwhile(layout.mapping.file, counts.accepted, accepted.row_count)
        return TakenTable(table.name, counts.read, accepted, counts.rejected, rejects)

    def _without_rows(self, run_id: str, table: SourceTable) -> TakenTable:
        """Publish a table that the operator does not have, so that views can rely on all of them."""
        rows = stored_schema(table)
        accepted = self.desk.publish(f"profile/{table.name}/{run_id}", schema_name(table), partial(_write_none, rows))
        rejects = self.desk.publish(
            f"profile/{table.name}_rejects/{run_id}", LINE_REJECT, partial(_write_none, schemas.LINE_REJECT)
        )
        return TakenTable(table.name, 0, accepted, 0, rejects)

    def _layout(self, request: ImportRequest, mapping: TableMapping, cycle: Month) -> FileLayout:
        """Look at the file once more: it may have changed since the import was asked for."""
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


def _write_none(schema: pa.Schema, path: Path) -> int:
    pq.write_table(schema.empty_table(), path)
    return 0


def _changed_meanwhile(file: str, now: int, before: int) -> Failure:
    return Failure(
        f"{file} has {now} rows to accept, but had {before} when this import was interrupted; ask for a new import",
        reason=_SOURCE_UNREADABLE,
    )
