"""Builds what feedback reads: views, targets, events."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.messages import messages_to_table

NOW = datetime(2026, 11, 9, 2, tzinfo=UTC)


def publish_views(lake: Lake, owners: list[str], uri: str = "profile/customer_view/test") -> Dataset:
    """Publish one view per owner given, in order, with customer ids c000, c001, …"""
    views = [
        CustomerView(
            customer_id=f"c{index:03}", msisdn=f"138{index:08}", owner_id=owner, city="hefei", portrait="active"
        )
        for index, owner in enumerate(owners)
    ]
    with lake.publish(uri, schema=CustomerView.DESCRIPTOR.full_name, created_at=NOW) as draft:
        pq.write_table(messages_to_table(views, CustomerView), draft.path("views.parquet"))
        return draft.commit(len(views))


def publish_targets(lake: Lake, arms: list[str], uri: str = "recommendation/targets/test") -> Dataset:
    """Publish one target per arm given, in order, with customer ids c000, c001, … and policy "newspaper-trial"."""
    rows = [
        TargetRow(
            rank=index + 1,
            customer_id=f"c{index:03}",
            owner_id=f"o{index:03}",
            msisdn=f"138{index:08}",
            city="hefei",
            arm=arm,
            policy="newspaper-trial",
        )
        for index, arm in enumerate(arms)
    ]
    with lake.publish(uri, schema=TargetRow.DESCRIPTOR.full_name, created_at=NOW) as draft:
        pq.write_table(messages_to_table(rows, TargetRow), draft.path("targets.parquet"))
        return draft.commit(len(rows))


def lake_in(folder: Path) -> Lake:
    return Lake(folder / "lake")
