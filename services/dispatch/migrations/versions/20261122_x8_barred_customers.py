"""Whom the newest customer views forbid to contact."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_x8_barred_customers"
down_revision = "20261122_x6_desk"

SCHEMA = "dispatch"


def upgrade() -> None:
    op.create_table(
        "barred_customers",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("rule", sa.Text, nullable=False),
        schema=SCHEMA,
    )
    op.create_table("barred_by", sa.Column("snapshot", sa.Text, primary_key=True), schema=SCHEMA)
