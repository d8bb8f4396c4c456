"""The operator's tables as we want them: every column's type and limits. Checks, SQL and schemas are generated from here."""

from collections.abc import Mapping

from services.profile.domain.source_tables.customers import (
    COMPLAINTS,
    CUSTOMERS,
    ENTERPRISE_MEMBERS,
    ENTERPRISES,
    MARKETING_FEEDBACK,
    OUTCOMES,
    SUBSCRIPTIONS,
    SURVEYS,
    VIP_CUSTOMERS,
)
from services.profile.domain.source_tables.kinds import Kind, SourceColumn, SourceTable
from services.profile.domain.source_tables.months import BILLING, CIRCLE, PRODUCT_USAGE, TRAFFIC

__all__ = [
    "BILLING",
    "CIRCLE",
    "COMPLAINTS",
    "CUSTOMERS",
    "ENTERPRISES",
    "ENTERPRISE_MEMBERS",
    "MARKETING_FEEDBACK",
    "OUTCOMES",
    "OWNERS",
    "PRODUCT_USAGE",
    "SOURCE_TABLES",
    "SUBSCRIPTIONS",
    "SURVEYS",
    "TRAFFIC",
    "VIP_CUSTOMERS",
    "Kind",
    "SourceColumn",
    "SourceTable",
    "owners_of",
]

SOURCE_TABLES = (
    CUSTOMERS,
    TRAFFIC,
    CIRCLE,
    SUBSCRIPTIONS,
    BILLING,
    PRODUCT_USAGE,
    VIP_CUSTOMERS,
    ENTERPRISES,
    ENTERPRISE_MEMBERS,
    COMPLAINTS,
    MARKETING_FEEDBACK,
    SURVEYS,
    OUTCOMES,
)
"""In the order of taking in: a table comes behind those that its rows belong to."""


OWNERS: Mapping[str, SourceTable] = {"customer_id": CUSTOMERS, "enterprise_id": ENTERPRISES}
"""The tables that rows of others belong to, by the column that says to which of their rows."""


def owners_of(table: SourceTable) -> Mapping[str, SourceTable]:
    """Return the tables that each row of this one belongs to, by the column that says to which of their rows."""
    return {column: owner for column, owner in OWNERS.items() if owner is not table and table.has_column(column)}
