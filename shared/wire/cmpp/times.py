"""Instants in the forms that CMPP fields want, all on the wall clock of the legal zone."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from shared.clock import LEGAL_ZONE
from shared.wire.cmpp.errors import DecodeError

_QUARTERS_PER_HOUR = 4
_ABSOLUTE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})[0-9]([0-9]{2})([+-])")
_MINUTE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})")
_CENTURY = 2000


def login_timestamp(instant: datetime) -> int:
    """Return MMDDHHMMSS as the number that CONNECT carries."""
    return int(f"{instant.astimezone(LEGAL_ZONE):%m%d%H%M%S}")


@lru_cache(maxsize=256)
def absolute_time(instant: datetime) -> str:
    """Return `YYMMDDhhmmsstnnp` for ValId_Time or At_Time, rounded down to the second."""
    local = instant.astimezone(LEGAL_ZONE)
    offset = local.utcoffset() or timedelta()
    quarters = round(offset / timedelta(hours=1) * _QUARTERS_PER_HOUR)
    return f"{local:%y%m%d%H%M%S}0{abs(quarters):02d}{'-' if quarters < 0 else '+'}"


@lru_cache(maxsize=256)
def parse_absolute_time(text: str) -> datetime:
    """Read what `absolute_time` writes, from any zone. Raises DecodeError."""
    match = _ABSOLUTE.fullmatch(text)
    if match is None:
        raise DecodeError(f"{text!r} is no time of the form YYMMDDhhmmsstnnp")
    year, month, day, hour, minute, second, quarters = map(int, match.groups()[:7])
    offset = timedelta(hours=quarters / _QUARTERS_PER_HOUR) * (-1 if match[8] == "-" else 1)
    try:
        return datetime(_CENTURY + year, month, day, hour, minute, second, tzinfo=UTC) - offset
    except ValueError:
        raise DecodeError(f"{text!r} is no day and time of the calendar") from None


def report_time(instant: datetime) -> str:
    """Return YYMMDDHHMM as status reports have it."""
    return _minute_of(instant.replace(second=0, microsecond=0))


@lru_cache(maxsize=16)
def _minute_of(instant: datetime) -> str:
    return f"{instant.astimezone(LEGAL_ZONE):%y%m%d%H%M}"


@lru_cache(maxsize=64)
def parse_report_time(text: str) -> datetime | None:
    """Read a status report's time, to the minute. Gateways leave it empty or fill it with zeros: then None."""
    match = _MINUTE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute = map(int, match.groups())
    try:
        return datetime(_CENTURY + year, month, day, hour, minute, tzinfo=LEGAL_ZONE).astimezone(UTC)
    except ValueError:
        return None
