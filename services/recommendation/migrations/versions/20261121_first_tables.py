"""Runs, versions of matrices and catalogues, switches, the desk's lists by batch."""

import sqlalchemy as sa
from alembic import op

from shared.runs.tables import create_run_tables

revision = "20261121_first_tables"
down_revision = None

SCHEMA = "recommendation"


def upgrade() -> None:
    create_run_tables(SCHEMA)
    _create_versions()
    _create_lists()


def _create_versions() -> None:
    op.create_table(
        "matrices",
        sa.Column("matrix_id", sa.Text, primary_key=True),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("hit_policy", sa.Text, nullable=False),
        sa.Column("rule_count", sa.Integer, nullable=False),
        sa.Column("csv", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        schema=SCHEMA,
    )
    op.create_index("ix_matrices_create_time_matrix_id", "matrices", ["create_time", "matrix_id"], schema=SCHEMA)
    op.create_table(
        "policy_catalogues",
        sa.Column("catalogue_id", sa.Text, primary_key=True),
        sa.Column("csv", sa.Text, nullable=False),
        sa.Column("policy_count", sa.Integer, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_policy_catalogues_create_time_catalogue_id",
        "policy_catalogues",
        ["create_time", "catalogue_id"],
        schema=SCHEMA,
    )


def _create_lists() -> None:
    op.create_table(
        "switches",
        sa.Column("batch", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("cycle", sa.Text, nullable=False),
        sa.Column("catalogue_id", sa.Text, nullable=False),
        sa.Column("switch_time", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("run_id", name="uq_switches_run_id"),
        schema=SCHEMA,
    )
    op.create_table(
        "desk_lists",
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("msisdn", sa.Text, nullable=False),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("withheld", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        schema=SCHEMA,
        postgresql_partition_by="LIST (batch)",
    )
