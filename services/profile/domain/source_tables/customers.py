"""Tables about who customers are, to whom they belong, and what they told the operator."""

from services.profile.domain.source_tables.kinds import (
    CUSTOMER_ID,
    PRODUCT,
    Kind,
    SourceColumn,
    SourceTable,
    day,
    decimal,
    flag,
    money,
    number,
    text,
)

CUSTOMERS = SourceTable(
    "customers",
    key=("customer_id",),
    optional=False,
    columns=(
        CUSTOMER_ID,
        SourceColumn("msisdn", Kind.MSISDN),
        day("number_since"),  # since when this customer holds the number; before it, the number was somebody else's
        text("owner_id", optional=True),  # absent: every line has an owner of its own
        number("owner_lines", 0, 999),  # lines of the owner, also with other operators or outside the extract
        text("city"),
        text("county", optional=True),
        text("micro_region", optional=True),
        text("brand", "GoTone", "M-Zone", "Easyown", optional=True),
        day("activation_date", optional=False),
        text("status", "active", "suspended", "left"),
        day("left_date"),
        text("sex", "male", "female", optional=True),
        number("birth_year", 1900, 2099),
        text("occupation", optional=True),
        number("income_level", 0, 9),  # 0 lowest
        number("credit_level", 1, 9),  # 1 lowest
        text("handset", optional=True),
        flag("handset_gprs"),
        flag("handset_wap"),
        flag("handset_mms"),
        flag("handset_3g"),
        flag("handset_4g"),
        money("handset_price"),
        number("handset_days", 0, 99999),  # how long the customer has had it
        number("handsets_owned", 0, 999),
        number("handset_models_owned", 0, 999),
        flag("internet_access"),
        text("plan", optional=True),
        number("contract_class", 0, 1, optional=False),
        text("contract_policy", optional=True),
        day("contract_end_date"),
        money("balance"),
        flag("answers_mail"),  # answered offers by mail before
        number("referrals", 0, 9999),  # customers brought so far
        flag("red_list", optional=False),
        flag("marketing_consent"),
    ),
)
VIP_CUSTOMERS = SourceTable(
    "vip_customers",
    key=("customer_id",),
    columns=(CUSTOMER_ID, number("vip_level", 1, 9, optional=False), text("customer_manager", optional=True)),
)
ENTERPRISES = SourceTable(
    "enterprises",
    key=("enterprise_id",),
    columns=(
        text("enterprise_id"),
        text("city", optional=True),
        text("industry", optional=True),
        number("employees", 1, 9_999_999),
        number("credit_level", 1, 9),
        day("signed_on"),
        day("contract_end_date"),
        text("customer_manager", optional=True),
    ),
)
ENTERPRISE_MEMBERS = SourceTable(
    "enterprise_members",
    key=("customer_id",),  # a customer belongs to one enterprise
    columns=(CUSTOMER_ID, text("enterprise_id"), text("role", "key_person", "member", optional=True)),
)
COMPLAINTS = SourceTable(
    "complaints",
    key=("case_id",),
    columns=(
        text("case_id"),
        CUSTOMER_ID,
        day("reported_on", optional=False),
        text("kind", "complaint", "consultation"),
        text("topic", optional=True),
        text("product", optional=True),
        decimal("cases", 4),  # absent: one; sources that only give a monthly mean write that
    ),
)
MARKETING_FEEDBACK = SourceTable(
    "marketing_feedback",
    key=("contact_id",),
    columns=(
        text("contact_id"),
        CUSTOMER_ID,
        day("contacted_on", optional=False),
        text("channel", optional=True),
        text("policy", optional=True),
        text("product", optional=True),
        text("answer", "accepted", "rejected", "none"),
        text("reason", optional=True),
        number("contacts", 0, 9999),  # absent: one; sources that only count have 0 for most
    ),
)
SURVEYS = SourceTable(
    "surveys",
    key=("customer_id", "question", "answered_on"),
    columns=(
        CUSTOMER_ID,
        day("answered_on", optional=False),
        text("question"),
        text("answer", optional=True),
        number("score", 0, 10),
    ),
)
OUTCOMES = SourceTable(
    "outcomes",
    key=("customer_id",),
    # What is known to have become of the customers later, where the extract has it: models learn from it, views never hold it.
    columns=(CUSTOMER_ID, flag("churned", optional=False)),
)
SUBSCRIPTIONS = SourceTable(
    "subscriptions",
    key=("customer_id", "product", "ordered_on"),
    columns=(
        CUSTOMER_ID,
        PRODUCT,
        text("how_ordered", "self", "voice_plan", "trial"),
        day("trial_ends_on"),
        text("channel", optional=True),
        flag("provisioned"),
        day("ordered_on", optional=False),
        day("cancelled_on"),
        text("cancel_reason", optional=True),
    ),
)
