"""The stages of a snapshot: who holds which number, views of customers and enterprises, earlier views to learn from, and
what became of these."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from services.profile.domain.months import Month
from services.profile.domain.product_needs import ProductNeeds, product_needs
from services.profile.domain.resources import Import, Quality, Snapshot, SnapshotRequest
from services.profile.domain.source_tables import CUSTOMERS, SOURCE_TABLES, SourceTable
from services.profile.engine.customer_views import (
    EVERYBODY,
    customer_spans,
    fold_middle_tables,
    keep_drawn,
    statement,
)
from services.profile.engine.quality import TableFacts, monthly_facts, quality_figures
from services.profile.engine.schemas import IDENTITY, NUMBER_HOLDER
from services.profile.ports import Resources, RowType, Store
from services.profile.worker.desk import Desk
from services.profile.worker.making import Making
from shared.errors import Failure, WrongState
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.lake.engine import ColumnarEngine
from shared.runs.json import from_json, to_json
from shared.runs.stages import Stage, StageContext
from shared.runs.threads import in_thread

_NUMBER_HOLDER = RowType("visavis.profile.internal.NumberHolder", NUMBER_HOLDER)
_IDENTITY = RowType("visavis.profile.internal.Identity", IDENTITY)
_OF_CUSTOMERS = [table.name for table in SOURCE_TABLES if table is not CUSTOMERS and table.has_column("customer_id")]
_LABELS, _QUALITY = "labels", "quality"
_BEFORE = "before"
"""What the first stage's output calls the id of the newest snapshot of an earlier cycle; empty if there is none."""


@dataclass(frozen=True, slots=True)
class SnapshotStages:
    """`row_types` are those that others read: CustomerView, EnterpriseView, CustomerLabels, SnapshotReject; `count_empty` tells
    how many nulls each column of a dataset has; about `history_customers` get a history view."""

    desk: Desk
    store: Store
    row_types: Mapping[str, RowType]
    count_empty: Callable[[Dataset], Mapping[str, int]]
    history_customers: int

    def stages(self) -> Sequence[Stage]:
        return [
            Stage("identities", self._find_identities),
            Stage("views", partial(self._work, self._make_views)),
            Stage("history", partial(self._work, self._make_history), beside=True),
            Stage(_QUALITY, self._look_at_quality, beside=True),
            Stage(_LABELS, partial(self._work, self._make_labels)),
            Stage("result", self._gather_result),
        ]

    async def _find_identities(self, context: StageContext) -> JsonObject:
        cycle = from_json(SnapshotRequest, context.run.request).cycle
        async with self.store.reading() as resources:
            before = await resources.newest_snapshot_before(cycle)
        making = await self._making(context, before)
        identities = await in_thread(lambda _: _make_identities(making), show=context.progress)
        return {_BEFORE: before.run.run_id if before else "", "identities": to_json(identities)}

    async def _work(self, make: Callable[[Making], Mapping[str, Dataset]], context: StageContext) -> JsonObject:
        """Make some datasets; the output names them and those of the stages before."""
        making = await self._making(context, await self._before(context))
        made = await in_thread(lambda _: make(making), show=context.progress)
        await context.progress(making.customer_count, making.customer_count)
        return {name: to_json(dataset) for name, dataset in {**making.earlier, **made}.items()}

    async def _look_at_quality(self, context: StageContext) -> JsonObject:
        """Return what the data are like."""
        making = await self._making(context, await self._before(context))
        return to_json(await in_thread(lambda _: self._figures(making), show=context.progress))

    async def _gather_result(self, context: StageContext) -> JsonObject:
        """Return the result of the run: all datasets, and what the data are like."""
        return {**context.outputs[_LABELS], _QUALITY: context.outputs[_QUALITY][_QUALITY]}

    async def _before(self, context: StageContext) -> Snapshot | None:
        before_id = str(context.outputs["identities"][_BEFORE])
        async with self.store.reading() as resources:
            return await resources.get_snapshot(before_id) if before_id else None

    async def _making(self, context: StageContext, before: Snapshot | None) -> Making:
        async with self.store.reading() as resources:
            imported = await resources.get_import(from_json(SnapshotRequest, context.run.request).import_id)
            needs = await _needs_told_by(imported, resources)
        if imported.result is None:
            raise WrongState(f"{imported.run.name} is {imported.run.state} again", subject=imported.run.name)
        return Making(
            desk=self.desk,
            snapshot_id=context.run.run_id,
            imported=imported.result,
            needs=needs,
            extract_month=Month.parse(imported.request.cycle).plus(-1),
            before=before,
            earlier=_earlier(context),
            history_customers=self.history_customers,
        )

    def _make_views(self, making: Making) -> Mapping[str, Dataset]:
        month = making.extract_month
        parameters = making.parameters(month)
        with making.engine() as engine:
            views = self._publish_views(making, engine, "customer_view", month)
            enterprises = making.publish(
                engine,
                "enterprise_view",
                self.row_types["EnterpriseView"],
                statement("enterprise_view"),
                order_by=["enterprise_id"],
                parameters=parameters,
            )
            engine.register("views", views)
            numbers = making.publish(
                engine, "number", _NUMBER_HOLDER, "SELECT msisdn, customer_id FROM views", order_by=["msisdn"]
            )
            rejects = making.publish(
                engine,
                "snapshot_reject",
                self.row_types["SnapshotReject"],
                statement("snapshot_rejects"),
                parameters=parameters,
            )
        if making.customer_count != views.row_count + rejects.row_count:
            raise _customers_lost(making.customer_count, views, rejects)
        return {"views": views, "enterprise_views": enterprises, "numbers": numbers, "rejects": rejects}

    def _make_history(self, making: Making) -> Mapping[str, Dataset]:
        with making.engine() as engine:
            if not making.outcomes_are_known:
                share, month = making.history_share, making.history_month
                if share < EVERYBODY:
                    keep_drawn(engine, _OF_CUSTOMERS, share)
                return {"history_views": self._publish_views(making, engine, "history_view", month, drawn_share=share)}
            views = making.earlier["views"]
            engine.register("views", views)
            known = making.publish(
                engine,
                "history_view",
                self.row_types["CustomerView"],
                "SELECT views.* FROM views SEMI JOIN outcomes USING (customer_id)",
                inputs=[views],
            )
        return {"history_views": known}

    def _make_labels(self, making: Making) -> Mapping[str, Dataset]:
        views = making.earlier["history_views"]
        with making.engine() as engine:
            engine.register("history_views", views)
            labels = making.publish(
                engine,
                "customer_labels",
                self.row_types["CustomerLabels"],
                statement("outcome_labels" if making.outcomes_are_known else "customer_labels"),
                parameters=making.parameters(making.history_month),
                inputs=[views],
            )
        if labels.row_count != views.row_count:
            raise Failure(
                f"{views.row_count} history views, but {labels.row_count} labels", reason="ERROR_REASON_INTERNAL"
            )
        return {"history_labels": labels}

    def _figures(self, making: Making) -> Quality:
        with making.engine() as engine:
            engine.register("views", making.earlier["views"])
            facts = [self._facts(making, engine, table) for table in SOURCE_TABLES]
        before = making.before.result if making.before else None
        return Quality(quality_figures(facts, before.quality if before else ()))

    def _facts(self, making: Making, engine: ColumnarEngine, table: SourceTable) -> TableFacts:
        taken = making.imported.table(table.name)
        empty = self.count_empty(taken.accepted)
        if not table.has_column("month"):
            return TableFacts(table, taken, empty)
        months, without_row = monthly_facts(engine, table, str(making.extract_month))
        return TableFacts(table, taken, empty, months, without_row)

    def _publish_views(
        self, making: Making, engine: ColumnarEngine, name: str, month: Month, *, drawn_share: int = EVERYBODY
    ) -> Dataset:
        identities = making.earlier["identities"]
        engine.register("identities", identities)
        engine.execute(_NUMBER_HOLDERS)
        fold_middle_tables(engine, making.parameters(month, drawn_share=drawn_share))
        return making.publish(
            engine,
            name,
            self.row_types["CustomerView"],
            statement("customer_view"),
            inputs=[identities],
            spans=customer_spans(engine),
        )


_NUMBER_HOLDERS = """
    CREATE OR REPLACE VIEW number_holders AS
    SELECT customer_id, since AS held_since FROM identities WHERE until IS NULL
"""


def _make_identities(making: Making) -> Dataset:
    before = making.before
    known = before.result.identities if before and before.result else None
    # Of the months up to the earlier snapshot's own, its cycle's first day being the day after, that snapshot spoke.
    unknown_from = Month.parse(before.request.cycle).first_day if before else making.extract_month.first_day
    with making.engine() as engine:
        if known:
            engine.register("earlier_identities", known, IDENTITY)
        else:
            engine.register_table("earlier_identities", IDENTITY.empty_table())
        return making.publish(
            engine,
            "identity",
            _IDENTITY,
            statement("identities"),
            order_by=["customer_id", "msisdn", "since"],
            parameters={**making.parameters(making.extract_month), "unknown_from": unknown_from},
            inputs=[known] if known else [],
        )


async def _needs_told_by(imported: Import, resources: Resources) -> Sequence[ProductNeeds]:
    """Return what products need by the mapping of an import; one of a late file leaves that to its base."""
    needs = product_needs(imported.request.mapping)
    if needs or not imported.request.base_import_id:
        return needs
    return await _needs_told_by(await resources.get_import(imported.request.base_import_id), resources)


def _earlier(context: StageContext) -> Mapping[str, Dataset]:
    """Return the datasets of the stages before, by their names."""
    return {
        name: from_json(Dataset, cast("JsonObject", stored))
        for stage, output in context.outputs.items()
        if stage != _QUALITY
        for name, stored in output.items()
        if name != _BEFORE
    }


def _customers_lost(customers: int, views: Dataset, rejects: Dataset) -> Failure:
    return Failure(
        f"{customers} customers were imported, but {views.row_count} have a view and {rejects.row_count} a reason for none",
        reason="ERROR_REASON_INTERNAL",
    )
