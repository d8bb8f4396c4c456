"""Publishes lists, rejects and targets, and streams lists to the desk in columns; blocking, for a worker's thread."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf.message import Message
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.recommendation.v1.policy_list_pb2 import AssemblyReject, PolicyListRow, TargetRow
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets import desk_pages
from services.recommendation.datasets.inputs import score_columns, view_columns
from services.recommendation.datasets.publishing import Origin, register_inputs, row_schema
from services.recommendation.domain import BlockReason, Catalogue, Zone
from services.recommendation.engine.assembly import base, decided
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.extraction import LISTS, SCORES, VIEWS, Extraction, extract
from services.recommendation.engine.targets import TARGETS, Choice, count_arms, targets_query
from services.recommendation.use_cases.assembly import AssembledLists, AssemblyInputs, Dilution
from services.recommendation.use_cases.targets import SelectedTargets, TargetOrder
from shared.errors import WrongState
from shared.lake.dataset import Dataset
from shared.lake.duckdb import open_engine
from shared.lake.engine import ROW_GROUP_ROWS, ColumnarEngine
from shared.lake.lake import Lake

_MAIN_POLICIES_SQL = f"""
SELECT main.policy AS policy, count(*) AS count
FROM (SELECT unnest(recommendations) AS main FROM {LISTS})
WHERE main.zone = '{Zone.RETENTION}' AND main.rank = 1 GROUP BY ALL
"""
_DILUTION_BLOCKED_SQL = f"""
SELECT count(*) AS count FROM (SELECT unnest(blocked) AS blocked FROM {LISTS}) WHERE blocked.reason = '{BlockReason.DILUTION}'
"""


@dataclass(frozen=True, slots=True)
class LakeWorkshop:
    """Computes on datasets of the lake and publishes what comes of it."""

    lake: Lake

    def assemble(
        self, inputs: AssemblyInputs, rules: Rules, *, run_id: str, cycle: str, created_at: datetime, traceparent: str
    ) -> AssembledLists:
        """Publish lists and rejects of everyone in the views; what is published for the run already stays.

        Raises WrongState when they do not add up to the views, or a UNIQUE matrix is ambiguous; DatasetUnreadable.
        """
        uris = [f"recommendation/{kind}/{cycle}/{run_id}" for kind in ("policy_list", "assembly_reject")]
        lists, rejects = (self.lake.find(uri) for uri in uris)
        if lists is None or rejects is None:
            with open_engine(self.lake) as engine:
                register_inputs(engine, inputs)
                decided.decide(engine, rules, decided.InputColumns(view_columns(), score_columns()))
                origin = Origin((inputs.views, inputs.scores, inputs.membership), created_at, traceparent)
                lists = self._publish_lists(engine, uris[0], rules, origin)
                rejects = self._publish(engine, uris[1], decided.REJECTS_SQL, AssemblyReject, origin)
        _check_balance(inputs.views, lists, rejects)
        return AssembledLists(lists, rejects)

    def select_targets(
        self,
        order: TargetOrder,
        extraction: Extraction | None,
        *,
        run_id: str,
        created_at: datetime,
        traceparent: str,
    ) -> SelectedTargets:
        """Publish the targets of an order, by an extraction where it has one; what is published for the run already stays.

        Raises DatasetUnreadable, WrongState when a UNIQUE extraction matrix is ambiguous.
        """
        uri = f"recommendation/targets/{run_id}"
        choice = Choice(
            order.zone, order.policy, order.limit, order.cities, order.handset_needs, seed=order.assembly_run
        )
        with open_engine(self.lake) as engine:
            targets = self.lake.find(uri)
            if targets is None:
                engine.register(LISTS, order.lists, row_schema(PolicyListRow))
                engine.register(VIEWS, order.inputs.views, row_schema(CustomerView))
                if extraction is not None:
                    engine.register(SCORES, order.inputs.scores, row_schema(CustomerScores))
                    columns = decided.InputColumns(view_columns(), score_columns())
                    extract(engine, extraction, columns, cities=order.cities)
                sql, parameters = targets_query(choice)
                targets = self._publish(
                    engine,
                    uri,
                    sql,
                    TargetRow,
                    Origin(order.datasets, created_at, traceparent),
                    order_by="rank",
                    parameters=parameters,
                )
            engine.register(TARGETS, targets)
            return SelectedTargets(targets, count_arms(engine))

    def desk_lists(self, lists: Dataset, views: Dataset, origins: pa.Table | None = None) -> Iterator[desk_pages.Chunk]:
        """Yield the pages of all lists by customer; `origins` where they are made by matrices with overrides."""
        with open_engine(self.lake) as engine:
            engine.register("lists", lists, row_schema(PolicyListRow))
            engine.register("views", views, row_schema(CustomerView))
            if origins is not None:
                engine.register_table(desk_pages.ORIGINS, origins)
            yield from desk_pages.chunks(
                engine, desk_pages.lists_sql(origins.column_names if origins is not None else [])
            )

    def desk_numbers(self, lists: Dataset) -> Iterator[desk_pages.Chunk]:
        """Yield the pages of all numbers with their holders."""
        with open_engine(self.lake) as engine:
            engine.register("lists", lists, row_schema(PolicyListRow))
            yield from desk_pages.chunks(engine, desk_pages.NUMBERS_SQL)

    def dilution(self, lists: Dataset, catalogue: Catalogue) -> Dilution:
        """Return what published lists would do to bills."""
        with open_engine(self.lake) as engine:
            engine.register(LISTS, lists, row_schema(PolicyListRow))
            mains = engine.fetch(_MAIN_POLICIES_SQL).to_pylist()
            blocked = engine.fetch(_DILUTION_BLOCKED_SQL).to_pylist()[0]["count"]
        changes = [min(catalogue.policies[row["policy"]].revenue_change_fen, 0) * row["count"] for row in mains]
        return Dilution(sum(changes), blocked)

    def _publish_lists(self, engine: ColumnarEngine, uri: str, rules: Rules, origin: Origin) -> Dataset:
        schema = row_schema(PolicyListRow)
        with origin.publish(self.lake, uri, PolicyListRow) as draft:
            rows = 0
            with pq.ParquetWriter(draft.path("part.parquet"), schema, compression="lz4") as writer:
                for batch in base.lists(engine, rules, schema):
                    writer.write_batch(batch, row_group_size=ROW_GROUP_ROWS)
                    rows += batch.num_rows
            return draft.commit(rows)

    def _publish(
        self,
        engine: ColumnarEngine,
        uri: str,
        sql: str,
        message: type[Message],
        origin: Origin,
        *,
        order_by: str = "customer_id",
        parameters: dict[str, object] | None = None,
    ) -> Dataset:
        with origin.publish(self.lake, uri, message) as draft:
            rows = engine.write(
                sql,
                draft.path("part.parquet"),
                schema=row_schema(message),
                order_by=(order_by,),
                parameters=parameters,
            )
            return draft.commit(rows)


def _check_balance(views: Dataset, lists: Dataset, rejects: Dataset) -> None:
    if lists.row_count + rejects.row_count != views.row_count:
        text = (
            f"{lists.row_count} lists and {rejects.row_count} rejects do not add up to {views.row_count} views: "
            "scores or membership name a customer twice"
        )
        raise WrongState(text, subject=lists.uri)
