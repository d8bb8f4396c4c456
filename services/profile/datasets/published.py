"""Rows of published datasets: what their contract says of them, and how single ones are found."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow.parquet as pq
from visavis.profile.v1 import customer_view_pb2 as pb

from services.profile.ports import Row, RowType
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.schema import arrow_schema

_MESSAGES = (pb.CustomerView, pb.EnterpriseView, pb.CustomerLabels, pb.SnapshotReject)


def row_types() -> Mapping[str, RowType]:
    """Return the published kinds of rows by the names of their messages."""
    descriptors = [message.DESCRIPTOR for message in _MESSAGES]
    return {each.name: RowType(each.full_name, arrow_schema(each)) for each in descriptors}


@dataclass(frozen=True, slots=True)
class LakeRows:
    """Reads a few rows at a time, off the event loop."""

    lake: Lake

    async def published(self, uri: str) -> Dataset | None:
        return await asyncio.to_thread(self.lake.find, uri)

    async def find(self, dataset: Dataset, key: str, value: str) -> Row | None:
        rows = await asyncio.to_thread(self.lake.lookup, dataset, key, [value])
        return next(iter(rows.to_pylist()), None)

    async def between(self, dataset: Dataset, key: str, first: int, last: int) -> Sequence[Row]:
        rows = await asyncio.to_thread(self.lake.lookup, dataset, key, range(first, last + 1))
        return rows.sort_by(key).to_pylist()


def empty_cells(lake: Lake, dataset: Dataset) -> Mapping[str, int]:
    """Return how many cells of each column are null, as the files' footers tell: no row is read."""
    counts: Counter[str] = Counter()
    for path in lake.open(dataset):
        footer = pq.read_metadata(path)
        for group in map(footer.row_group, range(footer.num_row_groups)):
            for column in map(group.column, range(footer.num_columns)):
                # Columns of nulls alone may come without statistics.
                nulls = column.statistics.null_count if column.statistics else None
                counts[column.path_in_schema] += column.num_values if nulls is None else nulls
    return counts
