"""One snapshot being made of one import: an engine with what it is made of, and publishing under the snapshot's name."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.profile.domain.months import LABEL_MONTHS, Month
from services.profile.domain.product_needs import ProductNeeds
from services.profile.domain.resources import ImportResult, Snapshot
from services.profile.domain.source_tables import SOURCE_TABLES
from services.profile.engine.customer_views import EVERYBODY, needs_table, view_parameters
from services.profile.engine.parameters import Relation, used_by
from services.profile.engine.schemas import stored_schema
from services.profile.ports import RowType
from services.profile.worker.desk import Desk
from shared.lake.dataset import Dataset
from shared.lake.engine import ColumnarEngine

_MEMORY = "2GB"
"""More than a snapshot of a million customers needs; of several millions, the rest is spilled."""


@dataclass(frozen=True, slots=True)
class Making:
    """`before` is the newest snapshot of an earlier cycle, `earlier` the datasets of the stages before, by their names; about
    `history_customers` get a history view, drawn by lot where there are more."""

    desk: Desk
    snapshot_id: str
    imported: ImportResult
    needs: Sequence[ProductNeeds]
    extract_month: Month
    before: Snapshot | None
    earlier: Mapping[str, Dataset]
    history_customers: int

    @property
    def customer_count(self) -> int:
        return self.imported.table("customers").accepted.row_count

    @property
    def outcomes_are_known(self) -> bool:
        """Whether the extract itself tells what became of its customers."""
        return self.imported.table("outcomes").accepted.row_count > 0

    @property
    def history_month(self) -> Month:
        return self.extract_month if self.outcomes_are_known else self.extract_month.plus(-LABEL_MONTHS)

    @property
    def history_share(self) -> int:
        if self.customer_count <= self.history_customers:
            return EVERYBODY
        return EVERYBODY * self.history_customers // self.customer_count

    def parameters(self, month: Month, *, drawn_share: int = EVERYBODY) -> dict[str, object]:
        return view_parameters(month, extract_month=self.extract_month, drawn_share=drawn_share)

    @contextmanager
    def engine(self) -> Iterator[ColumnarEngine]:
        """Open an engine that has the taken tables as views."""
        with self.desk.engine(memory_limit=_MEMORY) as engine:
            for table in SOURCE_TABLES:
                engine.register(table.name, self.imported.table(table.name).accepted, stored_schema(table))
            engine.register_table("product_needs", needs_table(self.needs))
            yield engine

    def publish(
        self,
        engine: ColumnarEngine,
        name: str,
        row_type: RowType,
        sql: str,
        *,
        order_by: Sequence[str] = ("customer_id",),
        parameters: Mapping[str, object] | None = None,
        inputs: Sequence[Dataset] = (),
        spans: Sequence[Relation] = (Relation("true"),),
    ) -> Dataset:
        """Publish what a query over the engine's tables gives, a file for each of `spans`, which are conditions on its rows in
        the order of their keys; `inputs` are datasets besides the taken tables."""

        def write(span: Relation, path: Path) -> int:
            spanned = f"SELECT * FROM (\n{sql}\n) WHERE {span.sql}"
            bound = used_by(spanned, {**(parameters or {}), **span.parameters})
            with engine.beside() as lane:
                return lane.write(spanned, path, schema=row_type.schema, order_by=order_by, parameters=bound)

        taken = [table.accepted for table in self.imported.tables]
        writes = [partial(write, span) for span in spans]
        return self.desk.publish(f"profile/{name}/{self.snapshot_id}", row_type.name, *writes, inputs=[*taken, *inputs])
