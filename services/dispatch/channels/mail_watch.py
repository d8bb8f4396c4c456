"""Watches how a mail gateway behaves, and says in words what is wrong with it; real monotonic time."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from enum import StrEnum

from services.dispatch.channels.lately import Lately
from services.dispatch.channels.mail_answers import Meaning
from services.dispatch.channels.watch import Patience

_REMEMBERED_BOUNCES = 10_000


class _Fact(StrEnum):
    ANSWER_DUE = "answer due"
    BUSY = "busy"
    WAITING = "waiting"
    NO_SUCH_ADDRESS = "no such address"
    REFUSED = "refused"
    CONFUSED = "confused"
    UNANSWERED = "unanswered"
    SLOW = "slow"
    LINE_LOST = "line lost"
    BOUNCED = "bounced"
    BOUNCE_REPEATED = "bounce repeated"


_NOTED = {
    Meaning.BUSY: _Fact.BUSY,
    Meaning.WAITING: _Fact.WAITING,
    Meaning.NO_SUCH_ADDRESS: _Fact.NO_SUCH_ADDRESS,
    Meaning.REFUSED: _Fact.REFUSED,
    Meaning.CONFUSED: _Fact.CONFUSED,
}


class MailWatch:
    """Counts what happened lately; `problems` puts what is wrong into words."""

    def __init__(self, patience: Patience, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._lately: Lately[_Fact] = Lately(patience.memory, monotonic=monotonic)
        self._bounces: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._slowest = 0.0
        self._lost_because = ""

    def answered(self, meaning: Meaning | None, *, after: float) -> None:
        """Take note of the last answer about a mail, so many seconds after its end was written, or that none came."""
        self._lately.note(_Fact.ANSWER_DUE)
        if meaning is None:
            self._lately.note(_Fact.UNANSWERED)
        elif (fact := _NOTED.get(meaning)) is not None:
            self._lately.note(fact)
        if meaning is not None and after > self._patience.answer:
            self._lately.note(_Fact.SLOW)
            self._slowest = max(self._slowest, after)

    def line_lost(self, because: str) -> None:
        self._lately.note(_Fact.LINE_LOST)
        self._lost_because = because

    def bounced(self, push_id: str, status: str) -> None:
        """Take note of a mail that came back and was stored."""
        key = (push_id, status)
        self._lately.note(_Fact.BOUNCE_REPEATED if key in self._bounces else _Fact.BOUNCED)
        self._bounces[key] = None
        while len(self._bounces) > _REMEMBERED_BOUNCES:
            self._bounces.popitem(last=False)

    def problems(self) -> list[str]:
        """Return what is wrong, nothing if all is well."""
        counts = self._lately.counts()
        if not counts[_Fact.SLOW]:
            self._slowest = 0.0
        said = "; ".join([*self._with_answers(counts), *self._with_addresses(counts), *self._with_lines(counts)])
        return self._lately.in_words(said)

    def _with_answers(self, counts: Counter[_Fact]) -> Iterator[str]:
        due = counts[_Fact.ANSWER_DUE]
        if busy := counts[_Fact.BUSY]:
            yield f"the mail gateway was too busy for {busy} of {due} mails; they are sent later"
        if unanswered := counts[_Fact.UNANSWERED]:
            yield f"the mail gateway left {unanswered} of {due} mails unanswered; they may have left and are not sent again"
        if slow := counts[_Fact.SLOW]:
            yield f"the mail gateway was slow to answer {slow} of {due} mails, by up to {self._slowest:.1f} s"
        if confused := counts[_Fact.CONFUSED]:
            yield f"the mail gateway answered out of step {confused} {_times(confused)}"
        if refused := counts[_Fact.REFUSED]:
            yield f"the mail gateway refused {refused} of {due} mails"

    def _with_addresses(self, counts: Counter[_Fact]) -> Iterator[str]:
        due, waiting = counts[_Fact.ANSWER_DUE], counts[_Fact.WAITING]
        if self._are_many(waiting, due):
            yield f"{waiting} of {due} mailboxes were full or took nothing for now; they are tried again later"
        refused, bounced = counts[_Fact.NO_SUCH_ADDRESS], counts[_Fact.BOUNCED]
        if self._are_many(refused, due):
            yield f"the mail gateway did not know {refused} of {due} addresses"
        if self._are_many(bounced, due):
            yield f"{bounced} mails came back"
        if repeated := counts[_Fact.BOUNCE_REPEATED]:
            yield f"{repeated} {'mail' if repeated == 1 else 'mails'} came back more than once"

    def _with_lines(self, counts: Counter[_Fact]) -> Iterator[str]:
        if lost := counts[_Fact.LINE_LOST]:
            yield f"a line was lost {lost} {_times(lost)}, the last: {self._lost_because}"

    def _are_many(self, count: int, due: int) -> bool:
        return count >= self._patience.numbers and count * 10 >= due


def _times(count: int) -> str:
    return "time" if count == 1 else "times"
