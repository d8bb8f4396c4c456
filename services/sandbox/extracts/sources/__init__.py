"""How the operator writes its twelve tables: Chinese headings, and words for values."""

from services.sandbox.extracts.sources.answers import COMPLAINTS, MARKETING_FEEDBACK, SUBSCRIPTIONS, SURVEYS
from services.sandbox.extracts.sources.months import BILLING, CIRCLE, PRODUCT_USAGE, TRAFFIC
from services.sandbox.extracts.sources.people import CUSTOMERS, ENTERPRISE_MEMBERS, ENTERPRISES, VIP_CUSTOMERS
from services.sandbox.extracts.sources.source import Source

__all__ = [
    "BILLING",
    "CIRCLE",
    "COMPLAINTS",
    "CUSTOMERS",
    "ENTERPRISES",
    "ENTERPRISE_MEMBERS",
    "MARKETING_FEEDBACK",
    "PRODUCT_USAGE",
    "SOURCES",
    "SUBSCRIPTIONS",
    "SURVEYS",
    "TRAFFIC",
    "VIP_CUSTOMERS",
    "Source",
]

SOURCES = (
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
)
