"""Feedback's datasets in the lake: views read, arms published, targets streamed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow.parquet as pq
from visavis.feedback.v1.control_membership_pb2 import ControlMembership
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from services.feedback.engine import draw
from services.feedback.ports import MemberRow
from services.feedback.use_cases import DrawArms, DrawnArms
from shared.lake.dataset import Dataset
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.lake.schema import arrow_schema

_BATCH_ROWS = 8_192


def publish_membership(lake: Lake, uri: str, *, order: DrawArms, created_at: datetime, traceparent: str) -> DrawnArms:
    """Draw the arms of all customers and publish them at `uri`; what is there already stays. Blocking."""
    with open_engine(lake) as engine:
        engine.register(draw.VIEWS, order.views, arrow_schema(CustomerView.DESCRIPTOR))
        membership = lake.find(uri)
        if membership is None:
            query, parameters = draw.draw_query(
                seed=order.seed, control_percent=order.control_percent, random_percent=order.random_percent
            )
            name = ControlMembership.DESCRIPTOR.full_name
            with lake.publish(
                uri, schema=name, created_at=created_at, inputs=(order.views,), traceparent=traceparent
            ) as draft:
                rows = engine.write(
                    query,
                    draft.path("membership.parquet"),
                    schema=arrow_schema(ControlMembership.DESCRIPTOR),
                    order_by=("customer_id",),
                    parameters=parameters,
                )
                membership = draft.commit(rows)
        engine.register("membership", membership)
        return DrawnArms(membership, draw.count_arms(engine, "membership"))


@dataclass(frozen=True, slots=True)
class LakeTargets:
    """Targets of plans as members, streamed in bounded memory."""

    lake: Lake

    async def members(self, targets: Dataset) -> AsyncIterator[MemberRow]:
        """Yield every target of a plan, the control arm too. Raises DatasetUnreadable."""
        for path in self.lake.open(targets, expect=TargetRow.DESCRIPTOR.full_name):
            batches = pq.ParquetFile(path).iter_batches(_BATCH_ROWS, columns=["customer_id", "arm", "policy"])
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    yield row
