"""Runs: models in training and scorings of snapshots."""

from shared.runs.tables import create_run_tables

revision = "20261121_first_tables"
down_revision = None


def upgrade() -> None:
    create_run_tables("scoring")
