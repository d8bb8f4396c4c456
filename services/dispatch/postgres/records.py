"""Customers' contacts and opt-outs, in one statement: the desk waits for it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import RowMapping

from services.dispatch.domain.plans import Channel, PlanId
from services.dispatch.domain.pushes import Answer, Contact, ContactId, ContactState, Delivery, OptOut
from services.dispatch.ports.records import ContactPlace, CustomerRecord
from services.dispatch.tables import CONTACTS, OPT_OUTS
from shared.db.single_reads import Found, SingleReads

_OPT_OUT = [column.name for column in OPT_OUTS.columns]

# A row even where there is neither, and the opt-out beside each contact.
_RECORDS = f"""
    SELECT one.n AS place, contact.*, {", ".join(f'refused."{name}" AS "refused {name}"' for name in _OPT_OUT)}
    FROM unnest($1::text[]) WITH ORDINALITY AS one(customer_id, n)
    LEFT JOIN LATERAL (
        SELECT * FROM {OPT_OUTS.fullname} AS o WHERE o.customer_id = one.customer_id ORDER BY opt_out_id LIMIT 1
    ) AS refused ON true
    LEFT JOIN LATERAL (
        SELECT * FROM {CONTACTS.fullname} AS c
        WHERE c.customer_id = one.customer_id AND reserve_time >= $2
            AND ($3::timestamptz IS NULL OR (reserve_time, contact_id) < ($3, $4::bigint))
            AND ($5::text[] IS NULL OR city = ANY ($5))
        ORDER BY reserve_time DESC, contact_id DESC LIMIT $6
    ) AS contact ON true
    ORDER BY one.n, contact.reserve_time DESC, contact.contact_id DESC
"""


class ContactRecords:
    """`services.dispatch.ports.records.Records`."""

    def __init__(self, reads: SingleReads) -> None:
        self._reads = reads

    async def of(
        self,
        customer_id: str,
        *,
        since: datetime,
        after: ContactPlace | None,
        limit: int,
        cities: Collection[str] | None,
    ) -> CustomerRecord:
        place = (after.reserve_time, after.contact_id) if after else (None, None)
        within = None if cities is None else sorted(cities)
        return _record(await self._reads.rows(_RECORDS, [customer_id], since, *place, within, limit))

    async def of_all(
        self, customer_ids: Sequence[str], *, since: datetime, limit: int, cities: Collection[str] | None
    ) -> Sequence[CustomerRecord]:
        within = None if cities is None else sorted(cities)
        rows = await self._reads.rows(_RECORDS, customer_ids, since, None, None, within, limit)
        return [_record(list(theirs)) for _, theirs in groupby(rows, key=lambda row: row["place"])]


def _record(rows: Sequence[Found]) -> CustomerRecord:
    """Return what the rows of one customer, of which there is at least one, say."""
    return CustomerRecord([contact_of(row) for row in rows if row["contact_id"] is not None], _opt_out(rows[0]))


def contact_of(row: "Found | RowMapping") -> Contact:
    """Return a row of the ledger as a value."""
    return Contact(
        contact_id=ContactId(row["contact_id"]),
        customer_id=row["customer_id"],
        channel=Channel(row["channel"]),
        policy=row["policy"],
        plan_id=PlanId(row["plan"]),
        state=ContactState(row["state"]),
        reserve_time=row["reserve_time"],
        send_time=row["send_time"],
        delivery=Delivery(row["delivery"]) if row["delivery"] else None,
        answer=Answer(row["answer"]) if row["answer"] else None,
        answer_time=row["answer_time"],
        traceparent=row["traceparent"],
    )


def _opt_out(row: Found) -> OptOut | None:
    values = {name: row[f"refused {name}"] for name in _OPT_OUT}
    return OptOut(**values) if values["opt_out_id"] is not None else None
