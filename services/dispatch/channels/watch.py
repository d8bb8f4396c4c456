"""Watches how a gateway behaves, and says in words what is wrong with it; real monotonic time, never the business clock."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.dispatch.channels.lately import Lately
from services.dispatch.ports import Receipt

_REMEMBERED_REPORTS = 10_000


@dataclass(frozen=True, slots=True)
class Patience:
    """From when a gateway's behaviour is called a problem, and for how long it is remembered; seconds of real time.

    `reports`: so many messages without a single report, the first of them taken `report` ago. `numbers`: so many that it
    does not serve, if they are a tenth of all at least.
    """

    memory: float = 300.0
    answer: float = 5.0
    report: float = 900.0
    reports: int = 10
    numbers: int = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """What a gateway's messages are called, and its words for "too busy" and "number not served"."""

    messages: str
    too_busy: str
    not_served: str


SMS_TERMS = Terms("SMS", too_busy="Result 8", not_served="Result 13")


class Heard(StrEnum):
    """What an answer to a message said."""

    TAKEN = "taken"
    BUSY = "busy"
    NUMBER_REFUSED = "number refused"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


class _Fact(StrEnum):
    ANSWER_DUE = "answer due"
    THROTTLED = "throttled"
    UNANSWERED = "unanswered"
    UNREADABLE = "unreadable"
    SLOW = "slow"
    STRAY = "stray"
    NUMBER_REFUSED = "number refused"
    LINE_LOST = "line lost"
    REPORT_REPEATED = "report repeated"


_NOTED = {
    Heard.BUSY: _Fact.THROTTLED,
    Heard.NUMBER_REFUSED: _Fact.NUMBER_REFUSED,
    Heard.UNREADABLE: _Fact.UNREADABLE,
}


class GatewayWatch:
    """Counts what happened lately; `problems` puts what is wrong into words."""

    def __init__(
        self, patience: Patience, terms: Terms = SMS_TERMS, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._terms = terms
        self._monotonic = monotonic
        self._lately: Lately[_Fact] = Lately(patience.memory, monotonic=monotonic)
        self._reports: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._slowest = 0.0
        self._lost_because = ""
        self._unreported = 0
        self._unreported_since = 0.0

    def answered(self, heard: Heard | None, *, after: float) -> None:
        """Take note of an answer to a message, or that none came, so many seconds after it was written."""
        self._lately.note(_Fact.ANSWER_DUE)
        if heard is None:
            self._lately.note(_Fact.UNANSWERED)
            return
        if after > self._patience.answer:
            self._lately.note(_Fact.SLOW)
            self._slowest = max(self._slowest, after)
        if heard in _NOTED:
            self._lately.note(_NOTED[heard])
        elif heard is Heard.TAKEN:
            self._unreported_since = self._unreported_since if self._unreported else self._monotonic()
            self._unreported += 1

    def strayed(self) -> None:
        """Take note of an answer that nothing waits for any more."""
        self._lately.note(_Fact.STRAY)

    def line_lost(self, because: str) -> None:
        self._lately.note(_Fact.LINE_LOST)
        self._lost_because = because

    def reported(self, receipts: Sequence[Receipt]) -> None:
        """Take note of reports that were stored."""
        self._unreported = 0
        for receipt in receipts:
            key = (receipt.gateway_message_id, receipt.status)
            if key in self._reports:
                self._lately.note(_Fact.REPORT_REPEATED)
            self._reports[key] = None
        while len(self._reports) > _REMEMBERED_REPORTS:
            self._reports.popitem(last=False)

    def problems(self) -> list[str]:
        """Return what is wrong, nothing if all is well."""
        counts = self._lately.counts()
        if not counts[_Fact.SLOW]:
            self._slowest = 0.0
        said = "; ".join([*self._with_answers(counts), *self._with_lines_and_reports(counts)])
        return [*self._lately.in_words(said), *self._with_silence()]

    def _with_answers(self, counts: Counter[_Fact]) -> Iterator[str]:
        due, terms = counts[_Fact.ANSWER_DUE], self._terms
        of_all = f"of {due} {terms.messages}"
        if throttled := counts[_Fact.THROTTLED]:
            yield f"the gateway was too busy for {throttled} {of_all} ({terms.too_busy}); they are sent later"
        if unanswered := counts[_Fact.UNANSWERED]:
            yield f"the gateway left {unanswered} {of_all} unanswered; they may have left and are not sent again"
        if unreadable := counts[_Fact.UNREADABLE]:
            yield f"the gateway answered {unreadable} {of_all} unreadably; they may have left and are not sent again"
        if slow := counts[_Fact.SLOW]:
            yield f"the gateway was slow to answer {slow} {of_all}, by up to {self._slowest:.1f} s"
        if strays := counts[_Fact.STRAY]:
            yield f"the gateway answered {strays} {terms.messages} twice or too late"
        refused = counts[_Fact.NUMBER_REFUSED]
        if refused >= self._patience.numbers and refused * 10 >= due:
            yield f"the gateway did not serve {refused} of {due} numbers ({terms.not_served})"

    def _with_lines_and_reports(self, counts: Counter[_Fact]) -> Iterator[str]:
        if lost := counts[_Fact.LINE_LOST]:
            yield f"the line was lost {lost} {'time' if lost == 1 else 'times'}, the last: {self._lost_because}"
        if repeated := counts[_Fact.REPORT_REPEATED]:
            yield f"the gateway brought {repeated} reports again"

    def _with_silence(self) -> Iterator[str]:
        waited = self._monotonic() - self._unreported_since
        if self._unreported >= self._patience.reports and waited > self._patience.report:
            yield f"no report came on any of {self._unreported} {self._terms.messages}, the first taken {waited / 60:.1f} minutes ago"
