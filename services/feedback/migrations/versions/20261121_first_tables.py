"""Runs, cursors of consumers, plans with their members, outcomes."""

import sqlalchemy as sa
from alembic import op

from shared.db.outbox import create_cursor_table
from shared.runs.tables import create_run_tables

revision = "20261121_first_tables"
down_revision = None

SCHEMA = "feedback"


def upgrade() -> None:
    create_run_tables(SCHEMA)
    create_cursor_table(SCHEMA)
    op.create_table(
        "plans",
        sa.Column("plan", sa.Text, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latest_event_time", sa.DateTime(timezone=True)),
        schema=SCHEMA,
    )
    op.create_table(
        "plan_members",
        sa.Column("plan", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("sent", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("reached", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("answer", sa.Text),
        sa.Column("opted_out", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("delivery_known", sa.Boolean, nullable=False, server_default=sa.false()),
        schema=SCHEMA,
    )
    op.create_index("ix_plan_members_customer_id", "plan_members", ["customer_id"], schema=SCHEMA)
    op.create_table(
        "outcomes",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("order_time", sa.DateTime(timezone=True), nullable=False),
        schema=SCHEMA,
    )
    op.create_index("ix_outcomes_customer_id_policy", "outcomes", ["customer_id", "policy"], schema=SCHEMA)
