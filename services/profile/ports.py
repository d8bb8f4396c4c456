"""What the use cases and the worker need of the outside."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

import pyarrow as pa

from services.profile.domain.mapping import TableMapping
from services.profile.domain.proposals import FileSample
from services.profile.domain.resources import Import, ImportRequest, Snapshot, SnapshotRequest
from shared.lake.dataset import Dataset
from shared.runs.domain import RunPlace

Row: TypeAlias = Mapping[str, object]
"""A row of a dataset, in Arrow's Python values."""


class Resources(Protocol):
    """Imports and snapshots, as one transaction sees them."""

    async def get_import(self, import_id: str) -> Import:
        """Return an import or raise NotFound."""
        ...

    async def list_imports(self, after: RunPlace | None, limit: int) -> tuple[Sequence[Import], RunPlace | None]:
        """Return up to `limit` imports, newest first, behind `after`, and the place to go on from."""
        ...

    async def newest_import_before(self, cycle: str) -> Import | None:
        """Return the newest import that has succeeded, of the latest cycle before this one that has any."""
        ...

    async def get_snapshot(self, snapshot_id: str) -> Snapshot:
        """Return a snapshot or raise NotFound."""
        ...

    async def list_snapshots(self, after: RunPlace | None, limit: int) -> tuple[Sequence[Snapshot], RunPlace | None]:
        """Return up to `limit` snapshots, newest first, behind `after`, and the place to go on from."""
        ...

    async def newest_snapshot(self) -> Snapshot | None:
        """Return the newest snapshot that has succeeded."""
        ...

    async def newest_snapshot_before(self, cycle: str) -> Snapshot | None:
        """Return the newest snapshot that has succeeded of the last of the cycles before this one."""
        ...


class ChangeableResources(Resources, Protocol):
    """The same, and what may be added."""

    async def create_import(self, import_id: str, request: ImportRequest, *, principal: str, now: datetime) -> Import:
        """Queue an import, or return the one with this id and request; another request raises AlreadyExists."""
        ...

    async def create_snapshot(
        self, snapshot_id: str, request: SnapshotRequest, *, principal: str, now: datetime
    ) -> Snapshot:
        """Queue a snapshot, or return the one with this id and request; another request raises AlreadyExists."""
        ...


class Store(Protocol):
    """Opens transactions; a writing one commits when its body ends, and not when the body raises."""

    def reading(self) -> AbstractAsyncContextManager[Resources]: ...

    def writing(self) -> AbstractAsyncContextManager[ChangeableResources]: ...


class SourceUnreadable(Exception):  # noqa: N818 - a finding about one file, gathered with others into one failure
    """A file of the extracts is missing, or cannot be read at all."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file of the extracts; `name` is relative to their folder, with the member's name behind that of a zip."""

    name: str
    headings: tuple[str, ...]


class SourceFolder(Protocol):
    """The folder that extracts lie in."""

    async def files(self, source: str, mapping: TableMapping) -> Sequence[TableFile]:
        """Return a table's files, in the order of their names; raises SourceUnreadable."""
        ...

    async def samples(self, source: str) -> Sequence[FileSample]:
        """Return the first rows of a file, or of every file of a folder; raises SourceUnreadable."""
        ...

    async def mapping(self, source: str) -> str | None:
        """Return the text of the mapping file that lies in a folder, None where none does; raises SourceUnreadable."""
        ...


class PublishedRows(Protocol):
    """Single rows out of published datasets."""

    async def published(self, uri: str) -> Dataset | None:
        """Return what is published there, None if nothing is."""
        ...

    async def find(self, dataset: Dataset, key: str, value: str) -> Row | None:
        """Return the row whose `key`, which the dataset is sorted by, has this value."""
        ...

    async def between(self, dataset: Dataset, key: str, first: int, last: int) -> Sequence[Row]:
        """Return the rows whose whole number `key` lies within, both ends included, in the order of `key`."""
        ...


@dataclass(frozen=True, slots=True)
class RowType:
    """A kind of rows that others read: the full name of its message, and the schema at rest that follows from it."""

    name: str
    schema: pa.Schema


Heard: TypeAlias = Callable[[int, int], None]
"""Hears how many rows are done, and of how many by the latest estimate. Called from the working thread."""
