"""What a push gateway may do to us: how it is made to, what the plan's page says then, and where pushes may end."""

from dataclasses import dataclass

from services.dispatch.channels.watch import Patience
from services.sandbox.ppg.faults import PpgFaults

_PATIENCE = Patience(answer=3.0, report=30.0, reports=10)
_IMPATIENT = Patience(answer=0.25, report=0.3, reports=10)
_SILENCE = Patience(answer=3.0, report=0.3, reports=10)
_SENT = frozenset({"sent"})
_UNSURE = frozenset({"sent", "indeterminate"})


@dataclass(frozen=True, slots=True)
class PushMisbehaviour:
    """`says` is a pattern found in the notice, empty where all is well; `delivered`: whether all that is sent is
    reported delivered in the end, nothing of it, or (None) as much as there is."""

    faults: PpgFaults
    says: str = ""
    ends: frozenset[str] = _SENT
    delivered: bool | None = True
    patience: Patience = _PATIENCE
    answer_within: float = 5.0


MISBEHAVIOURS = {
    "behaves": PushMisbehaviour(PpgFaults()),
    "throttles": PushMisbehaviour(
        PpgFaults(throttle_first=5), r"too busy for \d+ of \d+ WAP pushes \(code .* or HTTP 503\)"
    ),
    "answers late": PushMisbehaviour(
        PpgFaults(answer_after=0.4), r"slow to answer \d+ of \d+ WAP pushes, by up to \d\.\d s", patience=_IMPATIENT
    ),
    "answers out of order": PushMisbehaviour(PpgFaults(odd_answers_after=0.05)),
    "never answers": PushMisbehaviour(
        PpgFaults(silent_first=6), r"left \d+ of \d+ WAP pushes unanswered", answer_within=0.8
    ),
    "never answers, never tells": PushMisbehaviour(
        PpgFaults(silent_first=6, no_reports=True),
        r"left \d+ of \d+ WAP pushes unanswered",
        _UNSURE,
        delivered=False,
        answer_within=0.8,
    ),
    "answers garbage": PushMisbehaviour(PpgFaults(garble_first=6), r"answered 6 of \d+ WAP pushes unreadably"),
    "cuts the connection": PushMisbehaviour(
        PpgFaults(cut_at=10), r"the line was lost 1 time, the last: the gateway cut the connection before it answered"
    ),
    "cuts the connection in mid-answer": PushMisbehaviour(
        PpgFaults(cut_at=10, cut_mid_answer=True), r"the line was lost 1 time, the last: .* in the middle of its answer"
    ),
    "rejects numbers": PushMisbehaviour(
        PpgFaults(refuse_every=4), r"did not serve 6 of \d+ numbers \(code 2002 or 2003\)", _SENT | {"failed"}
    ),
    "reports late": PushMisbehaviour(
        PpgFaults(pass_on_after=3.0), r"no report came on any of \d+ WAP pushes", patience=_SILENCE
    ),
    "reports twice": PushMisbehaviour(PpgFaults(duplicate_reports=True), r"brought \d+ reports again"),
    "never reports": PushMisbehaviour(
        PpgFaults(no_reports=True), r"no report came on any of \d+ WAP pushes", delivered=False, patience=_SILENCE
    ),
}
