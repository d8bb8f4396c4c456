"""What a mail gateway may do to us: how it is made to, what the plan's page says then, and where pushes may end."""

from dataclasses import dataclass

from services.dispatch.channels.watch import Patience
from services.sandbox.mail.faults import MailFaults
from tests.integration.dispatch.mail_rig import PATIENCE

_SENT = frozenset({"sent"})
_UNSURE = frozenset({"sent", "indeterminate"})


@dataclass(frozen=True, slots=True)
class MailMisbehaviour:
    """`says` is a pattern found in the notice, empty where all is well; `undelivered`: how many come back in the end."""

    faults: MailFaults
    says: str = ""
    ends: frozenset[str] = _SENT
    undelivered: int = 0
    patience: Patience = PATIENCE
    answer_within: float = 5.0
    """Seconds after which a mail counts as unanswered."""


MAIL_MISBEHAVIOURS = {
    "behaves": MailMisbehaviour(MailFaults()),
    "throttles": MailMisbehaviour(MailFaults(throttle_first=5), r"too busy for \d+ of \d+ mails"),
    "has full mailboxes": MailMisbehaviour(
        MailFaults(full_first=5), r"5 of \d+ mailboxes were full", frozenset({"sent", "held"})
    ),
    "answers late": MailMisbehaviour(
        MailFaults(answer_after=0.2),
        r"slow to answer \d+ of \d+ mails, by up to \d\.\d s",
        patience=Patience(answer=0.1),
    ),
    "answers twice": MailMisbehaviour(MailFaults(answer_twice=True), r"answered out of step \d+ times?"),
    "never answers": MailMisbehaviour(
        MailFaults(silent_first=6), r"left \d+ of \d+ mails unanswered", _UNSURE, answer_within=0.8
    ),
    "cuts the line": MailMisbehaviour(MailFaults(cut_at=10), r"a line was lost \d+ times?, the last: ", _UNSURE),
    "cuts the line in a mail": MailMisbehaviour(
        MailFaults(cut_mid_data=10), r"a line was lost \d+ times?, the last: ", _UNSURE
    ),
    "rejects numbers": MailMisbehaviour(
        MailFaults(refuse_every=4), r"did not know \d+ of \d+ addresses", frozenset({"sent", "failed"})
    ),
    "bounces": MailMisbehaviour(MailFaults(bounce_every=4), r"6 mails came back", undelivered=6),
    "bounces twice": MailMisbehaviour(
        MailFaults(bounce_every=4, bounce_twice=True), r"6 mails came back more than once", undelivered=6
    ),
}
