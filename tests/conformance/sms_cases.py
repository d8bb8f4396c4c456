"""What an SMS gateway may do to us: how it is made to, what the plan's page says then, and where pushes may end."""

from dataclasses import dataclass

from services.dispatch.channels.watch import Patience
from services.sandbox.gateway.faults import Faults

PATIENCE = Patience(answer=3.0, report=30.0, reports=10)
_IMPATIENT = Patience(answer=0.25, report=0.3, reports=10)
_SILENCE = Patience(answer=3.0, report=0.3, reports=10)
_SENT = frozenset({"sent"})
_UNSURE = frozenset({"sent", "indeterminate"})


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """`says` is a pattern found in the notice, empty where all is well; `delivered`: whether all that is sent is
    reported delivered in the end, nothing of it, or (None) as much as there is."""

    faults: Faults
    says: str = ""
    ends: frozenset[str] = _SENT
    delivered: bool | None = True
    patience: Patience = PATIENCE
    answer_within: float = 5.0
    """Seconds after which an SMS counts as unanswered."""


MISBEHAVIOURS = {
    "behaves": Misbehaviour(Faults()),
    "throttles": Misbehaviour(Faults(throttle_first=5), r"too busy for \d+ of \d+ SMS \(Result 8\)", _UNSURE, None),
    "answers late": Misbehaviour(
        Faults(answer_after=0.4), r"slow to answer \d+ of \d+ SMS, by up to \d\.\d s", patience=_IMPATIENT
    ),
    "answers out of order": Misbehaviour(Faults(odd_answers_after=0.05)),
    "answers twice": Misbehaviour(Faults(answer_twice=True), r"answered \d+ SMS twice or too late"),
    "never answers": Misbehaviour(
        Faults(silent_first=6), r"left \d+ of \d+ SMS unanswered", _UNSURE, None, answer_within=0.8
    ),
    "cuts the line": Misbehaviour(
        Faults(cut_at=10, answer_after=0.01), r"the line was lost \d+ times?, the last: ", _UNSURE, None
    ),
    "cuts the line in mid-frame": Misbehaviour(
        Faults(cut_at=10, cut_mid_frame=True, answer_after=0.01),
        r"the line was lost \d+ times?, the last: ",
        _UNSURE,
        None,
    ),
    "rejects numbers": Misbehaviour(
        Faults(refuse_every=4),
        r"did not serve \d+ of \d+ numbers \(Result 13\)",
        frozenset({"sent", "failed", "indeterminate"}),
        None,
    ),
    "reports late": Misbehaviour(Faults(pass_on_after=2.0), r"no report came on any of \d+ SMS", patience=_SILENCE),
    "reports twice": Misbehaviour(Faults(duplicate_reports=True), r"brought \d+ reports again"),
    "never reports": Misbehaviour(
        Faults(no_reports=True), r"no report came on any of \d+ SMS", delivered=False, patience=_SILENCE
    ),
    "reports in 60 octets": Misbehaviour(Faults(narrow_reports=True)),
}
KNOWN_IN_MEMORY = ("behaves", "throttles", "never answers", "rejects numbers", "never reports")
