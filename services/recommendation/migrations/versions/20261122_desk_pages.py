"""The desk's lists in pages of many customers, instead of a row for each; what is switched in stays readable."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_desk_pages"
down_revision = "20261121_first_tables"

SCHEMA = "recommendation"
CUSTOMERS_PER_PAGE = 16


def upgrade() -> None:
    _create("desk_pages")
    _create("desk_number_pages")
    batches = op.get_bind().execute(sa.text(f"SELECT DISTINCT batch FROM {SCHEMA}.desk_lists")).scalars().all()
    for batch in batches:
        value = """CAST(json_build_array(msisdn, city, arm, withheld, CAST(body AS json)) AS text)"""
        _fill("desk_pages", batch, key="customer_id", value=value)
        _fill("desk_number_pages", batch, key="msisdn", value="customer_id")
    op.drop_table("desk_lists", schema=SCHEMA)


def _create(name: str) -> None:
    op.create_table(
        name,
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("first_key", sa.Text(collation="C"), nullable=False),
        sa.Column("keys", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("entries", sa.ARRAY(sa.Text), nullable=False),
        schema=SCHEMA,
        postgresql_partition_by="LIST (batch)",
    )


def _fill(name: str, batch: int, *, key: str, value: str) -> None:
    pages = f"{SCHEMA}.{name}"
    op.execute(f"CREATE TABLE {pages}_{batch} PARTITION OF {pages} FOR VALUES IN ({batch})")
    op.execute(f"""
        INSERT INTO {pages} (batch, first_key, keys, entries)
        SELECT {batch}, (array_agg(key ORDER BY place))[1], array_agg(key ORDER BY place), array_agg(value ORDER BY place)
        FROM (
            SELECT key, value, row_number() OVER (ORDER BY key) - 1 AS place
            FROM (
                SELECT {key} COLLATE "C" AS key, min({value}) AS value
                FROM {SCHEMA}.desk_lists WHERE batch = {batch} GROUP BY 1
            ) AS found
        ) AS numbered
        GROUP BY place / {CUSTOMERS_PER_PAGE}
    """)
    op.execute(f"CREATE UNIQUE INDEX ON {pages}_{batch} (first_key)")
