"""Answers for the simulated customers: each answer is a pure function of (seed, customer, what is asked)."""

from enum import StrEnum

import numpy as np

from services.sandbox.world.catalogue import Subject
from services.sandbox.world.draws import Floats, lots
from services.sandbox.world.secret import Secret

_CONSIDERS = 0.12
_BAD_NUMBER = 0.005
_READS_MAIL = 0.5


class Answer(StrEnum):
    """What a customer says to an offer."""

    YES = "yes"
    OPT_OUT = "opt_out"
    CONSIDERS = "considers"
    NO = "no"


class Line(StrEnum):
    """What the network says when a number is dialled."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    ABSENT = "absent"
    INVALID_NUMBER = "invalid_number"


_LINES = (Line.ANSWERED, Line.NO_ANSWER, Line.BUSY, Line.ABSENT)
_LINES_UP_TO = np.cumsum([0.75, 0.13, 0.06, 0.06])


class Oracle:
    """Knows everybody's tastes. Asking again never changes an answer, and asking one person never changes another's."""

    def __init__(self, secret: Secret) -> None:
        self._seed = secret.seed
        self._tastes = secret.tastes
        self._customer_ids = secret.customer_id
        self._places = np.arange(len(secret.customer_id))
        gone_first = np.argsort(secret.tastes.leaving > 0, kind="stable")
        self._by_msisdn = {str(secret.msisdn[place]): int(place) for place in gone_first}
        self._by_customer = {str(customer): place for place, customer in enumerate(secret.customer_id)}

    def place_of_number(self, msisdn: str) -> int | None:
        """Return who holds a number, as a place in the world, or who held it last; None if nobody ever did."""
        return self._by_msisdn.get(msisdn)

    def place_of_customer(self, customer_id: str) -> int | None:
        """Return a customer's place in the world; None if there is no such customer."""
        return self._by_customer.get(customer_id)

    def customer_at(self, place: int) -> str:
        """Return the id of the customer at a place in the world."""
        return str(self._customer_ids[place])

    def lot(self, place: int, key: str) -> float:
        """Return the customer's lot in [0, 1) for anything that chance decides."""
        return float(lots(self._seed, key, self._places[place : place + 1])[0])

    def answer_by_sms(self, place: int, subject: Subject, keyword: str) -> Answer:
        """Answer a message that asks for `keyword`; nobody writes back that they think about it."""
        yes = self._tastes.yes_by_sms[subject][place]
        return self._answer(place, yes, considers=0.0, key=f"sms {keyword.upper()}")

    def answer_by_mail(self, place: int, subject: Subject, keyword: str) -> Answer:
        """Answer a mail that asks for `keyword`: half of all people read theirs, and want as much as by SMS."""
        if self.lot(place, "reads mail") >= _READS_MAIL:
            return Answer.NO
        yes = self._tastes.yes_by_sms[subject][place]
        return self._answer(place, yes, considers=0.0, key=f"mail {keyword.upper()}")

    def answer_by_page(self, place: int, subject: Subject, policy: str) -> Answer:
        """Answer the page of `policy` that a WAP push opened: about as many want it as by SMS, but not the same."""
        yes = self._tastes.yes_by_sms[subject][place]
        return self._answer(place, yes, considers=0.0, key=f"page {policy}")

    def answer_by_call(self, place: int, subject: Subject, policy: str) -> Answer:
        """Answer an agent who offers `policy`."""
        return self._answer(place, self._tastes.yes_by_call[subject][place], considers=_CONSIDERS, key=f"call {policy}")

    def pick_up(self, place: int, policy: str, attempt: int) -> Line:
        """Tell what becomes of one attempt to call; a bad number stays bad."""
        if self.lot(place, "bad number") < _BAD_NUMBER:
            return Line.INVALID_NUMBER
        reached = int(np.searchsorted(_LINES_UP_TO[:-1], self.lot(place, f"line {policy} {attempt}"), side="right"))
        return _LINES[reached]

    def order_unasked(self, subject: Subject, policy: str, *, earlier_plans: int) -> list[tuple[str, float]]:
        """Return who orders `policy` by themselves while the plan runs that offers it after so many earlier ones, each
        with a lot in [0, 1) for the time; who has ordered during an earlier plan does not order again."""
        wishes = self._tastes.orders_unasked[subject]
        orders = self._lots(f"unasked {policy} {earlier_plans}") < wishes
        for plan in range(earlier_plans):
            orders &= self._lots(f"unasked {policy} {plan}") >= wishes
        times = self._lots(f"order time {policy} {earlier_plans}")
        return [(str(self._customer_ids[place]), float(times[place])) for place in np.flatnonzero(orders)]

    def _answer(self, place: int, yes: float, *, considers: float, key: str) -> Answer:
        lot = self.lot(place, key)
        if lot < yes:
            return Answer.YES
        if lot < yes + self._tastes.opts_out[place]:
            return Answer.OPT_OUT
        if lot < yes + self._tastes.opts_out[place] + considers:
            return Answer.CONSIDERS
        return Answer.NO

    def _lots(self, key: str) -> Floats:
        return lots(self._seed, key, self._places)
