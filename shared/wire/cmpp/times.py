"""Instants in the forms that CMPP fields want, all on the wall clock of the legal zone."""

import re
from datetime import UTC, datetime, timedelta

from shared.clock import LEGAL_ZONE
from shared.wire.cmpp.errors import DecodeError

_QUARTERS_PER_HOUR = 4
# strptime alone would take fewer digits, or those of another script.
_ABSOLUTE = re.compile(r"[0-9]{15}[+-]")
_MINUTE = re.compile(r"[0-9]{10}")


def login_timestamp(instant: datetime) -> int:
    """Return MMDDHHMMSS as the number that CONNECT carries."""
    return int(f"{instant.astimezone(LEGAL_ZONE):%m%d%H%M%S}")


def absolute_time(instant: datetime) -> str:
    """Return `YYMMDDhhmmsstnnp` for ValId_Time or At_Time, rounded down to the second."""
    local = instant.astimezone(LEGAL_ZONE)
    offset = local.utcoffset() or timedelta()
    quarters = round(offset / timedelta(hours=1) * _QUARTERS_PER_HOUR)
    return f"{local:%y%m%d%H%M%S}0{abs(quarters):02d}{'-' if quarters < 0 else '+'}"


def parse_absolute_time(text: str) -> datetime:
    """Read what `absolute_time` writes, from any zone. Raises DecodeError."""
    if not _ABSOLUTE.fullmatch(text):
        raise DecodeError(f"{text!r} is no time of the form YYMMDDhhmmsstnnp")
    try:
        naive = datetime.strptime(text[:12], "%y%m%d%H%M%S")  # noqa: DTZ007 - the offset follows in the text
    except ValueError:
        raise DecodeError(f"{text!r} is no day and time of the calendar") from None
    offset = timedelta(hours=int(text[13:15]) / _QUARTERS_PER_HOUR) * (-1 if text[15] == "-" else 1)
    return (naive - offset).replace(tzinfo=UTC)


def report_time(instant: datetime) -> str:
    """Return YYMMDDHHMM as status reports have it."""
    return f"{instant.astimezone(LEGAL_ZONE):%y%m%d%H%M}"


def parse_report_time(text: str) -> datetime | None:
    """Read a status report's time, to the minute. Gateways leave it empty or fill it with zeros: then None."""
    if not _MINUTE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%y%m%d%H%M").replace(tzinfo=LEGAL_ZONE).astimezone(UTC)
    except ValueError:
        return None
