"""The tables of schema `dispatch`. Ids of pushes, contacts, calls and opt-outs are numbers drawn by PostgreSQL."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Identity, Index, Integer, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.db.outbox import outbox_table
from shared.db.tables import schema_metadata
from shared.runs.tables import runs_tables

metadata = schema_metadata("dispatch")
RUNS = runs_tables(metadata)
OUTBOX = outbox_table(metadata)

PLANS = Table(
    "push_plans",
    metadata,
    Column("plan", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("targets", JSONB, nullable=False),
    Column("offers", JSONB, nullable=False),
    Column("expire_time", DateTime(timezone=True), nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("start_time", DateTime(timezone=True)),
    Column("started_by", Text),
    Column("traceparents", JSONB, nullable=False),
)

PUSHES = Table(
    "pushes",
    metadata,
    Column("push_id", BigInteger, Identity(always=True), primary_key=True),
    Column("plan", Text, nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("msisdn", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("arm", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("product", Text),
    # Since when the customer holds the number; null where that is not known.
    Column("number_since", Date),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("hold_until", DateTime(timezone=True)),
    # Counts the contacts reserved for it so far: part of the ledger's unique key.
    Column("reservations", Integer, nullable=False, server_default="0"),
    # Counts the calls that were dialled, and the mails that a mailbox did not take for now.
    Column("attempts", Integer, nullable=False, server_default="0"),
    # When the customer agreed to be called back, last, and how often that happened. Such a push has reached its customer.
    Column("call_back_time", DateTime(timezone=True)),
    Column("call_backs", Integer, nullable=False, server_default="0"),
    # The contact reserved last.
    Column("contact_id", BigInteger),
    # The claim that took it last; whoever settles it later must name the same one. Its time of writing is the claim's by now.
    Column("claim", Text),
    Column("write_time", DateTime(timezone=True)),
    UniqueConstraint("plan", "customer_id"),
    UniqueConstraint("plan", "rank"),
    Index("ix_pushes_plan_state_rank", "plan", "state", "rank"),
    Index("ix_pushes_held", "plan", "hold_until", postgresql_where=text("state = 'held'")),
    Index(
        "ix_pushes_call_backs",
        "plan",
        "call_back_time",
        postgresql_where=text("call_back_time IS NOT NULL AND state = 'planned'"),
    ),
    Index("ix_pushes_claim", "claim", postgresql_where=text("state IN ('claimed', 'indeterminate')")),
    Index(
        "ix_pushes_open_customer",
        "customer_id",
        postgresql_where=text("state IN ('planned', 'held', 'claimed', 'leased')"),
    ),
    Index(
        "ix_pushes_open_msisdn", "msisdn", postgresql_where=text("state IN ('planned', 'held', 'claimed', 'leased')")
    ),
)

CONTACTS = Table(
    "contacts",
    metadata,
    Column("contact_id", BigInteger, Identity(always=True), primary_key=True),
    # Both empty at the desk, where the request that told of it is noted.
    Column("plan", Text, nullable=False),
    Column("push_id", BigInteger),
    Column("request_id", Text),
    Column("attempt", Integer, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("msisdn", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reserve_time", DateTime(timezone=True), nullable=False),
    Column("send_time", DateTime(timezone=True)),
    Column("delivery", Text),
    Column("answer", Text),
    Column("answer_time", DateTime(timezone=True)),
    # The account of the gateway, and as how many messages it leaves.
    Column("account", Text, nullable=False),
    Column("parts", Integer, nullable=False, server_default="1"),
    Column("traceparent", Text, nullable=False),
    # What became of the wish that the gateway take it back: due, taken_back or too_late; null while nobody wishes it.
    Column("recall", Text),
    UniqueConstraint("customer_id", "policy", "plan", "channel", "attempt"),
    Index("ix_contacts_owner_id_reserve_time", "owner_id", "reserve_time"),
    Index("ix_contacts_customer_id_reserve_time", "customer_id", "reserve_time", "contact_id"),
    Index("ix_contacts_msisdn_reserve_time", "msisdn", "reserve_time"),
    Index("uq_contacts_request_id", "request_id", unique=True, postgresql_where=text("request_id IS NOT NULL")),
    Index("ix_contacts_recall_due", "reserve_time", postgresql_where=text("recall = 'due'")),
    Index("ix_contacts_delivered", "plan", "delivery", postgresql_where=text("delivery IS NOT NULL")),
)

# The gateway's ids of a contact's messages, one for each part that the gateway is known to have taken.
MESSAGES = Table(
    "messages",
    metadata,
    Column("contact_id", BigInteger, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Index("ix_messages_message_id", "message_id"),
)

# One row per batch of pushes in a worker's hands, so that others know what a dead worker may have written:
# `claimed`: nothing; `writing`: anything, and with a write_time exactly what is not `unwritten`. Workers of a release before that
# knew `written`: exactly the pushes with a write_time of their own. They take `writing` for anything, which is safe.
CLAIMS = Table(
    "claims",
    metadata,
    Column("claim", Text, primary_key=True),
    Column("worker_key", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("write_time", DateTime(timezone=True)),
    Column("unwritten", ARRAY(BigInteger)),
    Index("ix_claims_worker_key", "worker_key"),
)

LEASES = Table(
    "leases",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("plan", Text, nullable=False),
    Column("max_calls", Integer, nullable=False),
    Column("seconds", Integer, nullable=False),
    # Who leased it; empty for those from before this was noted.
    Column("principal", Text, nullable=False, server_default=""),
    Column("lease_time", DateTime(timezone=True), nullable=False),
    Column("end_time", DateTime(timezone=True), nullable=False),
    # The request that renewed it last.
    Column("renewal", Text, nullable=False, server_default=""),
)

CALLS = Table(
    "calls",
    metadata,
    Column("call_id", BigInteger, Identity(always=True), primary_key=True),
    Column("lease", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("push_id", BigInteger, nullable=False),
    Column("contact_id", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lease_time", DateTime(timezone=True), nullable=False),
    # The end of the lease, the hours or the plan, whichever is first.
    Column("not_after", DateTime(timezone=True), nullable=False),
    Column("phase", Text, nullable=False),
    Column("start_time", DateTime(timezone=True)),
    Column("finish_time", DateTime(timezone=True)),
    Column("system_result", Text),
    Column("business_result", Text),
    # When the customer agreed to be called back: what was agreed before this call, and in it.
    Column("due_time", DateTime(timezone=True)),
    Column("call_back_time", DateTime(timezone=True)),
    Index("ix_calls_lease", "lease"),
    Index("ix_calls_plan_phase", "plan", "phase"),
    Index("ix_calls_push_id", "push_id"),
    Index("ix_calls_open", "not_after", postgresql_where=text("phase IN ('leased', 'started')")),
)

OPT_OUTS = Table(
    "opt_outs",
    metadata,
    Column("opt_out_id", BigInteger, Identity(always=True), primary_key=True),
    # Empty while only the number is known.
    Column("customer_id", Text, nullable=False),
    Column("msisdn", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    # When it was said last: the number may have another holder by then.
    Column("latest_time", DateTime(timezone=True), nullable=False),
    UniqueConstraint("customer_id", "msisdn"),
    Index("ix_opt_outs_msisdn", "msisdn"),
)

# Whom the newest customer views forbid to contact: on the red list, or refused consent. Replaced as a whole.
BARRED = Table(
    "barred_customers",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
)

# The snapshot whose views those are; one row, or none before the first.
BARRED_BY = Table("barred_by", metadata, Column("snapshot", Text, primary_key=True))

# Addresses that a gateway said to be none, with its word. Of a customer and a number: the next holder may have a mailbox.
DEAD_ADDRESSES = Table(
    "dead_addresses",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("customer_id", Text, primary_key=True),
    Column("msisdn", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("told_time", DateTime(timezone=True), nullable=False),
)

# Gateway ids recur after a year: a row older than 72 hours gives way to a new one of the same id.
RECEIPTS = Table(
    "receipts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("msisdn", Text, nullable=False),
    Column("receive_time", DateTime(timezone=True), nullable=False),
    Column("contact_id", BigInteger),
    Index("ix_receipts_unmatched", "receive_time", postgresql_where=text("contact_id IS NULL")),
)

REPLIES = Table(
    "replies",
    metadata,
    Column("account", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("msisdn", Text, nullable=False),
    Column("text", Text, nullable=False),
    # opt_out, accepted or unmatched; the unmatched wait for a person.
    Column("meaning", Text, nullable=False),
    Column("contact_id", BigInteger),
    Column("receive_time", DateTime(timezone=True), nullable=False),
    Index("ix_replies_contact_id", "contact_id"),
    Index("ix_replies_unmatched", "receive_time", postgresql_where=text("meaning = 'unmatched'")),
)

# What operations should know about a channel, by its worker; empty when all is well.
NOTICES = Table(
    "channel_notices",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("notice", Text, nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
)
