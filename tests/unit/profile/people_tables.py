"""The source tables of a test's persons, loaded into an engine as an import would leave them."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import pyarrow as pa

from services.profile.domain.product_needs import product_needs
from services.profile.domain.source_tables import SOURCE_TABLES, SourceTable
from services.profile.engine.customer_views import needs_table
from services.profile.engine.schemas import stored_schema
from shared.lake.engine import ColumnarEngine
from tests.unit.profile.plain_people import Person, Row

MAPPING = """
[products.mobile_newspaper]
handset_needs = ["mms"]
[products.mobile_internet]
internet = true
"""


def load(engine: ColumnarEngine, persons: Sequence[Person], others: Mapping[str, Sequence[Row]] | None = None) -> None:
    """Make the taken tables of these persons; `others` are rows of further tables."""
    for table in SOURCE_TABLES:
        load_table(engine, table, persons, (others or {}).get(table.name, []))
    engine.register_table("product_needs", needs_table(product_needs(MAPPING)))
    holders = pa.table(
        {
            "customer_id": pa.array([person.customer_id for person in persons], pa.string()),
            "held_since": pa.array([person.activated for person in persons], pa.date32()),
        }
    )
    engine.register_table("number_holders", holders)


def load_table(
    engine: ColumnarEngine, table: SourceTable, persons: Sequence[Person], others: Sequence[Row] = ()
) -> None:
    """Make one taken table."""
    rows = [row for person in persons for row in _rows(table.name, person)]
    engine.register_table(table.name, pa.Table.from_pylist([*rows, *others], schema=_nullable(table)))


def _rows(table: str, person: Person) -> list[Row]:
    rows_of = _ROWS.get(table)
    return [{"customer_id": person.customer_id, **row} for row in rows_of(person)] if rows_of else []


def _nullable(table: SourceTable) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in stored_schema(table)])


def _decimal(count: int | None, digits: int = 2) -> Decimal | None:
    return None if count is None else Decimal(count).scaleb(-digits)


def _customer_rows(person: Person) -> list[Row]:
    return [
        {
            "activation_date": person.activated,
            "left_date": person.left,
            "birth_year": person.birth_year,
            "contract_class": person.contract_class,
            "contract_end_date": person.contract_ends,
            "owner_id": person.owner,
            "owner_lines": person.owner_lines,
            **person.copied,
        }
    ]


def _traffic_rows(person: Person) -> list[Row]:
    return [
        {
            "month": str(talk.month),
            "minutes": _decimal(talk.minutes),
            **{name: _decimal(value) for name, value in talk.parts.items()},
            "top_counterpart": talk.counterpart,
            "minutes_change": talk.change,
        }
        for talk in person.talks
    ]


def _circle_rows(person: Person) -> list[Row]:
    return [
        {
            "month": str(each.month),
            "breadth": each.breadth,
            "depth": _decimal(each.depth),
            "vpmn_breadth": each.vpmn_breadth,
        }
        for each in person.circles
    ]


def _subscription_rows(person: Person) -> list[Row]:
    return [
        {
            "product": order.product,
            "how_ordered": order.how,
            "trial_ends_on": order.trial_ends,
            "channel": order.channel,
            "provisioned": order.provisioned,
            "ordered_on": order.ordered,
            "cancelled_on": order.cancelled,
            "cancel_reason": order.reason,
        }
        for order in person.orders
    ]


def _billing_rows(person: Person) -> list[Row]:
    """What is given away is spread over the five columns it may stand in; one of them may be empty."""
    return [
        {
            "month": str(bill.month),
            "revenue_total_fen": bill.total,
            **bill.parts,
            "discounts_fen": bill.given_away - 3,
            "gifts_fen": None,
            "handset_subsidy_fen": 1,
            "settlement_fen": 1,
            "commission_fen": 1,
            "revenue_change": bill.change,
        }
        for bill in person.bills
    ]


def _usage_rows(person: Person) -> list[Row]:
    return [
        {
            "month": str(use.month),
            "product": use.product,
            "active_days": use.days,
            "content_category": use.content,
            "content_changed_on": use.changed,
            "hours": use.hours,
        }
        for use in person.uses
    ]


def _complaint_rows(person: Person) -> list[Row]:
    return [
        {
            "case_id": f"{person.customer_id} {number}",
            "reported_on": case.reported,
            "kind": case.kind,
            "topic": case.topic,
            "product": case.product,
            "cases": _decimal(case.cases, 4),
        }
        for number, case in enumerate(person.cases)
    ]


def _offer_rows(person: Person) -> list[Row]:
    return [
        {
            "contact_id": f"{person.customer_id} {number}",
            "contacted_on": offer.contacted,
            "channel": offer.channel,
            "answer": offer.answer,
            "contacts": offer.contacts,
        }
        for number, offer in enumerate(person.offers)
    ]


def _survey_rows(person: Person) -> list[Row]:
    return [
        {"answered_on": each.answered, "question": each.question, "answer": each.answer, "score": each.score}
        for each in person.surveys
    ]


_ROWS: Mapping[str, Callable[[Person], list[Row]]] = {
    "customers": _customer_rows,
    "traffic": _traffic_rows,
    "circle": _circle_rows,
    "subscriptions": _subscription_rows,
    "billing": _billing_rows,
    "product_usage": _usage_rows,
    "complaints": _complaint_rows,
    "marketing_feedback": _offer_rows,
    "surveys": _survey_rows,
}
