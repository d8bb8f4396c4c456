"""The people who get an SMS or a WAP push: whether it reaches them, and what they do then."""

from collections.abc import Callable

from services.sandbox.gateway.audience import Reaction
from services.sandbox.ppg.audience import Arrival
from services.sandbox.world.catalogue import invited_keyword, subject_of_keyword
from services.sandbox.world.oracle import Answer, Oracle
from shared.wire.pap.indication import ServiceIndication
from shared.wire.pap.messages import MessageState

_UNREACHED = 0.02
_OPT_OUT = "TD"
_FASTEST_REPORT, _FASTEST_REPLY, _SPREAD_SECONDS = 0.1, 0.2, 0.7


class TasteAudience:
    """An `Audience` whose customers answer by their hidden tastes, within two seconds of real time."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle

    async def receive(self, msisdn: str, text: str, src_id: str) -> Reaction:
        """React to one message; a number that nobody in the province holds is never reached."""
        place = self._oracle.place_of_number(msisdn)
        keyword = invited_keyword(text)
        reached = place is not None and self._oracle.lot(place, f"reached {keyword}") >= _UNREACHED
        if place is None or not reached:
            return Reaction("UNDELIV", report_after=_FASTEST_REPORT)
        return Reaction(
            report_after=_FASTEST_REPORT + _SPREAD_SECONDS * self._oracle.lot(place, f"report {keyword}"),
            replies=self._replies(place, keyword),
            reply_after=_FASTEST_REPLY + _SPREAD_SECONDS * self._oracle.lot(place, f"reply {keyword}"),
        )

    def _replies(self, place: int, keyword: str | None) -> tuple[str, ...]:
        if keyword is None:
            return ()
        answer = self._oracle.answer_by_sms(place, subject_of_keyword(keyword), keyword)
        words = {Answer.YES: keyword, Answer.OPT_OUT: _OPT_OUT}
        return (words[answer],) if answer in words else ()


class TastePushAudience:
    """A `PushAudience`: whom a push reaches opens its page; what they do there is the page's affair."""

    def __init__(
        self, oracle: Oracle, *, open_page: Callable[[str, ServiceIndication], None], refuse: Callable[[str], None]
    ) -> None:
        self._oracle = oracle
        self._open_page = open_page
        self.refuse = refuse

    async def receive(self, msisdn: str, indication: ServiceIndication) -> Arrival:
        """Show one push; a number that nobody in the province holds is never reached."""
        place = self._oracle.place_of_number(msisdn)
        if place is None or self._oracle.lot(place, f"reached {indication.href}") < _UNREACHED:
            return Arrival(MessageState.UNDELIVERABLE, after=_FASTEST_REPORT)
        self._open_page(msisdn, indication)
        return Arrival(after=_FASTEST_REPORT + _SPREAD_SECONDS * self._oracle.lot(place, f"report {indication.href}"))
