"""Finds the replies to a contact: a hotline asks for them."""

from alembic import op

revision = "20261122_y1_replies_of_contacts"
down_revision = "20261122_x9_dead_addresses"


def upgrade() -> None:
    op.create_index("ix_replies_contact_id", "replies", ["contact_id"], schema="dispatch")
