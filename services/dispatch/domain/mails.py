"""What a mail says: a subject, a text with our name below it, and a link where the offer has one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.dispatch.domain.messages import wrong_keywords
from services.dispatch.domain.plans import Offer
from services.dispatch.domain.templates import KEYWORD, OF_TARGETS, extremes_of, faults_of

_LONGEST_TITLE = 60
_LONGEST_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class MailForm:
    """What every mail of the account has around its text. The mark of an advertisement before the subject, and the way to
    unsubscribe below, are added to each mail when it leaves; an order keyword is what a customer answers the mail with."""

    signature: str

    def frozen(self, offer: Offer) -> Offer:
        text = offer.text.replace(KEYWORD, offer.order_keyword)
        return replace(offer, title=offer.title.strip(), message=f"{text}\n\n{self.signature}")

    def wrong(self, offer: Offer) -> Iterator[tuple[str, str]]:
        yield from wrong_keywords(offer)
        yield from (("title", why) for why in faults_of(offer.title, OF_TARGETS))
        title = max(extremes_of(offer.title.strip()), key=len)
        if not title:
            yield "title", "expected the subject of the mail"
        if len(title) > _LONGEST_TITLE or not title.isprintable():
            yield "title", f"expected one line of at most {_LONGEST_TITLE} printable characters"
        if len(offer.text) > _LONGEST_TEXT:
            yield "text", f"has {len(offer.text)} characters, at most {_LONGEST_TEXT} expected"
        if offer.href and not offer.href.startswith(("http://", "https://")):
            yield "href", "expected a page, http or https, or nothing"
