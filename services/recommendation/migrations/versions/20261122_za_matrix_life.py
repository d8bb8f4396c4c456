"""The life of matrices: the steps of each version, what is published, overrides by city, and what a version was edited from."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_za_matrix_life"
down_revision = "20261122_products"

SCHEMA = "recommendation"


def upgrade() -> None:
    _extend_versions()
    _create_steps()
    _create_publications()


def _extend_versions() -> None:
    texts = {"city": "", "parent": "", "stage": "draft"}
    columns = [sa.Column(name, sa.Text, nullable=False, server_default=value) for name, value in texts.items()]
    for column in (*columns, sa.Column("step_count", sa.Integer, nullable=False, server_default="0")):
        op.add_column("matrices", column, schema=SCHEMA)
    live = sa.text("parent <> '' AND stage <> 'retired'")
    op.create_index("uq_matrices_parent", "matrices", ["parent"], unique=True, schema=SCHEMA, postgresql_where=live)


def _create_steps() -> None:
    op.create_table(
        "matrix_steps",
        sa.Column("place", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("matrix_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("cycle", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_matrix_steps_matrix_id_number", "matrix_steps", ["matrix_id", "number"], unique=True, schema=SCHEMA
    )


def _create_publications() -> None:
    op.create_table(
        "publications",
        sa.Column("cycle", sa.Text, primary_key=True),
        sa.Column("purpose", sa.Text, primary_key=True),
        sa.Column("city", sa.Text, primary_key=True),
        sa.Column("matrix_id", sa.Text, nullable=False),
        schema=SCHEMA,
    )
    op.create_index("ix_publications_matrix_id", "publications", ["matrix_id"], schema=SCHEMA)
