"""The tables of schema `recommendation`."""

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Identity, Index, Integer, Table, Text, text

from shared.db.tables import schema_metadata
from shared.runs.tables import runs_tables

metadata = schema_metadata("recommendation")
RUNS = runs_tables(metadata)

MATRICES = Table(
    "matrices",
    metadata,
    Column("matrix_id", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("hit_policy", Text, nullable=False),
    Column("rule_count", Integer, nullable=False),
    Column("csv", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("author", Text, nullable=False),
    # The city whose override it is; empty for a matrix of the province.
    Column("city", Text, nullable=False, server_default=""),
    # The version it was edited from; empty where none was named.
    Column("parent", Text, nullable=False, server_default=""),
    # What the log of steps comes to: the only two columns that ever change.
    Column("stage", Text, nullable=False, server_default="draft"),
    Column("step_count", Integer, nullable=False, server_default="0"),
    Index("ix_matrices_create_time_matrix_id", "create_time", "matrix_id"),
    # Two edits of one version: the second is refused, unless the first was given up.
    Index("uq_matrices_parent", "parent", unique=True, postgresql_where=text("parent <> '' AND stage <> 'retired'")),
)

MATRIX_STEPS = Table(
    "matrix_steps",
    metadata,
    Column("place", BigInteger, Identity(always=True), primary_key=True),
    Column("matrix_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("cycle", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
    Column("run", Text, nullable=False),
    Index("uq_matrix_steps_matrix_id_number", "matrix_id", "number", unique=True),
)
"""The log of what happened to versions: rows are added, never changed. Within one slot places are in the order of time."""

PUBLICATIONS = Table(
    "publications",
    metadata,
    Column("cycle", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("city", Text, primary_key=True),
    Column("matrix_id", Text, nullable=False),
    Index("ix_publications_matrix_id", "matrix_id"),
)
"""What is published now: by its key one version at most for a purpose in a cycle, of the province and of each city."""

CATALOGUES = Table(
    "policy_catalogues",
    metadata,
    Column("catalogue_id", Text, primary_key=True),
    Column("csv", Text, nullable=False),
    Column("products_csv", Text, nullable=False, server_default=""),
    Column("policy_count", Integer, nullable=False),
    Column("product_count", Integer, nullable=False, server_default="0"),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("author", Text, nullable=False),
    Index("ix_policy_catalogues_create_time_catalogue_id", "create_time", "catalogue_id"),
)

SWITCHES = Table(
    "switches",
    metadata,
    Column("batch", BigInteger, Identity(always=True), primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("cycle", Text, nullable=False),
    Column("catalogue_id", Text, nullable=False),
    Column("switch_time", DateTime(timezone=True), nullable=False),
)
"""One row per run whose lists were switched in; the highest batch is what the desk reads."""


def _pages(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("batch", BigInteger, nullable=False),
        Column("first_key", Text(collation="C"), nullable=False),
        Column("keys", ARRAY(Text), nullable=False),
        Column("entries", ARRAY(Text), nullable=False),
        postgresql_partition_by="LIST (batch)",
    )


DESK_PAGES = _pages("desk_pages")
"""Pages of lists by customer id, sorted; one partition per batch, with its index. An entry is the JSON that the desk reads."""

DESK_NUMBER_PAGES = _pages("desk_number_pages")
"""Pages of MSISDNs, sorted; an entry is the customer id of the number's holder."""
