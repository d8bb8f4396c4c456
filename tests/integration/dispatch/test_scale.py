"""What is asked for every batch stays quick when there are many opt-outs and many pushes."""

import pytest
from sqlalchemy import TextClause, text

from services.dispatch.postgres.claims import _REFUSED
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
