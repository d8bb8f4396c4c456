"""Runs: imports and snapshots."""

from shared.runs.tables import create_run_tables

revision = "20261121_first_tables"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_run_tables("profile")
