"""Decodes the text of FEEL literals: string escapes, numbers, dates, times and durations."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.recommendation.engine.feel.values import MAX_DIGITS, Kind, Value, YearsMonths
from shared.clock import LEGAL_ZONE

_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{6})|(.?))", re.DOTALL)
_SIMPLE_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?"
_ZONE = r"(?P<offset>Z|[+-]\d{2}:\d{2})?(?:@(?P<zone>[\w/+-]+))?"
_ZONED_TIME = re.compile(rf"(?P<time>{_TIME}){_ZONE}", re.ASCII)
_ZONED_DATETIME = re.compile(rf"(?P<time>{_DATE}(?:T{_TIME})?){_ZONE}", re.ASCII)
_DAYS_TIME = re.compile(
    r"(?P<sign>-?)P(?=\d|T\d)(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:\.(?P<fraction>\d{1,6}))?S)?)?",
    re.ASCII,
)
_YEARS_MONTHS = re.compile(r"(?P<sign>-?)P(?=\d)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?", re.ASCII)
_ANY_DAY = date(2000, 1, 1)
_MAX_MONTHS = 9999 * 12


class LiteralError(Exception):
    """The literal's text is malformed; the message says what to write."""


def decode_string(quoted: str) -> str:
    """Return the text of a FEEL string literal with its quotes. Escapes: DMN 1.3 §10.3.1.2, rule 64."""
    text = _ESCAPE.sub(_decode_escape, quoted[1:-1])
    try:
        # Two \\u escapes may spell one character beyond the basic plane as a surrogate pair.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise LiteralError("a \\u escape names half a character: write both halves, or \\U with six digits") from None
    if "\0" in text:
        raise LiteralError("a text cannot hold the character \\u0000")
    return text


def _decode_escape(match: re.Match[str]) -> str:
    four, six, simple = match.groups()
    if simple in _SIMPLE_ESCAPES:
        return _SIMPLE_ESCAPES[simple]
    if four or (six and int(six, 16) <= 0x10FFFF):
        return chr(int(four or six, 16))
    raise LiteralError(
        f'"{match.group()}" is no escape: after \\ only n r t " \' \\ uXXXX UXXXXXX; write \\\\ for one \\'
    )


def decode_number(text: str) -> Decimal:
    """Return the exact decimal of a numeric literal, in plain notation and of at most 38 digits."""
    if re.match(r"-?0\d", text):
        raise LiteralError(f"{text} begins with 0: a thousands comma? Write the number without it, as in 1000")
    sign, digits, exponent = Decimal(text).as_tuple()
    zeros = exponent if isinstance(exponent, int) else 0
    if max(len(digits) + zeros, len(digits), -zeros) > MAX_DIGITS:
        raise LiteralError(f"{text} needs more than {MAX_DIGITS} digits")
    return Decimal((sign, digits + (0,) * zeros, 0)) if zeros > 0 else Decimal((sign, digits, zeros))


def decode_date(text: str) -> date:
    """Return the day of `YYYY-MM-DD`."""
    if not re.fullmatch(_DATE, text, re.ASCII):
        raise LiteralError('write a date as date("2026-01-31")')
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise LiteralError(f"{text} is no day of the calendar") from None


def decode_datetime(text: str) -> datetime:
    """Return the naive date and time in the legal zone; an offset or `@zone` in the text is converted to it."""
    match = _ZONED_DATETIME.fullmatch(text)
    if not match:
        raise LiteralError('write a date and time as date and time("2026-01-31T08:30:00")')
    try:
        return _in_legal_zone(datetime.fromisoformat(match["time"]), match)
    except (ValueError, OverflowError):
        raise LiteralError(f"{text} is no moment of the calendar") from None


def decode_time(text: str) -> time:
    """Return the naive time of day in the legal zone; an offset or `@zone` in the text is converted to it."""
    match = _ZONED_TIME.fullmatch(text)
    if not match:
        raise LiteralError('write a time of day as time("08:30:00")')
    try:
        return _in_legal_zone(datetime.combine(_ANY_DAY, time.fromisoformat(match["time"])), match).time()
    except ValueError:
        raise LiteralError(f"{text} is no time of day") from None


def _in_legal_zone(naive: datetime, match: re.Match[str]) -> datetime:
    if match["offset"] and match["zone"]:
        raise LiteralError("give an offset or a zone, not both")
    if match["offset"]:
        zoned = datetime.fromisoformat(naive.isoformat() + match["offset"])
    elif match["zone"]:
        zoned = naive.replace(tzinfo=_zone(match["zone"]))
    else:
        return naive
    return zoned.astimezone(LEGAL_ZONE).replace(tzinfo=None)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise LiteralError(f"{name} is no time zone: write for example Asia/Shanghai") from None


def decode_duration(text: str) -> timedelta | YearsMonths:
    """Return the duration of ISO 8601 text: days and time (`P3DT12H`) or years and months (`P1Y6M`), never mixed."""
    try:
        if match := _DAYS_TIME.fullmatch(text):
            return _days_time(match)
        if match := _YEARS_MONTHS.fullmatch(text):
            return _years_months(match)
    except OverflowError:
        raise LiteralError(f"{text} is too long a duration") from None
    raise LiteralError(
        'write a duration as duration("P30D"), duration("PT12H") or duration("P1Y6M"); days and months do not mix'
    )


def _days_time(match: re.Match[str]) -> timedelta:
    part = {name: int(match[name] or 0) for name in ("days", "hours", "minutes", "seconds")}
    length = timedelta(**part, microseconds=int((match["fraction"] or "0").ljust(6, "0")))
    return -length if match["sign"] else length


def _years_months(match: re.Match[str]) -> YearsMonths:
    months = int(match["years"] or 0) * 12 + int(match["months"] or 0)
    if months > _MAX_MONTHS:
        raise OverflowError
    return YearsMonths(-months if match["sign"] else months)


_CALLS: dict[str, tuple[Kind, Callable[[str], Value]]] = {
    "date": (Kind.DATE, decode_date),
    "date and time": (Kind.DATETIME, decode_datetime),
    "time": (Kind.TIME, decode_time),
}


def decode_call(function: str, text: str) -> tuple[Kind, Value]:
    """Return the literal of `date("…")`, `date and time("…")`, `time("…")` or `duration("…")`."""
    if function == "duration":
        duration = decode_duration(text)
        return (Kind.DAYS_DURATION if isinstance(duration, timedelta) else Kind.MONTHS_DURATION), duration
    kind, decode = _CALLS[function]
    return kind, decode(text)


def decode_at(text: str) -> tuple[Kind, Value]:
    """Return the literal of `@"…"` (DMN 1.3): the form of the text tells which kind it is."""
    if text.lstrip("-").startswith("P"):
        return decode_call("duration", text)
    if "T" in text.partition("@")[0]:
        return decode_call("date and time", text)
    return decode_call("time" if ":" in text else "date", text)
