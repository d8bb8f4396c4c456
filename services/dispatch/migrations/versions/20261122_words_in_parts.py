"""As how many messages a contact leaves, and the gateway's id of each: a long text has several."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_words_in_parts"
down_revision = "20261122_words_from_numbers"

SCHEMA = "dispatch"


def upgrade() -> None:
    # What left before left as one message.
    op.add_column("contacts", sa.Column("parts", sa.Integer, nullable=False, server_default="1"), schema=SCHEMA)
    op.create_table(
        "messages",
        sa.Column("contact_id", sa.BigInteger, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        schema=SCHEMA,
    )
    op.execute(
        f"INSERT INTO {SCHEMA}.messages (contact_id, message_id) "
        f"SELECT contact_id, message_id FROM {SCHEMA}.contacts WHERE message_id IS NOT NULL"
    )
    op.create_index("ix_messages_message_id", "messages", ["message_id"], schema=SCHEMA)
    op.drop_column("contacts", "message_id", schema=SCHEMA)
