"""Builds what recommendation reads: views, scores, arms, policies and matrices, and publishes them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq
from visavis.feedback.v1.control_membership_pb2 import ControlMembership
from visavis.profile.v1.customer_view_pb2 import CustomerView, ProductState
from visavis.recommendation.v1.policy_list_pb2 import PolicyListRow
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores, ProductNeed

import services.sandbox
from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.domain import NEEDED, OPTIONAL
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.catalogue import read_catalogue
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.matrix.compose import compose
from services.recommendation.engine.rulebook import read_matrix
from services.recommendation.use_cases.assembly import AssemblyInputs
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.messages import messages_to_table

NOW = datetime(2026, 11, 9, 2, tzinfo=UTC)
PLANNER = Path(services.sandbox.__path__[0]) / "planner"
"""The planners' sample files."""

POLICY_COLUMNS = (
    "policy", "display_name", "zone", "policy_group", "product", "boss_offer_code", "margin_fen", "valid_from",
    "valid_until", "handset_needs", "script", "sms_text", "order_keyword",
)  # fmt: skip


def policy_row(code: str, **changes: str) -> dict[str, str]:
    """Return a line of a catalogue: a new-service policy about the newspaper, unless changed."""
    row = {
        "policy": code,
        "display_name": f"the policy {code}",
        "zone": "new_service",
        "policy_group": "",
        "product": "mobile_newspaper",
        "boss_offer_code": "B1",
        "margin_fen": "1000",
        "valid_from": "2026-11-01",
        "valid_until": "2026-12-01",
        "handset_needs": "",
        "script": "say this",
        "sms_text": "text {keyword}",
        "order_keyword": "DZB",
    }
    return {**row, **changes}


def voice_row(code: str, **changes: str) -> dict[str, str]:
    """Return a line of a catalogue: a voice pack, unless changed."""
    return policy_row(code, **{"zone": "voice_usage", "product": "", **changes})


def retention_row(code: str, group: str = "group-1", **changes: str) -> dict[str, str]:
    """Return a line of a catalogue: a retention policy, unless changed."""
    return policy_row(code, zone="retention", policy_group=group, product="", **changes)


def catalogue_csv(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a catalogue of old columns, and of those that a row adds."""
    columns = list(dict.fromkeys([*POLICY_COLUMNS, *(name for row in rows for name in row)]))
    return _csv([columns, *([row.get(name, "") for name in columns] for row in rows)])


def product_row(code: str, **changes: str) -> dict[str, str]:
    """Return a line of a catalogue of products: one without barriers, unless changed."""
    row = {
        "product": code,
        "display_name": f"the product {code}",
        "class": "growth",
        "barriers": "",
        "associated_products": "",
        "price_fen": "300",
        "boss_order_code": "B1",
        "sms_order_keyword": "",
        "sms_cancel_keyword": "",
        "handset_needs": "",
        "needs_internet": "",
        "demonstration": "",
    }
    return {**row, **changes}


def products_csv(rows: Sequence[Mapping[str, str]]) -> str:
    return _csv([list(rows[0]), *(list(row.values()) for row in rows)])


def matrix_csv(
    purpose: str,
    hit_policy: str,
    headers: Sequence[str],
    rules: Sequence[Sequence[str]],
    *,
    declared: Sequence[Sequence[str]] = (),
) -> str:
    """Return a matrix; its rules are numbered from row 3, or as many below as lines are declared."""
    return _csv([["matrix", purpose, hit_policy, f"a matrix {purpose}"], *declared, headers, *rules])


def sample(name: str) -> str:
    """Return one of the planners' sample files."""
    return (PLANNER / f"{name}.csv").read_text()


Row = TypeVar("Row", CustomerView, CustomerScores, ControlMembership, PolicyListRow)


def sample_rules() -> Rules:
    """Return the planners' sample files, overrides included, as rules of 2026-11-09."""
    priority, retention, new_service, voice_usage, vpmn = (
        compose(_read(sample(name)), [_read(path.read_text()) for path in sorted(PLANNER.glob(f"{name}.*.csv"))])
        for name in (*NEEDED, *OPTIONAL)
    )
    return Rules(
        priority=priority,
        retention=retention,
        new_service=new_service,
        voice_usage=voice_usage,
        vpmn=vpmn,
        catalogue=read_catalogue(sample("policies"), sample("products")),
        day=date(2026, 11, 9),
        consent_default=False,
        most_at_once=3,
    )


def _read(text: str) -> DecisionTable:
    return read_matrix(text, fields=matrix_fields())


@dataclass(frozen=True)
class Base:
    """The customers of a test, one message each."""

    views: Sequence[CustomerView]
    scores: Sequence[CustomerScores]
    members: Sequence[ControlMembership]

    def publish(self, lake: Lake, name: str) -> AssemblyInputs:
        """Publish the three datasets, sorted by customer."""
        return AssemblyInputs(
            views=publish(lake, f"profile/customer_view/{name}", self.views),
            scores=publish(lake, f"scoring/customer_scores/{name}", self.scores),
            membership=publish(lake, f"feedback/control_membership/{name}", self.members),
        )


def publish(lake: Lake, uri: str, rows: Sequence[Row]) -> Dataset:
    """Publish messages of one type as a dataset sorted by customer_id."""
    table = messages_to_table(sorted(rows, key=lambda row: row.customer_id), type(rows[0]))
    with lake.publish(uri, schema=rows[0].DESCRIPTOR.full_name, created_at=NOW) as draft:
        pq.write_table(table, draft.path("part.parquet"), row_group_size=8192)
        return draft.commit(table.num_rows)


def view(customer_id: str, **changes: object) -> CustomerView:
    """Return a view of somebody healthy, in hefei, who may be called and whose handset can do everything."""
    facts: dict[str, object] = {
        "msisdn": f"138{int(customer_id.strip('c') or 0):08}",
        "owner_id": f"o{customer_id}",
        "city": "hefei",
        "brand": "GoTone",
        "tenure_months": 30,
        "handset_gprs": True,
        "handset_wap": True,
        "handset_mms": True,
        "marketing_consent": True,
        "billed_months": 6,
        "arpu_fen": 12_000,
        "return_rate_score": 9_000,
        "portrait": "healthy",
    }
    return CustomerView(customer_id=customer_id, **{**facts, **changes})  # type: ignore[arg-type]  # fields by name


def scores(customer_id: str, **changes: object) -> CustomerScores:
    """Return the scores of somebody loyal who needs the newspaper somewhat."""
    facts: dict[str, object] = {
        "value": 7_000,
        "value_tier": "mid_high",
        "stickiness": 8_000,
        "stickiness_band": "mid",
        "churn_warning": 500,
        "needs": [need()],
    }
    return CustomerScores(customer_id=customer_id, **{**facts, **changes})  # type: ignore[arg-type]  # fields by name


def need(product: str = "mobile_newspaper", level: str = "sensitive", probability: int = 2_500) -> ProductNeed:
    """Return a need; the probability is in ten-thousandths."""
    return ProductNeed(product=product, probability=probability, level=level)


def holding(state: str, product: str = "mobile_newspaper", *, provisioned: bool = True) -> ProductState:
    return ProductState(product=product, state=state, active_days=3, provisioned=provisioned)


def member(customer_id: str, arm: str = "targeted") -> ControlMembership:
    return ControlMembership(customer_id=customer_id, arm=arm)


def base_of(count: int, *, arms: Sequence[str] = ("targeted",)) -> Base:
    """Return `count` plain customers c00000, c00001, …, their arms in turn."""
    ids = [f"c{index:05}" for index in range(count)]
    return Base(
        [view(customer_id) for customer_id in ids],
        [scores(customer_id) for customer_id in ids],
        [member(customer_id, arms[index % len(arms)]) for index, customer_id in enumerate(ids)],
    )


def _csv(lines: Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(lines)
    return file.getvalue()
