"""The operator's tables as we want them: every column's type and limits. Checks, SQL and schemas are generated from here."""

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
    "PRODUCT_USAGE",
    "SOURCE_TABLES",
    "SUBSCRIPTIONS",
    "SURVEYS",
    "TRAFFIC",
    "VIP_CUSTOMERS",
    "Kind",
    "SourceColumn",
    "SourceTable",
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
"""In the order of taking in: customers first, since the rows of the others belong to one."""
