"""The tables of schema `feedback`."""

from sqlalchemy import Boolean, Column, DateTime, Index, Table, Text

from shared.db.outbox import cursor_table
from shared.db.tables import schema_metadata
from shared.runs.tables import runs_tables

metadata = schema_metadata("feedback")
RUNS = runs_tables(metadata)
CURSORS = cursor_table(metadata)

PLANS = Table(
    "plans",
    metadata,
    Column("plan", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("start_time", DateTime(timezone=True), nullable=False),
    Column("latest_event_time", DateTime(timezone=True)),
)

MEMBERS = Table(
    "plan_members",
    metadata,
    Column("plan", Text, primary_key=True),
    Column("customer_id", Text, primary_key=True),
    Column("arm", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("sent", Boolean, nullable=False, server_default="false"),
    Column("reached", Boolean, nullable=False, server_default="false"),
    Column("answer", Text),
    Column("opted_out", Boolean, nullable=False, server_default="false"),
    Column("delivery_known", Boolean, nullable=False, server_default="false"),
    Index("ix_plan_members_customer_id", "customer_id"),
)

OUTCOMES = Table(
    "outcomes",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("order_time", DateTime(timezone=True), nullable=False),
    Index("ix_outcomes_customer_id_policy", "customer_id", "policy"),
)
