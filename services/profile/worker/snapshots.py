"""The stages of a snapshot: views as of the extract's month, views as of three months earlier, and what became of these."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from services.profile.domain.months import LABEL_MONTHS, Month
from services.profile.domain.resources import ImportResult, SnapshotRequest
from services.profile.domain.source_tables import SOURCE_TABLES
from services.profile.engine.customer_views import fold_middle_tables, statement, view_parameters
from services.profile.engine.parameters import used_by
from services.profile.engine.schemas import NUMBER_HOLDER, stored_schema
from services.profile.ports import RowType, Store
from services.profile.worker.desk import Desk, in_thread
from shared.errors import Failure, WrongState
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.lake.engine import ColumnarEngine
from shared.runs.json import from_json, to_json
from shared.runs.stages import Stage, StageContext

_NUMBER_HOLDER = RowType("visavis.profile.internal.NumberHolder", NUMBER_HOLDER)


@dataclass(frozen=True, slots=True)
class SnapshotStages:
    """`row_types` are those that others read: CustomerView, CustomerLabels, SnapshotReject."""

    desk: Desk
    store: Store
    row_types: Mapping[str, RowType]

    def stages(self) -> Sequence[Stage]:
        return [
            Stage("views", partial(self._work, self._make_views)),
            Stage("history", partial(self._work, self._make_history)),
            Stage("labels", partial(self._work, self._make_labels)),
        ]

    async def _work(self, make: Callable[["_Making"], Mapping[str, Dataset]], context: StageContext) -> JsonObject:
        """Make some datasets; the output names them and those of the stages before."""
        async with self.store.reading() as resources:
            imported = await resources.get_import(from_json(SnapshotRequest, context.run.request).import_id)
        if imported.result is None:
            raise WrongState(f"{imported.run.name} is {imported.run.state} again", subject=imported.run.name)
        cycle = Month.parse(imported.request.cycle)
        making = _Making(self.desk, context.run.run_id, imported.result, cycle.plus(-1), _earlier(context))
        made = await in_thread(context, lambda _: make(making))
        await context.progress(making.customer_count, making.customer_count)
        return {name: to_json(dataset) for name, dataset in {**making.earlier, **made}.items()}

    def _make_views(self, making: "_Making") -> Mapping[str, Dataset]:
        month = making.extract_month
        with making.engine() as engine:
            views = self._publish_views(making, engine, "customer_view", month)
            engine.register("views", views)
            numbers = making.publish(
                engine, "number", _NUMBER_HOLDER, "SELECT msisdn, customer_id FROM views", order_by="msisdn"
            )
            rejects = making.publish(
                engine,
                "snapshot_reject",
                self.row_types["SnapshotReject"],
                statement("snapshot_rejects"),
                parameters=view_parameters(month, extract_month=month),
            )
        if making.customer_count != views.row_count + rejects.row_count:
            raise _customers_lost(making.customer_count, views, rejects)
        return {"views": views, "numbers": numbers, "rejects": rejects}

    def _make_history(self, making: "_Making") -> Mapping[str, Dataset]:
        with making.engine() as engine:
            month = making.extract_month.plus(-LABEL_MONTHS)
            return {"history_views": self._publish_views(making, engine, "history_view", month)}

    def _make_labels(self, making: "_Making") -> Mapping[str, Dataset]:
        views = making.earlier["history_views"]
        month = making.extract_month.plus(-LABEL_MONTHS)
        with making.engine() as engine:
            engine.register("history_views", views)
            labels = making.publish(
                engine,
                "customer_labels",
                self.row_types["CustomerLabels"],
                statement("customer_labels"),
                parameters=view_parameters(month, extract_month=making.extract_month),
                inputs=[views],
            )
        if labels.row_count != views.row_count:
            raise Failure(
                f"{views.row_count} history views, but {labels.row_count} labels", reason="ERROR_REASON_INTERNAL"
            )
        return {"history_labels": labels}

    def _publish_views(self, making: "_Making", engine: ColumnarEngine, name: str, month: Month) -> Dataset:
        parameters = view_parameters(month, extract_month=making.extract_month)
        fold_middle_tables(engine, parameters)
        return making.publish(engine, name, self.row_types["CustomerView"], statement("customer_view"))


@dataclass(frozen=True, slots=True)
class _Making:
    """One snapshot being made of one import; `earlier` are the datasets of the stages before, by their names."""

    desk: Desk
    snapshot_id: str
    imported: ImportResult
    extract_month: Month
    earlier: Mapping[str, Dataset]

    @property
    def customer_count(self) -> int:
        return self.imported.table("customers").accepted.row_count

    @contextmanager
    def engine(self) -> Iterator[ColumnarEngine]:
        """Open an engine that has the taken tables as views."""
        with self.desk.engine() as engine:
            for table in SOURCE_TABLES:
                engine.register(table.name, self.imported.table(table.name).accepted, stored_schema(table))
            yield engine

    def publish(
        self,
        engine: ColumnarEngine,
        name: str,
        row_type: RowType,
        sql: str,
        *,
        order_by: str = "customer_id",
        parameters: Mapping[str, object] | None = None,
        inputs: Sequence[Dataset] = (),
    ) -> Dataset:
        def write(path: Path) -> int:
            bound = used_by(sql, parameters or {})
            return engine.write(sql, path, schema=row_type.schema, order_by=[order_by], parameters=bound)

        taken = [table.accepted for table in self.imported.tables]
        return self.desk.publish(f"profile/{name}/{self.snapshot_id}", row_type.name, write, inputs=[*taken, *inputs])


def _earlier(context: StageContext) -> Mapping[str, Dataset]:
    outputs = context.outputs.values()
    return {name: from_json(Dataset, cast("JsonObject", stored)) for out in outputs for name, stored in out.items()}


def _customers_lost(customers: int, views: Dataset, rejects: Dataset) -> Failure:
    return Failure(
        f"{customers} customers were imported, but {views.row_count} have a view and {rejects.row_count} a reason for none",
        reason="ERROR_REASON_INTERNAL",
    )
