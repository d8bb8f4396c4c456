"""What the words of a status report mean (specification table 1), for one message and for one in several parts."""

import re
from collections.abc import Sequence
from enum import StrEnum

_ELEMENTS = {
    "M": "short message centre",
    "C": "charging point (SCP)",
    "D": "service platform (DSMP)",
    "S": "SP",
    "I": "next gateway",
}
_FAILURES = {"A": "gave no answer", "B": "answered with an error", "C": "gave no report"}
_ELEMENT_CODE = re.compile(r"([MCDSI])([ABC]):(\w{1,4})", re.ASCII)
_WORDS = {
    "DELIVRD": "delivered",
    "ACCEPTD": "accepted on the way",
    "EXPIRED": "expired before the telephone was reached",
    "DELETED": "deleted on the way",
    "UNDELIV": "not deliverable",
    "UNKNOWN": "in a state that the gateway does not know",
    "REJECTD": "rejected",
}


class Outcome(StrEnum):
    """PENDING is no end: another report follows, or 48 hours pass."""

    PENDING = "pending"
    DELIVERED = "delivered"
    NOT_DELIVERED = "not delivered"


def outcome_of(stat: str) -> Outcome:
    """Return what a report says; any word but DELIVRD and ACCEPTD is a final failure."""
    return {"DELIVRD": Outcome.DELIVERED, "ACCEPTD": Outcome.PENDING}.get(stat, Outcome.NOT_DELIVERED)


def outcome_of_parts(stats: Sequence[str], *, parts: int) -> Outcome:
    """Return what the last reports on a message's parts say together: delivered only if every part was."""
    outcomes = [outcome_of(stat) for stat in stats]
    if Outcome.NOT_DELIVERED in outcomes:
        return Outcome.NOT_DELIVERED
    return Outcome.DELIVERED if outcomes.count(Outcome.DELIVERED) == parts else Outcome.PENDING


def describe(stat: str) -> str:
    """Return a report's word in plain words, with what failed on the way where the word says it."""
    known = _WORDS.get(stat)
    if known is not None:
        return f"{known} ({stat})"
    code = _ELEMENT_CODE.fullmatch(stat)
    if code is None:
        return f"not delivered, for a reason of the gateway's own ({stat})"
    return f"not delivered: the {_ELEMENTS[code[1]]} {_FAILURES[code[2]]} ({stat})"
