"""Imports and snapshots: runs of this service, with what was asked for and what came of it."""

from dataclasses import dataclass
from typing import Final

from shared.lake.dataset import Dataset
from shared.runs.domain import Run, RunState
from shared.runs.json import from_json

IMPORTS: Final = "imports"
SNAPSHOTS: Final = "snapshots"


def rejects_uri(import_id: str) -> str:
    """Return where the rejects of an import lie, also those of one that was stopped."""
    return f"profile/rejects/{import_id}"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What an import is asked for with; `source` is the absolute path of a folder, `mapping` the text of a mapping file.

    `base_import_id` is the import that gives the tables which the mapping does not name, empty where none does.
    """

    cycle: str
    source: str
    mapping: str
    base_import_id: str = ""


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many cells or rows one rule set aside; `column` is the heading in the file, empty for rows as a whole."""

    column: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class TakenTable:
    """What came of one source table; each of its `row_count` rows is accepted or rejected.

    `rejects` has one row per bad cell, so it may hold more than `rejected_rows`; `rules` count them, the most frequent first.
    """

    table: str
    row_count: int
    accepted: Dataset
    rejected_rows: int
    rejects: Dataset
    rules: tuple[RuleCount, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What came of all source tables; `rejects` are those of all of them, counted."""

    tables: tuple[TakenTable, ...]
    rejects: Dataset

    def table(self, name: str) -> TakenTable:
        return next(table for table in self.tables if table.table == name)


@dataclass(frozen=True, slots=True)
class Import:
    """One taking-in. `result` is there once it has succeeded."""

    run: Run
    request: ImportRequest
    result: ImportResult | None

    @classmethod
    def of(cls, run: Run) -> "Import":
        """Build the import that a run is."""
        succeeded = run.state is RunState.SUCCEEDED
        return cls(
            run, from_json(ImportRequest, run.request), from_json(ImportResult, run.result) if succeeded else None
        )


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """What a snapshot is asked for with; the cycle is that of its import."""

    import_id: str
    cycle: str


@dataclass(frozen=True, slots=True)
class QualityFigure:
    """A count of something about a source table, or about a column as "table.column"; `count_before` is that of the newest
    snapshot of an earlier cycle."""

    subject: str
    figure: str
    count: int
    count_before: int | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """The figures of a snapshot, as `SnapshotResult` has them."""

    quality: tuple[QualityFigure, ...]


@dataclass(frozen=True, slots=True)
class SnapshotResult:
    """What a snapshot consists of; `numbers` finds the customer who holds a mobile number today, `identities` tells who held
    which one from when until when. Snapshots made before these were known lack what is behind history_labels.
    """

    views: Dataset
    numbers: Dataset
    rejects: Dataset
    history_views: Dataset
    history_labels: Dataset
    identities: Dataset | None = None
    enterprise_views: Dataset | None = None
    quality: tuple[QualityFigure, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The customer views of one cycle. `result` is there once it has succeeded."""

    run: Run
    request: SnapshotRequest
    result: SnapshotResult | None

    @classmethod
    def of(cls, run: Run) -> "Snapshot":
        """Build the snapshot that a run is."""
        succeeded = run.state is RunState.SUCCEEDED
        result = from_json(SnapshotResult, run.result) if succeeded else None
        return cls(run, from_json(SnapshotRequest, run.request), result)
