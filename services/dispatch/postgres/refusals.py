"""The one SQL condition for "has opted out", shared by all that ask it."""

from shared.clock import LEGAL_ZONE

OPTED_OUT = """(
    EXISTS (SELECT 1 FROM dispatch.opt_outs AS o WHERE o.customer_id = {push}.customer_id AND o.customer_id <> '')
    OR EXISTS (
        SELECT 1 FROM dispatch.opt_outs AS o
         WHERE o.msisdn = {push}.msisdn AND {held}))"""
"""An opt-out of the customer counts always, one that came from the number only if the customer held it by then. Two questions,
because one with OR between the columns is answered by reading all opt-outs."""

_HELD = """CASE
    WHEN {push}.number_since IS NOT NULL
    THEN {said} >= CAST({push}.number_since AS timestamp) AT TIME ZONE '{zone}'
    ELSE {customer} = '' OR {said} >= {plan}.create_time END"""
"""Whether what was said from a number was said by the push's customer, or by nobody knows whom. Where the push does not know
since when its customer holds the number, the plan vouches for the time from its creation on. A later holder inherits nothing."""


def opted_out(push: str, plan: str) -> str:
    """Return the condition for rows under these aliases; `push` needs customer_id, msisdn and number_since, `plan` create_time."""
    return OPTED_OUT.format(push=push, held=held_when_said(push, plan, said="o.latest_time", customer="o.customer_id"))


def held_when_said(push: str, plan: str, *, said: str, customer: str) -> str:
    """Return the condition that a word counts which came from the push's number; `said` and `customer` (empty: unknown) are SQL."""
    return _HELD.format(push=push, plan=plan, said=said, customer=customer, zone=LEGAL_ZONE.key)
