"""Monthly tables: what customers used and paid, month by month."""

from services.profile.domain.source_tables.kinds import (
    CUSTOMER_ID,
    MONTH,
    PRODUCT,
    SourceTable,
    day,
    decimal,
    money,
    number,
    text,
)

TRAFFIC = SourceTable(
    "traffic",
    key=("customer_id", "month"),
    columns=(
        CUSTOMER_ID,
        MONTH,
        decimal("minutes", optional=False),
        decimal("inbound_minutes"),
        decimal("outbound_minutes"),
        decimal("local_minutes"),
        decimal("long_distance_minutes"),  # absent: the sum of its three parts
        decimal("in_province_long_distance_minutes"),
        decimal("inter_province_long_distance_minutes"),
        decimal("international_long_distance_minutes"),
        decimal("roaming_minutes"),  # absent: the sum of its three parts
        decimal("in_province_roaming_minutes"),
        decimal("inter_province_roaming_minutes"),
        decimal("international_roaming_minutes"),
        decimal("vpmn_minutes"),
        decimal("vpmn_roaming_minutes"),
        decimal("overage_minutes"),  # beyond the plan's allowance
        decimal("unit_price", 4),  # yuan a minute
        text("top_counterpart", optional=True),  # the province most called, or called from, by long distance
        decimal("inbound_calls"),
        decimal("outbound_calls"),
        decimal("peak_calls"),
        decimal("off_peak_calls"),
        decimal("dropped_calls"),
        decimal("blocked_calls"),
        decimal("unanswered_calls"),
        decimal("waiting_calls"),
        decimal("conference_calls"),
        decimal("minutes_change", signed=True),  # in percent, of sources without earlier months
    ),
)
CIRCLE = SourceTable(
    "circle",
    key=("customer_id", "month"),
    columns=(
        CUSTOMER_ID,
        MONTH,
        number("breadth", 0, 99999, optional=False),  # distinct peers
        decimal("depth"),  # minutes a peer
        number("vpmn_breadth", 0, 99999),
        decimal("vpmn_depth"),
        number("enterprise_peers", 0, 99999),
        number("rival_peers", 0, 99999),  # of other networks
        number("business_peers", 0, 99999),
    ),
)
BILLING = SourceTable(
    "billing",
    key=("customer_id", "month"),
    columns=(
        CUSTOMER_ID,
        MONTH,
        money("revenue_total", optional=False),
        money("revenue_fixed"),  # monthly charge of the plan
        money("revenue_voice"),
        money("revenue_data"),
        money("revenue_sms"),
        money("discounts"),
        money("gifts"),
        money("handset_subsidy"),
        money("settlement"),
        money("commission"),
        money("payments"),
        money("arrears"),
        decimal("revenue_change", signed=True),  # in percent, of sources without earlier months
    ),
)
PRODUCT_USAGE = SourceTable(
    "product_usage",
    key=("customer_id", "month", "product"),
    columns=(
        CUSTOMER_ID,
        MONTH,
        PRODUCT,
        number("active_days", 0, 31, optional=False),
        decimal("volume", 4),
        text("content_category", optional=True),
        day("content_changed_on"),
        text("hours", "morning", "afternoon", "evening", "night", optional=True),  # when most is used
    ),
)
