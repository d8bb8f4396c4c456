"""Runs, and a table that shows how often each stage took effect."""

import sqlalchemy as sa
from alembic import op

from shared.runs.tables import create_run_tables

revision = "20261121_first_tables"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_run_tables("toyruns")
    op.create_table(
        "effects",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        schema="toyruns",
    )
