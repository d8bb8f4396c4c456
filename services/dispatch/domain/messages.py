"""What an offer says on each channel, and what can be wrong with the words of a plan."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeAlias

from services.dispatch.domain.plans import Channel, Offer, PlanRequest
from services.dispatch.domain.templates import KEYWORD, OF_TARGETS, extremes_of, faults_of
from shared.errors import Violation

OPT_OUT_PHRASE = "拒收请回复TD"
OPT_OUT_WORDS = frozenset({"TD", "T", "N", "R", "QX", "0000", "退订", "拒收", "取消"})
"""Exactly these, alone in a message; DOMAIN.md: `TDMRTX` is no opt-out."""


def normalised(text: str) -> str:
    """Return a customer's word in one form: full width to half, no blanks around, capitals."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def is_opt_out(text: str) -> bool:
    """Whether a whole message is a word that refuses marketing."""
    return normalised(text) in OPT_OUT_WORDS


class Form(Protocol):
    """How one channel puts an offer into words, and what can be wrong with these."""

    def frozen(self, offer: Offer) -> Offer:
        """Return the offer with the message that customers will read or hear."""
        ...

    def wrong(self, offer: Offer) -> Iterator[tuple[str, str]]:
        """Yield field and fault of everything that keeps the offer from being sent."""
        ...


Forms: TypeAlias = Mapping[Channel, Form]
"""By each channel that plans may choose."""


@dataclass(frozen=True, slots=True)
class MessageForm:
    """What every SMS of the account has around its text, and into how many messages, at most, it may be cut.

    `parts` counts them for a whole text; it raises ValueError for one that no gateway could carry.
    """

    signature: str
    max_parts: int
    parts: Callable[[str], int]

    def render(self, offer: Offer) -> str:
        return f"【{self.signature}】{offer.text.replace(KEYWORD, offer.order_keyword)}{OPT_OUT_PHRASE}"

    def frozen(self, offer: Offer) -> Offer:
        message = self.render(offer)
        return replace(offer, message=message, parts=self.parts(extremes_of(message)[0]))

    def wrong(self, offer: Offer) -> Iterator[tuple[str, str]]:
        yield from wrong_keywords(offer)
        yield from self._too_long(self.render(offer))

    def _too_long(self, message: str) -> Iterator[tuple[str, str]]:
        """What each message costs, and how many receipts it gets, is known before the first one leaves."""
        renderings = extremes_of(message)
        try:
            parts = {self.parts(rendering) for rendering in renderings}
        except ValueError as problem:
            yield "text", str(problem)
            return
        length = max(map(len, renderings))
        if max(parts) > self.max_parts:
            why = f"with signature and opt-out phrase it has {length} characters and takes {max(parts)} SMS"
            yield "text", f"{why}, at most {self.max_parts} expected (VISAVIS_DISPATCH_SMS_MAX_PARTS)"
        elif len(parts) > 1:
            why = f"takes {min(parts)} SMS for some and {max(parts)} for others, by what fills its placeholders"
            yield "text", f"{why}; shorten it, so that it takes as many for everybody"


@dataclass(frozen=True, slots=True)
class ScriptForm:
    """What an agent says is the text, filled with what is known of the customer, and with the order keyword if there is one."""

    def frozen(self, offer: Offer) -> Offer:
        return replace(offer, message=offer.text.replace(KEYWORD, offer.order_keyword))

    def wrong(self, offer: Offer) -> Iterator[tuple[str, str]]:
        known = (KEYWORD, *OF_TARGETS) if offer.order_keyword else OF_TARGETS
        yield from (("text", why) for why in faults_of(offer.text, known))


def frozen_offers(request: PlanRequest, forms: Forms) -> tuple[Offer, ...]:
    """Return the offers with the message that customers will read, so that later settings change none of it."""
    return tuple(forms[request.channel].frozen(offer) for offer in request.offers)


def plan_violations(request: PlanRequest, forms: Forms, now: datetime) -> list[Violation]:
    """Return everything that is wrong with a plan, whatever its targets."""
    found = []
    if not request.display_name.strip():
        found.append(Violation("display_name", "expected a name for people"))
    if request.expire_time <= now:
        found.append(Violation("expire_time", f"expected a time after now ({now:%Y-%m-%d %H:%M} UTC)"))
    if not request.offers:
        found.append(Violation("offers", "expected one for each policy among the targets"))
    found.extend(_repeated(request.offers))
    for index, offer in enumerate(request.offers):
        found.extend(Violation(f"offers[{index}].{name}", why) for name, why in _wrong(offer, forms[request.channel]))
    return found


def _repeated(offers: Sequence[Offer]) -> list[Violation]:
    counts = Counter(offer.policy for offer in offers)
    return [Violation("offers", f"policy {policy!r} comes {n} times") for policy, n in counts.items() if n > 1]


def _wrong(offer: Offer, form: Form) -> Iterator[tuple[str, str]]:
    if not offer.policy:
        yield "policy", "expected the policy's code"
    if not offer.text.strip():
        yield "text", "expected what to say"
    yield from form.wrong(offer)


def wrong_keywords(offer: Offer) -> Iterator[tuple[str, str]]:
    """Yield field and fault of what is wrong with an offer that may ask to be answered with its order keyword."""
    yield from (("text", why) for why in faults_of(offer.text, (KEYWORD, *OF_TARGETS)))
    keyword = normalised(offer.order_keyword)
    if KEYWORD in offer.text and not keyword:
        yield "order_keyword", f"expected a word, because the text says {KEYWORD}"
    if keyword and KEYWORD not in offer.text:
        yield "text", f"expected {KEYWORD} somewhere, because there is an order keyword"
    if keyword in OPT_OUT_WORDS:
        yield "order_keyword", f"{offer.order_keyword!r} is a word that opts out"
