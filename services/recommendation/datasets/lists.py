"""Publishes lists, rejects and targets, and streams lists to the desk in columns; blocking, for a worker's thread."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import pyarrow as pa
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from visavis.feedback.v1.control_membership_pb2 import ControlMembership
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.recommendation.v1.policy_list_pb2 import AssemblyReject, PolicyListRow, TargetRow
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets import desk_pages
from services.recommendation.datasets.inputs import score_columns, view_columns
from services.recommendation.engine.assembly import base
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.extraction import LISTS, SCORES, VIEWS, Extraction, extract
from services.recommendation.engine.targets import TARGETS, Choice, count_arms, targets_query
from services.recommendation.use_cases.assembly import AssembledLists, AssemblyInputs
from services.recommendation.use_cases.targets import SelectedTargets, TargetOrder
from shared.errors import WrongState
from shared.lake.dataset import Dataset
from shared.lake.duckdb import open_engine
from shared.lake.engine import ColumnarEngine
from shared.lake.lake import Lake
from shared.lake.schema import arrow_schema


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
                _register_inputs(engine, inputs)
                base.prepare(engine, rules, base.InputColumns(view_columns(), score_columns()))
                outputs = ((base.LISTS_SQL, PolicyListRow), (base.REJECTS_SQL, AssemblyReject))
                lists, rejects = (
                    self._publish(
                        engine,
                        uri,
                        sql,
                        message,
                        inputs=(inputs.views, inputs.scores, inputs.membership),
                        created_at=created_at,
                        traceparent=traceparent,
                    )
                    for uri, (sql, message) in zip(uris, outputs, strict=True)
                )
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
        choice = Choice(order.zone, order.policy, order.limit, order.cities, seed=order.assembly_run)
        with open_engine(self.lake) as engine:
            targets = self.lake.find(uri)
            if targets is None:
                engine.register(LISTS, order.lists, _schema(PolicyListRow))
                engine.register(VIEWS, order.inputs.views, _schema(CustomerView))
                if extraction is not None:
                    engine.register(SCORES, order.inputs.scores, _schema(CustomerScores))
                    columns = base.InputColumns(view_columns(), score_columns())
                    extract(engine, extraction, columns, cities=order.cities)
                sql, parameters = targets_query(choice)
                targets = self._publish(
                    engine,
                    uri,
                    sql,
                    TargetRow,
                    inputs=order.datasets,
                    created_at=created_at,
                    traceparent=traceparent,
                    order_by="rank",
                    parameters=parameters,
                )
            engine.register(TARGETS, targets)
            return SelectedTargets(targets, count_arms(engine))

    def desk_lists(self, lists: Dataset, views: Dataset) -> Iterator[desk_pages.Chunk]:
        """Yield the pages of all lists by customer."""
        with open_engine(self.lake) as engine:
            engine.register("lists", lists, _schema(PolicyListRow))
            engine.register("views", views, _schema(CustomerView))
            yield from desk_pages.chunks(engine, desk_pages.LISTS_SQL)

    def desk_numbers(self, lists: Dataset) -> Iterator[desk_pages.Chunk]:
        """Yield the pages of all numbers with their holders."""
        with open_engine(self.lake) as engine:
            engine.register("lists", lists, _schema(PolicyListRow))
            yield from desk_pages.chunks(engine, desk_pages.NUMBERS_SQL)

    def _publish(
        self,
        engine: ColumnarEngine,
        uri: str,
        sql: str,
        message: type[Message],
        *,
        inputs: Sequence[Dataset],
        created_at: datetime,
        traceparent: str,
        order_by: str = "customer_id",
        parameters: dict[str, object] | None = None,
    ) -> Dataset:
        name = message.DESCRIPTOR.full_name
        with self.lake.publish(
            uri, schema=name, created_at=created_at, inputs=inputs, traceparent=traceparent
        ) as draft:
            rows = engine.write(
                sql,
                draft.path("part.parquet"),
                schema=_schema(message),
                order_by=(order_by,),
                parameters=parameters,
            )
            return draft.commit(rows)


def _register_inputs(engine: ColumnarEngine, inputs: AssemblyInputs) -> None:
    for name, dataset, message in (
        (base.VIEWS, inputs.views, CustomerView),
        (base.SCORES, inputs.scores, CustomerScores),
        (base.MEMBERSHIP, inputs.membership, ControlMembership),
    ):
        engine.register(name, dataset, _schema(message))


def _check_balance(views: Dataset, lists: Dataset, rejects: Dataset) -> None:
    if lists.row_count + rejects.row_count != views.row_count:
        text = (
            f"{lists.row_count} lists and {rejects.row_count} rejects do not add up to {views.row_count} views: "
            "scores or membership name a customer twice"
        )
        raise WrongState(text, subject=lists.uri)


def _schema(message: type[Message]) -> pa.Schema:
    return arrow_schema(cast("Descriptor", message.DESCRIPTOR))
