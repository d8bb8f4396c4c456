"""Whose a lease is and who renewed it; when a customer agreed to be called back."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_x1_call_backs"
down_revision = "20261122_words_in_parts"

SCHEMA = "dispatch"


def upgrade() -> None:
    _add_to_leases()
    for name in ("due_time", "call_back_time"):
        op.add_column("calls", sa.Column(name, sa.DateTime(timezone=True)), schema=SCHEMA)
    op.add_column("pushes", sa.Column("call_back_time", sa.DateTime(timezone=True)), schema=SCHEMA)
    op.add_column("pushes", sa.Column("call_backs", sa.Integer, nullable=False, server_default="0"), schema=SCHEMA)
    op.create_index(
        "ix_pushes_call_backs",
        "pushes",
        ["plan", "call_back_time"],
        postgresql_where=sa.text("call_back_time IS NOT NULL AND state = 'planned'"),
        schema=SCHEMA,
    )


def _add_to_leases() -> None:
    for name in ("principal", "renewal"):
        op.add_column("leases", sa.Column(name, sa.Text, nullable=False, server_default=""), schema=SCHEMA)
    op.add_column("leases", sa.Column("lease_time", sa.DateTime(timezone=True)), schema=SCHEMA)
    # None was renewed before this.
    op.execute(f"UPDATE {SCHEMA}.leases SET lease_time = end_time - make_interval(secs => seconds)")
    op.alter_column("leases", "lease_time", nullable=False, schema=SCHEMA)
