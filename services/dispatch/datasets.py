"""Reads targets from the lake."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from visavis.recommendation.v1 import policy_list_pb2

from services.dispatch.ports.store import TargetValues
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake

SCHEMA = policy_list_pb2.TargetRow.DESCRIPTOR.full_name
_CONTROL = "control"
_COLUMNS = ["rank", "customer_id", "owner_id", "msisdn", "city", "arm", "policy", "product", "number_since"]


@dataclass(frozen=True, slots=True)
class Targets:
    """The rows of one dataset that are to be pushed: all but the control arm's."""

    lake: Lake
    dataset: Dataset

    @property
    def traceparent(self) -> str:
        """The trace of the run that selected them."""
        return self.lake.manifest(self.dataset).traceparent

    def policies(self) -> set[str]:
        """Return the policies of those to be pushed. Raises DatasetUnreadable."""
        found: set[str] = set()
        for path in self.lake.open(self.dataset, expect=SCHEMA):
            table = pq.read_table(path, columns=["arm", "policy"])
            pushed = table.filter(pc.not_equal(table["arm"], pa.scalar(_CONTROL)))
            found.update(str(policy) for policy in pc.unique(pushed["policy"]).to_pylist())
        return found

    def rows(self) -> Iterator[TargetValues]:
        """Yield the values of those to be pushed; a dataset from before a column was declared has nulls in it."""
        for path in self.lake.open(self.dataset, expect=SCHEMA):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(columns=_COLUMNS):
                    pushed = batch.filter(pc.not_equal(batch.column("arm"), pa.scalar(_CONTROL)))
                    yield from zip(*(_values(pushed, name) for name in _COLUMNS), strict=True)


def _values(batch: pa.RecordBatch, name: str) -> list[object]:
    return batch.column(name).to_pylist() if name in batch.schema.names else [None] * batch.num_rows
