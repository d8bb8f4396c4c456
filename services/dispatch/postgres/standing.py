"""What the gate would know of one customer, in one statement that locks nothing."""

from datetime import datetime

from sqlalchemy import text

from services.dispatch.domain.plans import Channel
from services.dispatch.domain.rules import PastContact, Rule
from services.dispatch.ports.standing import Candidate, Standing
from services.dispatch.postgres.ledger import DEAD_FOR
from services.dispatch.postgres.refusals import opted_out
from shared.db.transactions import AnyTransaction

_STANDING = text(f"""
    WITH line AS (
        SELECT CAST(:customer_id AS text) AS customer_id, CAST(:msisdn AS text) AS msisdn,
            CAST(:number_since AS date) AS number_since, CAST(:now AS timestamptz) AS create_time
    )
    SELECT 'contact' AS kind, customer_id, policy, coalesce(send_time, reserve_time) AS at
      FROM dispatch.contacts WHERE owner_id = :owner_id AND state <> 'released' AND reserve_time > :since
    UNION ALL
    SELECT 'opt_out', NULL, NULL, NULL FROM line AS p WHERE {opted_out("p", "p")}
    UNION ALL
    SELECT 'barred', NULL, rule, NULL FROM dispatch.barred_customers WHERE customer_id = :customer_id
    UNION ALL
    SELECT 'dead', NULL, channel, NULL FROM dispatch.dead_addresses
     WHERE customer_id = :customer_id AND msisdn = :msisdn AND told_time > :dead_since
""")
"""Where nobody says since when the number is held, opt-outs count that came from the customer, as for a push of this instant."""


class StandingQueries:
    """`services.dispatch.ports.standing.StandingReader`."""

    def __init__(self, tx: AnyTransaction) -> None:
        self._tx = tx

    async def of(self, candidate: Candidate, *, since: datetime, now: datetime) -> Standing:
        asked = {
            "customer_id": candidate.customer_id,
            "owner_id": candidate.owner_id,
            "msisdn": candidate.msisdn,
            "number_since": candidate.number_since,
            "now": now,
            "since": since,
            "dead_since": since - DEAD_FOR,
        }
        found = list(await self._tx.connection.execute(_STANDING, asked))
        barred = [Rule(row.policy) for row in found if row.kind == "barred"]
        return Standing(
            past=tuple(PastContact(row.customer_id, row.policy, row.at) for row in found if row.kind == "contact"),
            opted_out=any(row.kind == "opt_out" for row in found),
            barred=min(barred, default=None),
            dead=frozenset(Channel(row.policy) for row in found if row.kind == "dead"),
        )
