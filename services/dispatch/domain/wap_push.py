"""What a WAP push shows: a line of text, and the page that opens behind it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from services.dispatch.domain.plans import Offer
from services.dispatch.domain.templates import KEYWORD, OF_TARGETS, extremes_of, faults_of


@dataclass(frozen=True, slots=True)
class PushForm:
    """What every WAP push has around its text, and as how many SMS, at most, a gateway may have to bring it.

    Nobody can answer a push: orders are made on its page, and who wants no more writes to `opt_out_number`. `parts` counts
    for a whole text and its link; it raises ValueError for what no gateway could bring.
    """

    signature: str
    opt_out_number: str
    max_parts: int
    parts: Callable[[str, str], int]

    def render(self, offer: Offer) -> str:
        return f"【{self.signature}】{offer.text} 拒收请发TD至{self.opt_out_number}"

    def frozen(self, offer: Offer) -> Offer:
        return replace(offer, message=self.render(offer))

    def wrong(self, offer: Offer) -> Iterator[tuple[str, str]]:
        if KEYWORD in offer.text:
            yield "text", f"{KEYWORD} is no placeholder of a WAP push: its page takes the orders"
        yield from (("text", why) for why in faults_of(offer.text.replace(KEYWORD, ""), OF_TARGETS))
        if not offer.href.startswith(("http://", "https://")):
            yield "href", "expected the page to open, http or https"
            return
        try:
            parts = max(self.parts(rendering, offer.href) for rendering in extremes_of(self.render(offer)))
        except ValueError as problem:
            yield "text", str(problem)
            return
        if parts > self.max_parts:
            why = f"with signature, opt-out phrase and link it takes {parts} SMS to bring it"
            yield "text", f"{why}, at most {self.max_parts} expected (VISAVIS_DISPATCH_WAP_MAX_PARTS)"
