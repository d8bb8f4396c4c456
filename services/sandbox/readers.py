"""The people who get a mail: whether it reaches them, whether they read it, and what they answer."""

from services.sandbox.mail.audience import MailReaction
from services.sandbox.mail.mailbox import Mail
from services.sandbox.world.catalogue import invited_keyword, subject_of_keyword
from services.sandbox.world.oracle import Answer, Oracle

_UNREACHED = 0.02
_NO_MAILBOX = "5.1.1"
_FASTEST, _SPREAD_SECONDS = 0.2, 1.2


class TasteReaders:
    """A `MailAudience` whose customers answer by their hidden tastes, within two seconds of real time."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle

    async def receive(self, mail: Mail) -> MailReaction:
        """React to one mail; what nobody has a mailbox for comes back."""
        place = self._oracle.place_of_number(mail.msisdn)
        keyword = invited_keyword(mail.text)
        reached = place is not None and self._oracle.lot(place, "has a mailbox") >= _UNREACHED
        if place is None or not reached:
            return MailReaction(bounce=_NO_MAILBOX, after=_FASTEST)
        after = _FASTEST + _SPREAD_SECONDS * self._oracle.lot(place, f"mail read {keyword}")
        answer = Answer.NO
        if keyword is not None:
            answer = self._oracle.answer_by_mail(place, subject_of_keyword(keyword), keyword)
        return MailReaction(
            unsubscribes=answer is Answer.OPT_OUT,
            answer=keyword if answer is Answer.YES and keyword is not None else "",
            after=after,
        )
