"""The tables of a service that exists in tests only."""

import sqlalchemy as sa
from alembic import op

from shared.db.outbox import create_cursor_table, create_outbox_table

revision = "20261121_first_tables"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("note_id", sa.Text, primary_key=True),
        sa.Column("words", sa.Text, nullable=False),
        schema="toy",
    )
    create_outbox_table("toy")
    create_cursor_table("toy")
