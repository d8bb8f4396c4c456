"""Mobile numbers as people write them."""

import re

_NUMBER = re.compile(r"(?:\+?86)?(1[3-9]\d{9})", re.ASCII)


def canonical_msisdn(text: str) -> str:
    """Return the 11 digits of a mobile number written with or without 86 or +86; raises ValueError, without the number."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a mobile number of 11 digits from 13 on, with or without 86 or +86 before it")
    return match[1]
