"""How PAP writes instants and addresses."""

import re
from datetime import UTC, datetime, timedelta

from shared.wire.pap.errors import FieldError

_INSTANT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")
_NUMBER = re.compile(r"\+[1-9][0-9]{4,14}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")
_PLMN = re.compile(r"WAPPUSH=(\+[0-9]{5,15})/TYPE=PLMN@([^\s/@]{1,255})", re.IGNORECASE)


def instant_text(field: str, instant: datetime) -> str:
    """Return `YYYY-MM-DDThh:mm:ssZ`, rounded down to the second: PAP knows no zone but UTC. Raises FieldError."""
    if instant.utcoffset() is None:
        raise FieldError(field, "is a time without a zone, an aware time expected")
    # strftime would not pad years before 1000.
    return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse_instant(text: str) -> datetime | None:
    """Read such an instant; None if it is none, or has a zone."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups())
    try:
        # A gateway's clock may show a leap second, a datetime cannot.
        at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        return at + timedelta(seconds=second - min(second, 59)) if second <= 60 else None
    except (ValueError, OverflowError):
        return None


def plmn_address(number: str, gateway: str) -> str:
    """Return the address of a telephone: `WAPPUSH=+8613800138000/TYPE=PLMN@ppg.operator.cn`. Raises FieldError.

    `number` is international with its `+`: gateways refuse it without. It is not shown where it is wrong.
    """
    if not _NUMBER.fullmatch(number):
        raise FieldError("number", f"is {len(number)} characters (not shown), + and 5 to 15 digits expected")
    if not _HOST.fullmatch(gateway):
        raise FieldError("gateway", f"is {gateway!r}, a host name expected")
    return f"WAPPUSH={number}/TYPE=PLMN@{gateway}"


def number_in(address: str) -> str | None:
    """Return the international number, with its `+`, in the address of a telephone; None if it is another address."""
    match = _PLMN.fullmatch(address.strip())
    return match[1] if match else None
