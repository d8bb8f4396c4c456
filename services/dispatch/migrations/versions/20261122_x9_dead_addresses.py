"""Addresses that a gateway said to be none."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_x9_dead_addresses"
down_revision = "20261122_x8_barred_customers"


def upgrade() -> None:
    op.create_table(
        "dead_addresses",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("msisdn", sa.Text, primary_key=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("told_time", sa.DateTime(timezone=True), nullable=False),
        schema="dispatch",
    )
