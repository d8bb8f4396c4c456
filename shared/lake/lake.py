"""Datasets on a local file system: written aside, published by one rename, seen whole or not at all (ADR 0005)."""

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import InvalidInput, Unavailable
from shared.lake.dataset import Dataset, DatasetUnreadable
from shared.lake.lookup import Key, PointReader
from shared.lake.manifest import MANIFEST_NAME, DataFile, Manifest
from shared.lake.scratch import ScratchYard

PARQUET = ".parquet"
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}")


class Lake:
    """The datasets under one folder. Safe to share between threads and processes; an object store may stand here later."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._staging = ScratchYard(self.root / ".staging")
        self._points = PointReader()

    @contextmanager
    def publish(
        self, uri: str, *, schema: str, created_at: datetime, inputs: Sequence[Dataset] = (), traceparent: str = ""
    ) -> Iterator["Draft"]:
        """Yield a draft to write files into; nothing is visible before `draft.commit(row_count)`, and without it nothing stays.

        `schema` is the row message's full name, `inputs` what the rows were computed from, `traceparent` the W3C header.
        A stage that may run again asks `find(uri)` first; should two race, the first commit wins and both get its dataset.
        Also sweeps what killed publishers left. Raises Unavailable when the disk is full.
        """
        target = self._folder(uri)
        self._refuse_nesting(uri)
        self._staging.sweep()
        with self._full_disk_told(), self._staging.claim() as folder:
            yield Draft(self, uri, folder, target, schema, created_at, tuple(inputs), traceparent)

    def find(self, uri: str) -> Dataset | None:
        """Return what is published at `uri`, None if nothing; raises DatasetUnreadable if its manifest is damaged."""
        manifest = Manifest.read(self._folder(uri), uri)
        return manifest.dataset(uri) if manifest else None

    def manifest(self, dataset: Dataset) -> Manifest:
        """Return the manifest of exactly this dataset; raises DatasetUnreadable."""
        uri = dataset.uri
        manifest = Manifest.read(self._folder(uri), uri)
        if manifest is None:
            raise DatasetUnreadable(f"{uri}: no such dataset; it was never published or has been erased", uri=uri)
        found = manifest.dataset(uri)
        if found != dataset:
            raise DatasetUnreadable(f"{uri}: {_difference(found, dataset)}", uri=uri)
        return manifest

    def open(self, dataset: Dataset, *, expect: str | None = None) -> list[Path]:
        """Return the data files in name order, after a check of manifest, names and sizes (not of contents: `verify`).

        `expect` is the row message that the reader understands. Raises DatasetUnreadable.
        """
        if expect is not None and dataset.schema != expect:
            raise DatasetUnreadable(f"{dataset.uri}: rows are {dataset.schema}, expected {expect}", uri=dataset.uri)
        folder = self._folder(dataset.uri)
        files = self.manifest(dataset).files
        for file in files:
            _check_size(folder / file.name, file, dataset.uri)
        return [folder / file.name for file in files]

    def verify(self, dataset: Dataset) -> None:
        """Read every byte and compare with the manifest; raises DatasetUnreadable naming the first damaged file."""
        for path, file in zip(self.open(dataset), self.manifest(dataset).files, strict=True):
            if DataFile.of(path) != file:
                raise DatasetUnreadable(
                    f"{dataset.uri}: {file.name} was changed after it was published", uri=dataset.uri
                )

    def lookup(self, dataset: Dataset, key_column: str, keys: Sequence[Key]) -> pa.Table:
        """Return the rows whose `key_column` is one of `keys`, in stored order, from Parquet sorted by that column.

        Keeps the footers of the latest datasets in memory. Raises DatasetUnreadable.
        """

        def files() -> list[Path]:
            return [path for path in self.open(dataset) if path.suffix == PARQUET]

        return self._points.lookup(dataset, files, key_column, keys)

    @contextmanager
    def _full_disk_told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise Unavailable(f"no space left for datasets under {self.root}; nothing was published") from error

    def _folder(self, uri: str) -> Path:
        segments = uri.split("/")
        if not all(_SEGMENT.fullmatch(segment) for segment in segments):
            raise InvalidInput.of("uri", f"{uri!r} is not a relative path of letters, digits, '.', '_', '=' and '-'")
        return self.root.joinpath(*segments)

    def _refuse_nesting(self, uri: str) -> None:
        segments = uri.split("/")
        for depth in range(1, len(segments)):
            outer = "/".join(segments[:depth])
            if (self._folder(outer) / MANIFEST_NAME).exists():
                raise InvalidInput.of("uri", f"{uri!r} lies inside the dataset {outer!r}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A dataset being written; its files are nobody else's until `commit`."""

    lake: Lake
    uri: str
    folder: Path
    target: Path
    schema: str
    created_at: datetime
    inputs: tuple[Dataset, ...]
    traceparent: str

    def path(self, name: str) -> Path:
        """Return where to write the file `name`."""
        if not _SEGMENT.fullmatch(name) or name == MANIFEST_NAME:
            raise InvalidInput.of("name", f"{name!r} is not a plain file name")
        return self.folder / name

    def commit(self, row_count: int) -> Dataset:
        """Make it durable, then visible, in this order; return what now is at the uri, be it ours or an earlier one.

        Raises ValueError when the Parquet files do not hold `row_count` rows or there is no file: the writer is wrong.
        Raises DatasetUnreadable when other things stand at the uri.
        """
        manifest = self._manifest(row_count)
        (self.folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
        for path in (*self.folder.iterdir(), self.folder):
            _sync(path)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.folder.rename(self.target)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                raise
            return self._earlier()
        for parent in self.target.parents:
            _sync(parent)
            if parent == self.lake.root:
                break
        return manifest.dataset(self.uri)

    def _manifest(self, row_count: int) -> Manifest:
        paths = sorted(self.folder.iterdir())
        written = [pq.read_metadata(path).num_rows for path in paths if path.suffix == PARQUET]
        if not paths or (written and sum(written) != row_count):
            raise ValueError(f"{self.uri}: {row_count} rows declared, {sum(written)} written in {len(paths)} files")
        files = tuple(DataFile.of(path) for path in paths)
        return Manifest(self.schema, row_count, files, self.inputs, self.created_at, self.traceparent)

    def _earlier(self) -> Dataset:
        found = self.lake.find(self.uri)
        if found is None:
            raise DatasetUnreadable(f"{self.uri}: something that is no dataset stands there; remove it", uri=self.uri)
        if found.schema != self.schema:
            text = f"{self.uri}: already published with rows of {found.schema}, not {self.schema}"
            raise DatasetUnreadable(text, uri=self.uri)
        return found


def _check_size(path: Path, file: DataFile, uri: str) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise DatasetUnreadable(f"{uri}: {file.name} is missing", uri=uri) from error
    if size != file.size:
        raise DatasetUnreadable(f"{uri}: {file.name} has {size} bytes, published were {file.size}", uri=uri)


def _difference(found: Dataset, asked: Dataset) -> str:
    if found.schema != asked.schema:
        return f"rows are {found.schema}, the reference says {asked.schema}"
    if found.row_count != asked.row_count:
        return f"it has {found.row_count} rows, the reference says {asked.row_count}"
    return f"its fingerprint is {found.fingerprint[:12]}…, the reference says {asked.fingerprint[:12]}…"


def _sync(path: Path) -> None:
    """Force a file, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
