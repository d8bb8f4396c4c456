"""Reads targets, and whom the customer views forbid to contact, from the lake."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from visavis.profile.v1 import customer_view_pb2
from visavis.recommendation.v1 import policy_list_pb2

from services.dispatch.domain.rules import Rule
from services.dispatch.ports.store import TargetValues
from shared.lake.dataset import Dataset, DatasetUnreadable
from shared.lake.lake import Lake

VIEWS = customer_view_pb2.CustomerView.DESCRIPTOR.full_name
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

    def longest_city(self) -> str:
        """Return the longest city among those to be pushed; "" where there is nobody."""
        cities: set[str] = set()
        for path in self.lake.open(self.dataset, expect=SCHEMA):
            table = pq.read_table(path, columns=["arm", "city"])
            pushed = table.filter(pc.not_equal(table["arm"], pa.scalar(_CONTROL)))
            cities.update(str(city) for city in pc.unique(pushed["city"]).to_pylist())
        return max(cities, key=len, default="")

    def rows(self) -> Iterator[TargetValues]:
        """Yield the values of those to be pushed; a dataset from before a column was declared has nulls in it."""
        for path in self.lake.open(self.dataset, expect=SCHEMA):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(columns=_COLUMNS):
                    pushed = batch.filter(pc.not_equal(batch.column("arm"), pa.scalar(_CONTROL)))
                    yield from zip(*(_values(pushed, name) for name in _COLUMNS), strict=True)


def barred_customers(lake: Lake, views: Dataset) -> list[tuple[str, Rule]]:
    """Return who is on the red list, and who was asked and refused. Raises DatasetUnreadable."""
    found: list[tuple[str, Rule]] = []
    try:
        for path in lake.open(views, expect=VIEWS):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(columns=["customer_id", "red_list", "marketing_consent"]):
                    found.extend(_barred(batch))
    except (OSError, pa.ArrowException) as failure:
        raise DatasetUnreadable(f"{views.uri}: {failure}", uri=views.uri) from None
    return found


def _barred(batch: pa.RecordBatch) -> Iterator[tuple[str, Rule]]:
    refused = pc.equal(batch.column("marketing_consent"), pa.scalar(value=False))
    barred = batch.filter(pc.or_kleene(batch.column("red_list"), refused))
    for customer_id, red in zip(barred.column(0).to_pylist(), barred.column(1).to_pylist(), strict=True):
        yield str(customer_id), Rule.RED_LIST if red else Rule.CONSENT


def _values(batch: pa.RecordBatch, name: str) -> list[object]:
    return batch.column(name).to_pylist() if name in batch.schema.names else [None] * batch.num_rows
