"""Constants of our own in a mapping file: whether a column can hold them."""

import re
from datetime import date

from services.profile.domain.mapping.suggestions import did_you_mean
from services.profile.domain.months import Month
from services.profile.domain.source_tables import Kind, SourceColumn

_FLAGS = ("true", "false")


def constant_fault(value: str, column: SourceColumn) -> str:
    """Return what is wrong with a constant, written as we write it, empty if nothing."""
    match column.kind:
        case Kind.TEXT | Kind.FLAG:
            return _word_fault(value, column.domain or (_FLAGS if column.kind is Kind.FLAG else ()))
        case Kind.NUMBER:
            low, high = column.limits
            is_within = re.fullmatch(r"[0-9]{1,9}", value) and low <= int(value) <= high
            return "" if is_within else f"expected a whole number from {low} to {high}, found '{value}'"
        case Kind.DECIMAL | Kind.MONEY:
            scale, sign = (2, "-?") if column.kind is Kind.MONEY else (column.scale, "-?" if column.signed else "")
            is_decimal = re.fullmatch(rf"{sign}[0-9]{{1,10}}(\.[0-9]{{1,{scale}}})?", value)
            return (
                "" if is_decimal else f"expected a number with at most {scale} digits after the point, found '{value}'"
            )
        case Kind.DATE:
            return "" if _is_day(value) else f"expected a date like 2026-09-14, found '{value}'"
        case Kind.MONTH:
            return _month_fault(value)
        case Kind.MSISDN:
            return "a number is each customer's own; there is no constant for it"


def _word_fault(value: str, allowed: tuple[str, ...]) -> str:
    if not value or len(value) > 200:
        return f"expected a text of 1 to 200 characters, found '{value[:50]}'"
    if allowed and value not in allowed:
        return f"expected one of {', '.join(allowed)}, found '{value}'{did_you_mean(value, allowed)}"
    return ""


def _month_fault(value: str) -> str:
    try:
        Month.parse(value)
    except ValueError as error:
        return str(error)
    return ""


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
