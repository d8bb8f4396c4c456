"""When an opt-out was said last, and since when a customer holds the number: a word from a number is judged by who held it."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_words_from_numbers"
down_revision = "20261121_first_tables"

SCHEMA = "dispatch"


def upgrade() -> None:
    op.add_column("pushes", sa.Column("number_since", sa.Date), schema=SCHEMA)
    op.add_column("opt_outs", sa.Column("latest_time", sa.DateTime(timezone=True)), schema=SCHEMA)
    op.execute(f"UPDATE {SCHEMA}.opt_outs SET latest_time = create_time")
    op.alter_column("opt_outs", "latest_time", nullable=False, schema=SCHEMA)
    for replaced in ("uq_opt_outs_customer_id", "uq_opt_outs_msisdn_alone"):
        op.drop_index(replaced, "opt_outs", schema=SCHEMA)
    op.create_unique_constraint("uq_opt_outs_customer_id_msisdn", "opt_outs", ["customer_id", "msisdn"], schema=SCHEMA)
