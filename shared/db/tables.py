"""What the tables of all services have in common: one schema per service, and names of constraints that are predictable."""

from sqlalchemy import MetaData

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def schema_metadata(schema: str) -> MetaData:
    """Return empty metadata for the tables of one schema."""
    return MetaData(schema=schema, naming_convention=_NAMES)


def create_tables(metadata: MetaData) -> None:
    """Create all tables of `metadata` in a migration, for tables whose columns several services share."""
    from alembic import op

    metadata.create_all(op.get_bind(), checkfirst=False)
