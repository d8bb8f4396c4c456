"""What is asked for every batch stays quick when there are many opt-outs and many pushes."""

from datetime import timedelta

import pytest
from sqlalchemy import TextClause, text

from services.dispatch.postgres.claims import _REFUSED
from services.dispatch.postgres.incoming import _MATCH
from services.dispatch.postgres.ledger import _PICK, _RECORD
from services.dispatch.postgres.opt_outs import _LOCK_OPEN
from tests.factories.dispatch import MORNING, msisdn, target_row
from tests.integration.dispatch.rig import Rig

_OPT_OUTS = """
    INSERT INTO dispatch.opt_outs (customer_id, msisdn, source, create_time, latest_time)
    SELECT 'x-' || n, '139' || lpad(n::text, 8, '0'), 'desk', :at, :at FROM generate_series(1, 100000) AS n
"""
_PUSHES = """
    INSERT INTO dispatch.pushes (plan, rank, customer_id, owner_id, msisdn, city, arm, policy, state)
    SELECT :plan, n, 'y-' || n, 'o-' || n, '138' || lpad(n::text, 8, '0'), 'A', 'targeted', 'p', 'planned'
      FROM generate_series(1000, 21000) AS n
"""
_BLAST = (
    """
    INSERT INTO dispatch.contacts (plan, push_id, attempt, customer_id, owner_id, msisdn, city, channel, policy, state,
                                   reserve_time, account, traceparent)
    SELECT 'p', n, 1, 'y-' || n, 'o-' || n, '138' || lpad(n::text, 8, '0'), 'A', 'sms', 'p', 'sent', :at, 'one', ''
      FROM generate_series(1, 20000) AS n
    """,
    """
    INSERT INTO dispatch.messages (contact_id, message_id)
    SELECT contact_id, 'm-' || push_id || '-' || part FROM dispatch.contacts, generate_series(1, 4) AS part
    """,
    """
    INSERT INTO dispatch.receipts (account, message_id, status, msisdn, receive_time)
    SELECT 'one', 'm-' || n || '-1', 'DELIVRD', '138' || lpad(n::text, 8, '0'), :at FROM generate_series(1, 15000) AS n
    """,
)


@pytest.mark.parametrize(
    ("statement", "asked"),
    [
        (_PICK, {"plan": "", "cities": None, "limit": 64}),
        (_RECORD, {"owners": ["o-1", "o-2"], "since": MORNING, "pushes": list(range(1, 65)), "dead_since": MORNING}),
        (_REFUSED, {"claim": "k"}),
        (_LOCK_OPEN, {"customer": "c-1", "msisdn": msisdn(1), "since": MORNING}),
    ],
    ids=["pick", "record", "refused", "lock open"],
)
async def test_no_question_of_a_batch_reads_a_whole_table(
    rig: Rig, statement: TextClause, asked: dict[str, object]
) -> None:
    plan = await rig.plan([target_row(n) for n in range(1, 65)])
    async with rig.database.write() as tx:
        await tx.connection.execute(text(_OPT_OUTS), {"at": MORNING})
        await tx.connection.execute(text(_PUSHES), {"plan": plan.plan_id})
        await tx.connection.execute(text("ANALYZE dispatch.opt_outs, dispatch.pushes"))
    asked = {**asked, **({"plan": plan.plan_id} if "plan" in asked else {})}
    async with rig.database.write() as tx:
        lines = (await tx.connection.execute(text(f"EXPLAIN {statement.text}"), asked)).scalars()
        whole = [line for line in lines if "Seq Scan on opt_outs" in line or "Seq Scan on pushes" in line]
    assert whole == []


async def test_receipts_of_a_blast_are_never_matched_by_their_account_alone(rig: Rig) -> None:
    """Before the server has counted the tables it takes one account for two hundred: seconds went for each match."""
    async with rig.database.write() as tx:
        for statement in _BLAST:
            await tx.connection.execute(text(statement), {"at": MORNING} if ":at" in statement else {})
        asked = {"oldest": MORNING - timedelta(hours=72), "limit": 500}
        lines = list((await tx.connection.execute(text(f"EXPLAIN {_MATCH.text}"), asked)).scalars())
    assert [line for line in lines if "account" in line and ("Hash Cond" in line or "Merge Cond" in line)] == []
