"""What was written of a claim is noted once for all its pushes; contacts leave room for what becomes of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "20261122_y2_written_claims"
down_revision = "20261122_y1_replies_of_contacts"

SCHEMA = "dispatch"


def upgrade() -> None:
    op.add_column("claims", sa.Column("write_time", sa.DateTime(timezone=True)), schema=SCHEMA)
    op.add_column("claims", sa.Column("unwritten", ARRAY(sa.BigInteger)), schema=SCHEMA)
    # So that "sent" finds room beside "reserved", and touches none of the five indexes.
    op.execute(f"ALTER TABLE {SCHEMA}.contacts SET (fillfactor = 55)")
