"""Telephone numbers as they come over the wire, brought to one form."""

import re

_MOBILE = re.compile(r"(?:(?:\+|00)?86)?(1[0-9]{10})")


def national_number(terminal_id: str) -> str | None:
    """Return the eleven digits of a mobile number written with or without +86, 86 or 0086; None if it is no such number."""
    match = _MOBILE.fullmatch(terminal_id.strip())
    return match.group(1) if match else None
