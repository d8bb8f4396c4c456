"""What an SMS says, and what can be wrong with the words of a plan."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.dispatch.domain.plans import Channel, Offer, PlanRequest
from shared.errors import Violation

KEYWORD = "{keyword}"
OPT_OUT_PHRASE = "拒收请回复TD"
OPT_OUT_WORDS = frozenset({"TD", "T", "N", "R", "QX", "0000", "退订", "拒收", "取消"})
"""Exactly these, alone in a message; DOMAIN.md: `TDMRTX` is no opt-out."""

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def normalised(text: str) -> str:
    """Return a customer's word in one form: full width to half, no blanks around, capitals."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def is_opt_out(text: str) -> bool:
    """Whether a whole message is a word that refuses marketing."""
    return normalised(text) in OPT_OUT_WORDS


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


def frozen_offers(request: PlanRequest, form: MessageForm) -> tuple[Offer, ...]:
    """Return the offers with the message that customers will read, so that later settings change none of it."""
    if request.channel is Channel.CALL:
        return tuple(replace(offer, message=offer.text) for offer in request.offers)
    return tuple(_frozen(offer, form) for offer in request.offers)


def _frozen(offer: Offer, form: MessageForm) -> Offer:
    message = form.render(offer)
    return replace(offer, message=message, parts=form.parts(message))


def plan_violations(request: PlanRequest, form: MessageForm, now: datetime) -> list[Violation]:
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
        found.extend(Violation(f"offers[{index}].{name}", why) for name, why in _wrong(offer, request.channel, form))
    return found


def _repeated(offers: Sequence[Offer]) -> list[Violation]:
    counts = Counter(offer.policy for offer in offers)
    return [Violation("offers", f"policy {policy!r} comes {n} times") for policy, n in counts.items() if n > 1]


def _wrong(offer: Offer, channel: Channel, form: MessageForm) -> Iterator[tuple[str, str]]:
    if not offer.policy:
        yield "policy", "expected the policy's code"
    if not offer.text.strip():
        yield "text", "expected what to say"
    if channel is Channel.SMS:
        yield from _wrong_sms(offer, form)


def _wrong_sms(offer: Offer, form: MessageForm) -> Iterator[tuple[str, str]]:
    placeholders = set(_PLACEHOLDER.findall(offer.text))
    for unknown in sorted(placeholders - {KEYWORD}):
        yield "text", f"{unknown} is no placeholder; known is {KEYWORD}"
    keyword = normalised(offer.order_keyword)
    if KEYWORD in placeholders and not keyword:
        yield "order_keyword", f"expected a word, because the text says {KEYWORD}"
    if keyword and KEYWORD not in placeholders:
        yield "text", f"expected {KEYWORD} somewhere, because there is an order keyword"
    if keyword in OPT_OUT_WORDS:
        yield "order_keyword", f"{offer.order_keyword!r} is a word that opts out"
    yield from _too_long(form.render(offer), form)


def _too_long(message: str, form: MessageForm) -> Iterator[tuple[str, str]]:
    try:
        parts = form.parts(message)
    except ValueError as problem:
        yield "text", str(problem)
        return
    if parts > form.max_parts:
        why = f"with signature and opt-out phrase it has {len(message)} characters and takes {parts} SMS"
        yield "text", f"{why}, at most {form.max_parts} expected (VISAVIS_DISPATCH_SMS_MAX_PARTS)"
