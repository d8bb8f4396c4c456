"""How dates and months may be written in a file: the directives of strftime that both Python and the engine agree on."""

import re
from datetime import date
from typing import Final

DATE_PARTS: Final = "Ymd"
MONTH_PARTS: Final = "Ym"

_EXAMPLE = date(2026, 9, 14)
_LITERALS = re.compile(r"[-/. 年月日]*")


def format_fault(text: str, parts: str) -> str:
    """Return what is wrong with a format, empty if nothing; `parts` are the directives that it must have, once each."""
    directives = re.findall(r"%(.?)", text)
    if sorted(directives) != sorted(parts) or not _LITERALS.fullmatch(re.sub(r"%.", "", text)):
        wanted = ", ".join(f"%{part}" for part in parts)
        return f"expected {wanted} once each, with nothing but - / . 年 月 日 or spaces between, found '{text}'"
    return ""


def example(text: str) -> str:
    """Return how a day (or its month) looks in this format."""
    return _EXAMPLE.strftime(text)
