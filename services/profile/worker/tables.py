"""Takes one source table: out of the operator's files, over from an earlier import, or without any rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from services.profile.domain.mapping import MAPPING_INVALID, TableMapping, heading_violations, sound_mapping
from services.profile.domain.months import Month, history_of
from services.profile.domain.resources import Import, ImportRequest, TakenTable
from services.profile.domain.source_tables import SourceTable
from services.profile.engine import schemas
from services.profile.engine.checked_rows import FileLayout
from services.profile.engine.kept_rows import count_orphans, keep_rows, write_kept, write_orphans
from services.profile.engine.row_source import ParquetRows, SourceCells
from services.profile.engine.schemas import schema_name, stored_schema
from services.profile.engine.taken_rows import take_rows, write_accepted, write_rejects
from services.profile.ports import Heard, SourceUnreadable, TableFile
from services.profile.worker.desk import Desk
from shared.errors import Failure, InvalidInput
from shared.lake.dataset import DatasetUnreadable
from shared.lake.engine import EngineFailure

LINE_REJECT: Final = "visavis.profile.internal.LineReject"
NUMBERED_REJECT: Final = "visavis.profile.internal.NumberedReject"
_SOURCE_UNREADABLE: Final = "ERROR_REASON_SOURCE_UNREADABLE"


@dataclass(frozen=True, slots=True)
class Taking:
    """One table of one import; `owners` are what its rows belong to, and `base` the import that it may be taken over from."""

    import_id: str
    request: ImportRequest
    table: SourceTable
    owners: Mapping[str, TakenTable]
    base: Import | None

    def uri(self, part: str = "") -> str:
        return f"profile/{self.table.name}{part}/{self.import_id}"

    def mapping(self) -> TableMapping | None:
        """Return how the table is written, None where the mapping does not name it."""
        tables = sound_mapping(self.request.mapping, is_partial=self.base is not None)
        return next((each for each in tables if each.table is self.table), None)


@dataclass(frozen=True, slots=True)
class TableTaking:
    """`look_at(folder, mapping)` and `open_cells(folder, mapping, scratch, heard)` are what is asked of the operator's files."""

    desk: Desk
    look_at: Callable[[Path, TableMapping], list[TableFile]]
    open_cells: Callable[[Path, TableMapping, Path, Heard], SourceCells]

    def take(self, taking: Taking, heard: Heard) -> TakenTable:
        """Take one table; blocking. What an earlier attempt published is taken as it is."""
        mapping = taking.mapping()
        if mapping is not None:
            return self._from_files(taking, mapping, heard)
        if taking.base is not None and taking.base.result is not None:
            return self._taken_over(taking, taking.base.result.table(taking.table.name), taking.base.run.name)
        return self._without_rows(taking)

    def _from_files(self, taking: Taking, mapping: TableMapping, heard: Heard) -> TakenTable:
        cycle = Month.parse(taking.request.cycle)
        source = Path(taking.request.source)
        layout = self._layout(source, mapping, cycle)
        with self.desk.scratch() as scratch, self.desk.engine([source]) as engine:
            owners = [owner.accepted for owner in taking.owners.values()]
            for name, owner in taking.owners.items():
                engine.register(name, owner.accepted)
            with _reading_failures():
                cells = self.open_cells(source, mapping, scratch, heard)
            with _reading_failures(cells, layout.files):
                taken = take_rows(engine, layout, cells.rows, cycle, scratch)
                accepted = self.desk.publish(
                    taking.uri(),
                    schema_name(taking.table),
                    partial(write_accepted, engine, layout, taken),
                    inputs=owners,
                )
            rejects = self.desk.publish(taking.uri("_rejects"), LINE_REJECT, partial(write_rejects, engine, layout))
        counts = taken.counts
        if counts.accepted != accepted.row_count:
            raise _changed_meanwhile(layout.files[0], counts.accepted, accepted.row_count)
        return TakenTable(taking.table.name, counts.read, accepted, counts.rejected, rejects, taken.rules)

    def _layout(self, source: Path, mapping: TableMapping, cycle: Month) -> FileLayout:
        """Look at the files once more: they may have changed since the import was asked for."""
        with _reading_failures():
            files = self.look_at(source, mapping)
        violations = [fault for file in files for fault in heading_violations(mapping, file.name, file.headings)]
        if violations:
            raise InvalidInput(violations, reason=MAPPING_INVALID)
        return FileLayout(mapping, [file.name for file in files], history_of(cycle))

    def _taken_over(self, taking: Taking, before: TakenTable, base: str) -> TakenTable:
        """Take the rows of an earlier import, but for those whose customer or enterprise is not among the new ones."""
        owners = {name: owner.accepted for name, owner in taking.owners.items()}
        with self.desk.engine() as engine:
            for name, owner in owners.items():
                engine.register(name, owner)
            engine.register("before", before.accepted)
            engine.register("rejects_before", before.rejects)
            keep_rows(engine, taking.table, f"{base}/{taking.table.name}")
            orphans = count_orphans(engine)
            if not orphans.rows:
                return before
            inputs = [before.accepted, *owners.values()]
            accepted = self.desk.publish(
                taking.uri(), schema_name(taking.table), partial(write_kept, engine, taking.table), inputs=inputs
            )
            rejects = self.desk.publish(
                taking.uri("_rejects"), LINE_REJECT, partial(write_orphans, engine), inputs=[before.rejects, *inputs]
            )
        rules = tuple(sorted([*before.rules, *orphans.rules], key=lambda rule: -rule.count))
        return TakenTable(
            taking.table.name, before.row_count, accepted, before.rejected_rows + orphans.rows, rejects, rules
        )

    def _without_rows(self, taking: Taking) -> TakenTable:
        """Publish a table that the operator does not have, so that views can rely on all of them."""
        rows = stored_schema(taking.table)
        accepted = self.desk.publish(taking.uri(), schema_name(taking.table), partial(_write_none, rows))
        rejects = self.desk.publish(taking.uri("_rejects"), LINE_REJECT, partial(_write_none, schemas.LINE_REJECT))
        return TakenTable(taking.table.name, 0, accepted, 0, rejects)


@contextmanager
def _reading_failures(cells: SourceCells | None = None, files: Sequence[str] = ()) -> Iterator[None]:
    """Say which of the operator's `files` could not be read; through the engine only a text of it comes, if that."""
    try:
        yield
    except SourceUnreadable as finding:
        raise Failure(finding.why, reason=_SOURCE_UNREADABLE) from finding
    except (EngineFailure, DatasetUnreadable) as failure:
        if cells is not None and isinstance(cells.rows, ParquetRows):
            for file, path in zip(files, cells.rows.paths, strict=True):
                if fault := _damage(path):
                    raise Failure(f"{file} is damaged: {fault}", reason=_SOURCE_UNREADABLE) from failure
        if cells is None or cells.failure is None:
            raise
        if isinstance(cells.failure, SourceUnreadable):
            raise Failure(cells.failure.why, reason=_SOURCE_UNREADABLE) from cells.failure
        raise cells.failure from None


def _damage(parquet: Path) -> str:
    """Read a file whole and return what is wrong with it, empty if nothing; the engine's own words name no file."""
    try:
        for batch in pq.ParquetFile(parquet).iter_batches():
            batch.validate(full=True)
    except (pa.ArrowInvalid, OSError) as error:
        return str(error).splitlines()[0]
    return ""


def _write_none(schema: pa.Schema, path: Path) -> int:
    pq.write_table(schema.empty_table(), path)
    return 0


def _changed_meanwhile(file: str, now: int, before: int) -> Failure:
    return Failure(
        f"{file} has {now} rows to accept, but had {before} when this import was interrupted; ask for a new import",
        reason=_SOURCE_UNREADABLE,
    )
