"""The products of a catalogue, kept beside its policies."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_products"
down_revision = "20261122_desk_pages"

SCHEMA = "recommendation"


def upgrade() -> None:
    products = sa.Column("products_csv", sa.Text, nullable=False, server_default="")
    count = sa.Column("product_count", sa.Integer, nullable=False, server_default="0")
    for column in (products, count):
        op.add_column("policy_catalogues", column, schema=SCHEMA)
