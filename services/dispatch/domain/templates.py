"""Placeholders in what plans say: which there are, what fills them, and how long a text becomes."""

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

KEYWORD = "{keyword}"
"""Filled once for all: the offer's order keyword."""
CITY = "{city}"
LAST_FOUR = "{last4}"
"""The last digits of the customer's number, by which people recognise that they are meant."""
OF_TARGETS = (CITY, LAST_FOUR)
"""Filled for each customer when the message leaves."""

LONGEST_CITY = 11
"""Characters, as 黔西南布依族苗族自治州 has; targets with a longer one are not loaded for texts that name it."""

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_EXTREMES = (("A", "0000"), ("A" * LONGEST_CITY, "0000"), ("合", "0000"), ("合" * LONGEST_CITY, "0000"))
"""Cities short and long, in letters that take seven bits and in such that take sixteen."""


def placeholders_in(text: str) -> Sequence[str]:
    """Return the placeholders of a text, each once."""
    return sorted(set(_PLACEHOLDER.findall(text)))


def faults_of(text: str, known: Collection[str]) -> Iterator[str]:
    """Say what is wrong with the placeholders of a text, of which only `known` can be filled."""
    for placeholder in placeholders_in(text):
        if placeholder not in known:
            close = get_close_matches(placeholder.lower(), known, 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            yield f"{placeholder} is no placeholder here; known are {', '.join(known) or 'none'}{meant}"
    if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
        yield "has a brace without its other half"


def fill(text: str, *, city: str, msisdn: str) -> str:
    """Return a text as one customer reads it; what fills a placeholder is never taken for one."""
    return _filled(text, city, msisdn[-4:])


def extremes_of(text: str) -> list[str]:
    """Return renderings of a text that are as short and as long as any can become; itself where nothing varies."""
    return sorted({_filled(text, city, digits) for city, digits in _EXTREMES})


def _filled(text: str, city: str, digits: str) -> str:
    values = {CITY: city, LAST_FOUR: digits}
    return _PLACEHOLDER.sub(lambda found: values.get(found[0], found[0]), text)
