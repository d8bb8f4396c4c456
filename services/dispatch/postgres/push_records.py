"""One push with all that is kept about it: its plan, contacts, receipts, replies and calls."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import CursorResult, RowMapping, text

from services.dispatch.domain.calls import BusinessResult, CallId, CallPhase, SystemResult
from services.dispatch.domain.plans import Channel, Offer, PlanId
from services.dispatch.domain.push_records import (
    CallEntry,
    ContactEntry,
    KeptReceipt,
    KeptReply,
    PlanOfPush,
    PushRecord,
    ReplyMeaning,
)
from services.dispatch.domain.pushes import Push, PushId, PushState
from services.dispatch.postgres.records import contact_of
from shared.db.transactions import AnyTransaction
from shared.lake.dataset import Dataset

_PUSH = text("""
    SELECT p.*, pl.display_name, pl.channel, pl.targets, pl.offers, pl.create_time, pl.start_time
      FROM dispatch.pushes AS p JOIN dispatch.push_plans AS pl USING (plan)
     WHERE p.push_id = :push AND (CAST(:cities AS text[]) IS NULL OR p.city = ANY(CAST(:cities AS text[])))
""")

# By the key that customer, policy and plan begin: contacts have no index on their push.
_CONTACTS = text("""
    SELECT * FROM dispatch.contacts
     WHERE customer_id = :customer AND policy = :policy AND plan = :plan AND push_id = :push ORDER BY contact_id
""")

_MESSAGES = text("""
    SELECT contact_id, message_id FROM dispatch.messages
     WHERE contact_id = ANY(CAST(:contacts AS bigint[])) ORDER BY contact_id, message_id
""")

_RECEIPTS = text("""
    SELECT r.contact_id, r.message_id, r.status, r.receive_time
      FROM dispatch.contacts AS c
      JOIN dispatch.messages AS m USING (contact_id)
      JOIN dispatch.receipts AS r ON r.account = c.account AND r.message_id = m.message_id AND r.contact_id = c.contact_id
     WHERE c.contact_id = ANY(CAST(:contacts AS bigint[])) ORDER BY r.receive_time, r.message_id, r.status
""")

_REPLIES = text("""
    SELECT contact_id, meaning, receive_time FROM dispatch.replies
     WHERE contact_id = ANY(CAST(:contacts AS bigint[])) ORDER BY receive_time
""")

_CALLS = text("SELECT * FROM dispatch.calls WHERE push_id = :push ORDER BY call_id")


class PushRecordQueries:
    """`services.dispatch.ports.records.PushRecords`."""

    def __init__(self, tx: AnyTransaction) -> None:
        self._connection = tx.connection

    async def of(self, push_id: PushId, *, cities: Collection[str] | None) -> PushRecord | None:
        within = None if cities is None else sorted(cities)
        found = (await self._connection.execute(_PUSH, {"push": push_id, "cities": within})).mappings().one_or_none()
        if found is None:
            return None
        return PushRecord(
            push=push_of(found),
            plan=_plan(found),
            msisdn=found["msisdn"],
            city=found["city"],
            contacts=await self._contacts(found),
            calls=[_call(row) for row in (await self._connection.execute(_CALLS, {"push": push_id})).mappings()],
            call_back_at=found["call_back_time"],
            call_backs=found["call_backs"],
        )

    async def _contacts(self, push: RowMapping) -> Sequence[ContactEntry]:
        key = {"customer": push["customer_id"], "policy": push["policy"], "plan": push["plan"]}
        rows = (await self._connection.execute(_CONTACTS, {**key, "push": push["push_id"]})).mappings().all()
        asked = {"contacts": [row["contact_id"] for row in rows]}
        messages = _by_contact(await self._connection.execute(_MESSAGES, asked))
        receipts = _by_contact(await self._connection.execute(_RECEIPTS, asked))
        replies = _by_contact(await self._connection.execute(_REPLIES, asked))
        return [
            ContactEntry(
                contact=contact_of(row),
                attempt=row["attempt"],
                account=row["account"],
                parts=row["parts"],
                message_ids=[kept["message_id"] for kept in messages[row["contact_id"]]],
                receipts=[
                    KeptReceipt(kept["message_id"], kept["status"], kept["receive_time"])
                    for kept in receipts[row["contact_id"]]
                ],
                replies=[
                    KeptReply(ReplyMeaning(kept["meaning"]), kept["receive_time"])
                    for kept in replies[row["contact_id"]]
                ],
            )
            for row in rows
        ]


def _by_contact(rows: CursorResult[tuple[object, ...]]) -> Mapping[int, Sequence[RowMapping]]:
    found: defaultdict[int, list[RowMapping]] = defaultdict(list)
    for row in rows.mappings():
        found[row["contact_id"]].append(row)
    return found


def push_of(row: RowMapping) -> Push:
    """Return a row of the pushes as people see it."""
    return Push(
        push_id=PushId(row["push_id"]),
        rank=row["rank"],
        customer_id=row["customer_id"],
        policy=row["policy"],
        arm=row["arm"],
        state=PushState(row["state"]),
        detail=row["detail"],
        hold_until=row["hold_until"],
    )


def _plan(row: RowMapping) -> PlanOfPush:
    return PlanOfPush(
        plan_id=PlanId(row["plan"]),
        display_name=row["display_name"],
        channel=Channel(row["channel"]),
        targets=Dataset(**row["targets"]),
        created_at=row["create_time"],
        started_at=row["start_time"],
        offer=next(Offer(**offer) for offer in row["offers"] if offer["policy"] == row["policy"]),
    )


def _call(row: RowMapping) -> CallEntry:
    return CallEntry(
        call_id=CallId(row["call_id"]),
        attempt=row["attempt"],
        phase=CallPhase(row["phase"]),
        leased_at=row["lease_time"],
        started_at=row["start_time"],
        finished_at=row["finish_time"],
        system_result=SystemResult(row["system_result"]) if row["system_result"] else None,
        business_result=BusinessResult(row["business_result"]) if row["business_result"] else None,
        due_at=row["due_time"],
        call_back_at=row["call_back_time"],
    )
