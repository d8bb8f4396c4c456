"""Contacts at the desk: without a push, known by the request that told of them."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_x6_desk"
down_revision = "20261122_x5_recalls"

SCHEMA = "dispatch"


def upgrade() -> None:
    op.alter_column("contacts", "push_id", nullable=True, schema=SCHEMA)
    op.add_column("contacts", sa.Column("request_id", sa.Text), schema=SCHEMA)
    op.create_index(
        "uq_contacts_request_id",
        "contacts",
        ["request_id"],
        unique=True,
        postgresql_where=sa.text("request_id IS NOT NULL"),
        schema=SCHEMA,
    )
