"""The one SQL condition for "has opted out", shared by all that ask it."""

OPTED_OUT = """(
    EXISTS (SELECT 1 FROM dispatch.opt_outs AS o WHERE o.customer_id = {push}.customer_id AND o.customer_id <> '')
    OR EXISTS (
        SELECT 1 FROM dispatch.opt_outs AS o
         WHERE o.msisdn = {push}.msisdn AND (o.customer_id = '' OR o.create_time >= {plan}.create_time)))"""
"""An opt-out of the customer counts always. One that came from the number counts if nobody knew whose it was, or if it was
recorded after the plan was made: then the plan's customer held the number. A later holder inherits nothing.
Two questions, because one with OR between the columns is answered by reading all opt-outs."""


def opted_out(push: str, plan: str) -> str:
    """Return the condition for rows under these aliases; `push` needs customer_id and msisdn, `plan` create_time."""
    return OPTED_OUT.format(push=push, plan=plan)
