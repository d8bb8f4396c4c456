"""Events that leave a service: written with the change they tell of, read in an order that never skips one.

A sequence number alone would: a transaction may draw 7, another draw 8 and commit, a reader see 8, and then 7 commit.
So a row also bears its transaction's id, and a reader sees only transactions older than every one still under way.
See deploy/decisions/0004-outbox-cursors.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NewType

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    MetaData,
    Table,
    Text,
    TextClause,
    cast,
    func,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.types import UserDefinedType

from shared.db.engine import to_json
from shared.db.tables import create_tables, schema_metadata
from shared.db.transactions import AnyTransaction, WriteTransaction
from shared.errors import InvalidInput
from shared.jsontypes import JsonObject

Cursor = NewType("Cursor", str)
"""A place in the order of one outbox. Opaque; a receiver stores it and hands it back."""

START = Cursor("")
"""The place before the first event."""


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, which never wraps around; its decimal text in Python."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "XID8"


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """One fact: `key` names what it is about, `traceparent` (W3C, may be empty) the trace that it happened in."""

    topic: str
    key: str
    payload: JsonObject
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """Events in order, and the place after the last; an empty page keeps the place asked for."""

    events: tuple[OutboxEvent, ...]
    cursor: Cursor


def outbox_table(metadata: MetaData) -> Table:
    """Declare table `outbox` in the schema of `metadata`."""
    return Table(
        "outbox",
        metadata,
        Column("txid", Xid8(), primary_key=True, server_default=func.pg_current_xact_id()),
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("payload", JSONB, nullable=False),
        Column("traceparent", Text, nullable=False),
        Index("ix_outbox_topic_txid_seq", "topic", "txid", "seq"),
    )


def cursor_table(metadata: MetaData) -> Table:
    """Declare table `consumer_cursors` in the schema of `metadata`: how far the service has read the outboxes of others."""
    return Table(
        "consumer_cursors",
        metadata,
        Column("name", Text, primary_key=True),
        Column("cursor", Text, nullable=False),
    )


def create_outbox_table(schema: str) -> None:
    """Create `outbox` in a migration."""
    metadata = schema_metadata(schema)
    outbox_table(metadata)
    create_tables(metadata)


def create_cursor_table(schema: str) -> None:
    """Create `consumer_cursors` in a migration."""
    metadata = schema_metadata(schema)
    cursor_table(metadata)
    create_tables(metadata)


@dataclass(frozen=True, slots=True)
class Outbox:
    """The sender's side."""

    table: Table

    async def append(self, tx: WriteTransaction, events: Sequence[OutboxEvent]) -> None:
        """Add events, in this order, to the change that `tx` commits."""
        if not events:
            return
        columns = {
            "topics": [event.topic for event in events],
            "keys": [event.key for event in events],
            "payloads": [to_json(event.payload) for event in events],
            "traceparents": [event.traceparent for event in events],
        }
        # One row of arrays: a row of values for each event would be bound one by one.
        await tx.connection.execute(_append_to(self.table.fullname), columns)

    async def read(self, tx: AnyTransaction, topics: Sequence[str], *, after: Cursor, limit: int) -> OutboxPage:
        """Return at most `limit` events of `topics` behind `after`.

        Each committed event comes exactly once along a chain of cursors. It comes late as long as any older
        transaction of the server is still writing. Raises `InvalidInput` when `after` is not a cursor.
        """
        columns = self.table.c
        txid, seq = _place(after)
        oldest_under_way = func.pg_snapshot_xmin(func.pg_current_snapshot())
        statement = (
            select(
                cast(columns.txid, Text), columns.seq, columns.topic, columns.key, columns.payload, columns.traceparent
            )
            .where(
                columns.topic.in_(topics),
                tuple_(columns.txid, columns.seq) > tuple_(cast(literal(txid, Text), Xid8), literal(seq, BigInteger)),
                columns.txid < oldest_under_way,
            )
            .order_by(columns.txid, columns.seq)
            .limit(limit)
        )
        rows = (await tx.connection.execute(statement)).all()
        cursor = Cursor(f"{rows[-1][0]}:{rows[-1][1]}") if rows else after
        return OutboxPage(tuple(OutboxEvent(*row[2:]) for row in rows), cursor)


@dataclass(frozen=True, slots=True)
class Cursors:
    """The receiver's side: its place is stored in the transaction that stores what the events caused."""

    table: Table

    async def load(self, tx: WriteTransaction, name: str) -> Cursor:
        """Return the place of consumer `name`, locked until `tx` ends, so that two processes take turns."""
        statement = select(self.table.c.cursor).where(self.table.c.name == name).with_for_update()
        known = (await tx.connection.execute(statement)).scalar_one_or_none()
        if known is not None:
            return Cursor(known)
        await tx.connection.execute(
            upsert(self.table).values(name=name, cursor=START).on_conflict_do_nothing(index_elements=["name"])
        )
        return Cursor((await tx.connection.execute(statement)).scalar_one())

    async def save(self, tx: WriteTransaction, name: str, cursor: Cursor) -> None:
        """Move the place of consumer `name`, which `load` has locked in this `tx`."""
        await tx.connection.execute(self.table.update().where(self.table.c.name == name).values(cursor=cursor))


def _place(cursor: Cursor) -> tuple[str, int]:
    """Split `txid:seq`; both are at most 20 digits."""
    if cursor == START:
        return "0", 0
    if not re.fullmatch(r"\d{1,19}:\d{1,18}", cursor, re.ASCII):
        raise InvalidInput.of("cursor", "is not one that this list gave out; start from the empty one")
    txid, _, seq = cursor.partition(":")
    return txid, int(seq)


@cache
def _append_to(table: str) -> TextClause:
    return text(f"""
        INSERT INTO {table} (topic, key, payload, traceparent)
        SELECT topic, key, CAST(payload AS jsonb), traceparent
          FROM unnest(CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:payloads AS text[]), CAST(:traceparents AS text[]))
               WITH ORDINALITY AS e(topic, key, payload, traceparent, nth)
         ORDER BY nth
    """)
