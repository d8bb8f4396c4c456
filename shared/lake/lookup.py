"""Reads single rows out of sorted Parquet: footers stay in memory, so that one key costs one small row group."""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.lake.dataset import Dataset, DatasetUnreadable

Key = TypeVar("Key", str, int)
_REMEMBERED_DATASETS = 16


@dataclass(frozen=True, slots=True)
class _IndexedFile:
    """One Parquet file with its parsed footer and the span of keys of each row group, None where the writer gave none."""

    path: Path
    footer: pq.FileMetaData
    spans: tuple[tuple[str | int, str | int] | None, ...]

    def read(self, sorted_keys: Sequence[str | int]) -> pa.Table:
        """Return the row groups whole that may hold one of the keys."""
        groups = [number for number, span in enumerate(self.spans) if _may_hold(span, sorted_keys)]
        with pq.ParquetFile(self.path, metadata=self.footer) as file:
            return file.read_row_groups(groups, use_threads=False)


class PointReader:
    """Looks rows up by key in immutable datasets; remembers the latest few. Safe to share between threads."""

    def __init__(self) -> None:
        self._remembered: OrderedDict[tuple[Dataset, str], list[_IndexedFile]] = OrderedDict()
        self._lock = Lock()

    def lookup(self, dataset: Dataset, files: Callable[[], list[Path]], column: str, keys: Sequence[Key]) -> pa.Table:
        """Return the rows of `keys` in stored order; `files` opens the dataset the first time it is seen."""
        try:
            indexed = self._indexed(dataset, files, column)
            return _rows(indexed, column, keys)
        except (pa.ArrowException, OSError, KeyError) as error:
            self._forget(dataset, column)
            text = f"{dataset.uri}: cannot look up by {column}: {type(error).__name__}; verify the dataset's files"
            raise DatasetUnreadable(text, uri=dataset.uri) from error

    def _indexed(self, dataset: Dataset, files: Callable[[], list[Path]], column: str) -> list[_IndexedFile]:
        with self._lock:
            known = self._remembered.get((dataset, column))
            if known is not None:
                self._remembered.move_to_end((dataset, column))
                return known
        indexed = [_index(path, column) for path in files()]
        with self._lock:
            self._remembered[dataset, column] = indexed
            while len(self._remembered) > _REMEMBERED_DATASETS:
                self._remembered.popitem(last=False)
        return indexed

    def _forget(self, dataset: Dataset, column: str) -> None:
        with self._lock:
            self._remembered.pop((dataset, column), None)


def _index(path: Path, column: str) -> _IndexedFile:
    footer = pq.read_metadata(path)
    names = [footer.schema.column(position).path for position in range(footer.num_columns)]
    if column not in names:
        raise KeyError(column)
    spans = tuple(_span(footer, group, names.index(column)) for group in range(footer.num_row_groups))
    return _IndexedFile(path, footer, spans)


def _span(footer: pq.FileMetaData, group: int, column: int) -> tuple[str | int, str | int] | None:
    statistics = footer.row_group(group).column(column).statistics
    if statistics is None or statistics.min is None or statistics.max is None:
        return None
    return statistics.min, statistics.max


def _may_hold(span: tuple[str | int, str | int] | None, sorted_keys: Sequence[str | int]) -> bool:
    if span is None:
        return True
    first = bisect_left(sorted_keys, span[0])
    return first < len(sorted_keys) and sorted_keys[first] <= span[1]  # type: ignore[operator]  # as above


def _rows(files: Sequence[_IndexedFile], column: str, keys: Sequence[Key]) -> pa.Table:
    ordered = sorted(set(keys))
    groups = pa.concat_tables([file.read(ordered) for file in files])
    wanted = pa.array(ordered, groups.schema.field(column).type)
    return groups.filter(pc.is_in(groups[column], value_set=wanted))
