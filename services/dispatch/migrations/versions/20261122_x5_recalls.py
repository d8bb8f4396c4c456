"""Pushes that a gateway is asked to take back, because their customers refused them after they had left."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_x5_recalls"
down_revision = "20261122_x1_call_backs"

SCHEMA = "dispatch"


def upgrade() -> None:
    op.add_column("contacts", sa.Column("recall", sa.Text), schema=SCHEMA)
    op.create_index(
        "ix_contacts_recall_due",
        "contacts",
        ["reserve_time"],
        schema=SCHEMA,
        postgresql_where=sa.text("recall = 'due'"),
    )
