"""Runs, outbox; plans, pushes, the contact ledger, claims, calls, opt-outs, and what gateways bring."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.outbox import create_outbox_table
from shared.runs.tables import create_run_tables

revision = "20261121_first_tables"
down_revision = None

SCHEMA = "dispatch"


def upgrade() -> None:
    create_run_tables(SCHEMA)
    create_outbox_table(SCHEMA)
    _create_push_plans()
    _create_pushes()
    _create_contacts()
    _index_contacts()
    _create_claims()
    _create_leases()
    _create_calls()
    _create_opt_outs()
    _create_receipts()
    _create_replies()
    _create_channel_notices()


def _create_push_plans() -> None:
    op.create_table(
        "push_plans",
        sa.Column("plan", sa.Text, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("targets", JSONB, nullable=False),
        sa.Column("offers", JSONB, nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True)),
        sa.Column("started_by", sa.Text),
        sa.Column("traceparents", JSONB, nullable=False),
        schema=SCHEMA,
    )


def _create_pushes() -> None:
    op.create_table(
        "pushes",
        sa.Column("push_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("msisdn", sa.Text, nullable=False),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("product", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("hold_until", sa.DateTime(timezone=True)),
        sa.Column("reservations", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("contact_id", sa.BigInteger),
        sa.Column("claim", sa.Text),
        sa.Column("write_time", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("plan", "customer_id", name="uq_pushes_plan_customer_id"),
        sa.UniqueConstraint("plan", "rank", name="uq_pushes_plan_rank"),
        schema=SCHEMA,
    )
    op.create_index("ix_pushes_plan_state_rank", "pushes", ["plan", "state", "rank"], schema=SCHEMA)
    op.create_index(
        "ix_pushes_held", "pushes", ["plan", "hold_until"], postgresql_where=sa.text("state = 'held'"), schema=SCHEMA
    )
    op.create_index(
        "ix_pushes_claim",
        "pushes",
        ["claim"],
        postgresql_where=sa.text("state IN ('claimed', 'indeterminate')"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_pushes_open_customer",
        "pushes",
        ["customer_id"],
        postgresql_where=sa.text("state IN ('planned', 'held', 'claimed', 'leased')"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_pushes_open_msisdn",
        "pushes",
        ["msisdn"],
        postgresql_where=sa.text("state IN ('planned', 'held', 'claimed', 'leased')"),
        schema=SCHEMA,
    )


def _create_contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("contact_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("push_id", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("msisdn", sa.Text, nullable=False),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reserve_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("send_time", sa.DateTime(timezone=True)),
        sa.Column("delivery", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("answer_time", sa.DateTime(timezone=True)),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text),
        sa.Column("traceparent", sa.Text, nullable=False),
        sa.UniqueConstraint(
            "customer_id",
            "policy",
            "plan",
            "channel",
            "attempt",
            name="uq_contacts_customer_id_policy_plan_channel_attempt",
        ),
        schema=SCHEMA,
    )


def _index_contacts() -> None:
    op.create_index("ix_contacts_owner_id_reserve_time", "contacts", ["owner_id", "reserve_time"], schema=SCHEMA)
    op.create_index(
        "ix_contacts_customer_id_reserve_time", "contacts", ["customer_id", "reserve_time", "contact_id"], schema=SCHEMA
    )
    op.create_index("ix_contacts_msisdn_reserve_time", "contacts", ["msisdn", "reserve_time"], schema=SCHEMA)
    op.create_index(
        "ix_contacts_message_id",
        "contacts",
        ["message_id"],
        postgresql_where=sa.text("message_id IS NOT NULL"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_contacts_delivered",
        "contacts",
        ["plan", "delivery"],
        postgresql_where=sa.text("delivery IS NOT NULL"),
        schema=SCHEMA,
    )


def _create_claims() -> None:
    op.create_table(
        "claims",
        sa.Column("claim", sa.Text, primary_key=True),
        sa.Column("worker_key", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        schema=SCHEMA,
    )
    op.create_index("ix_claims_worker_key", "claims", ["worker_key"], schema=SCHEMA)


def _create_leases() -> None:
    op.create_table(
        "leases",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("max_calls", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        schema=SCHEMA,
    )


def _create_calls() -> None:
    op.create_table(
        "calls",
        sa.Column("call_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("lease", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("push_id", sa.BigInteger, nullable=False),
        sa.Column("contact_id", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("lease_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True)),
        sa.Column("finish_time", sa.DateTime(timezone=True)),
        sa.Column("system_result", sa.Text),
        sa.Column("business_result", sa.Text),
        schema=SCHEMA,
    )
    op.create_index("ix_calls_lease", "calls", ["lease"], schema=SCHEMA)
    op.create_index("ix_calls_plan_phase", "calls", ["plan", "phase"], schema=SCHEMA)
    op.create_index("ix_calls_push_id", "calls", ["push_id"], schema=SCHEMA)
    op.create_index(
        "ix_calls_open",
        "calls",
        ["not_after"],
        postgresql_where=sa.text("phase IN ('leased', 'started')"),
        schema=SCHEMA,
    )


def _create_opt_outs() -> None:
    op.create_table(
        "opt_outs",
        sa.Column("opt_out_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("msisdn", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_opt_outs_customer_id",
        "opt_outs",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("customer_id <> ''"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_opt_outs_msisdn_alone",
        "opt_outs",
        ["msisdn"],
        unique=True,
        postgresql_where=sa.text("customer_id = ''"),
        schema=SCHEMA,
    )
    op.create_index("ix_opt_outs_msisdn", "opt_outs", ["msisdn"], schema=SCHEMA)


def _create_receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("status", sa.Text, primary_key=True),
        sa.Column("msisdn", sa.Text, nullable=False),
        sa.Column("receive_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact_id", sa.BigInteger),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_receipts_unmatched",
        "receipts",
        ["receive_time"],
        postgresql_where=sa.text("contact_id IS NULL"),
        schema=SCHEMA,
    )


def _create_replies() -> None:
    op.create_table(
        "replies",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("msisdn", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("meaning", sa.Text, nullable=False),
        sa.Column("contact_id", sa.BigInteger),
        sa.Column("receive_time", sa.DateTime(timezone=True), nullable=False),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_replies_unmatched",
        "replies",
        ["receive_time"],
        postgresql_where=sa.text("meaning = 'unmatched'"),
        schema=SCHEMA,
    )


def _create_channel_notices() -> None:
    op.create_table(
        "channel_notices",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("notice", sa.Text, nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        schema=SCHEMA,
    )
