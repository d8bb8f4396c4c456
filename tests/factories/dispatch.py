"""Targets, offers and plans for tests of dispatch."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pyarrow.parquet as pq
from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from services.dispatch.domain.plans import Channel, Offer, PlanRequest
from services.dispatch.domain.pushes import PushId, Target
from services.dispatch.domain.rules import ContactRules
from services.dispatch.ports.store import TargetValues
from services.dispatch.settings import ContactRuleSettings
from shared.clock import LEGAL_ZONE
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.messages import messages_to_table

MORNING = datetime(2026, 11, 9, 10, 0, tzinfo=LEGAL_ZONE)
"""A Monday, within all hours."""
WEEK_LATER = MORNING + timedelta(days=7)

NEWSPAPER = Offer("newspaper-trial", "mobile_newspaper", "手机报免费体验，回复{keyword}开通。", "DGSJB")
PAGE = Offer(
    "page-trial", "mobile_newspaper", "手机报免费体验，点击开通。", "", href="http://wap.example.com/offers/page-trial"
)
CONTRACT = Offer("prepaid-260", "", "Pay 100, get 260 of calls.", "")

SCHEMA = "visavis.recommendation.v1.TargetRow"


def rules(**changes: object) -> ContactRules:
    """Return the province's default rules with some changed."""
    return replace(ContactRuleSettings().rules(), **changes)  # type: ignore[arg-type]  # names of its own fields


def target_row(
    number: int,
    *,
    policy: str = NEWSPAPER.policy,
    owner: str = "",
    arm: str = "targeted",
    number_since: str | None = None,
) -> TargetRow:
    """Return the target of customer `c-<number>`, whose rank and MSISDN come from the number."""
    return TargetRow(
        rank=number,
        customer_id=f"c-{number}",
        owner_id=owner or f"o-{number}",
        msisdn=msisdn(number),
        city="A" if number % 2 else "B",
        arm=arm,
        policy=policy,
        expected_value_fen=100,
        number_since=number_since,
    )


def values(row: TargetRow) -> TargetValues:
    """Return a target as the loader hands it to the store."""
    since = date.fromisoformat(row.number_since) if row.HasField("number_since") else None
    return (row.rank, row.customer_id, row.owner_id, row.msisdn, row.city, row.arm, row.policy, None, since)


def msisdn(number: int) -> str:
    return f"138{number:08d}"


def target(number: int, *, policy: str = NEWSPAPER.policy, owner: str = "", arm: str = "targeted") -> Target:
    """Return a picked push."""
    row = target_row(number, policy=policy, owner=owner, arm=arm)
    who = (row.customer_id, row.owner_id, row.msisdn, row.city, row.arm, row.policy)
    return Target(PushId(number), number, *who, reservations=0, attempts=0)


def plan_request(
    channel: Channel = Channel.SMS,
    *,
    offers: Sequence[Offer] | None = None,
    targets: Dataset | None = None,
    expire_time: datetime = WEEK_LATER,
    display_name: str = "Newspaper",
) -> PlanRequest:
    usual = {Channel.SMS: NEWSPAPER, Channel.CALL: CONTRACT, Channel.WAP_PUSH: PAGE}
    return PlanRequest(
        display_name=display_name,
        channel=channel,
        targets=targets or Dataset("recommendation/targets/none", SCHEMA, 1, "0" * 64),
        offers=tuple([usual[channel]] if offers is None else offers),
        expire_time=expire_time,
    )


def publish_targets(lake: Lake, rows: Sequence[TargetRow], *, traceparent: str = "") -> Dataset:
    """Publish a dataset of targets under a name of its own."""
    uri = f"recommendation/targets/{uuid.uuid4()}"
    with lake.publish(uri, schema=SCHEMA, created_at=MORNING, traceparent=traceparent) as draft:
        pq.write_table(messages_to_table(rows, TargetRow), draft.path("part.parquet"))
        return draft.commit(len(rows))
