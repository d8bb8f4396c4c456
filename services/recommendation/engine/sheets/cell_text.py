"""What a cell of a workbook says, as the text that stands in CSV."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

CellValue = str | int | float | bool | date | datetime | time | timedelta

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|“([^”]*)”', re.DOTALL)
_HALF_WIDTH = str.maketrans(
    {
        **{chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)},
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("≥≧⩾", ">="),
        **dict.fromkeys("≤≦⩽", "<="),
    }
)


def plain_text(value: CellValue) -> str:
    """Return a value as CSV has it: 12, 0.3, true, 2026-01-31, 2026-01-31 08:30:00, or the text itself."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def test_text(value: CellValue) -> str:
    """Return a value as an S-FEEL test has it: a date becomes date("2026-01-31"), a text is made half width."""
    if isinstance(value, datetime):
        return f'date and time("{value.isoformat()}")'
    if isinstance(value, date):
        return f'date("{value.isoformat()}")'
    if isinstance(value, time):
        return f'time("{value.isoformat()}")'
    return half_width(plain_text(value))


def declared_text(value: CellValue) -> str:
    """Return a value as the lines above the headers have it: a date as in a test, a text as it is."""
    return plain_text(value) if isinstance(value, str) else test_text(value)


def half_width(text: str) -> str:
    """Return the text with what Chinese input methods and Excel's corrections write instead of ASCII put right.

    “ ” „ become ", ≥ ≤ become >= <=, and full-width forms (，（）［］＞ １ …) their ASCII ones. What stands between quotes,
    straight or curved, stays as it is.
    """
    parts = []
    end = 0
    for quoted in _QUOTED.finditer(text):
        curved = quoted.group(1)
        inside = quoted.group() if curved is None else '"' + curved.replace("\\", "\\\\").replace('"', '\\"') + '"'
        parts += [text[end : quoted.start()].translate(_HALF_WIDTH), inside]
        end = quoted.end()
    return "".join([*parts, text[end:].translate(_HALF_WIDTH)])


def number_text(value: float) -> str:
    """Return the shortest decimal of the 15 digits that Excel keeps and shows: 12.0 is 12, and 0.1 + 0.2 is 0.3."""
    return f"{Decimal(f'{value:.15g}'):f}" if value else "0"
