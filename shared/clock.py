"""The one source of wall time, injected everywhere, so that a test or a demo can live on another day."""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from shared.errors import InvalidInput

LEGAL_ZONE = ZoneInfo("Asia/Shanghai")
"""The one legal time zone of the operator; calendar days, hours and months are counted in it."""

OFFSET_VARIABLE = "VISAVIS_CLOCK_OFFSET"


class Clock(Protocol):
    """Tells the time of the business. Telemetry, leases' real timeouts and keep-alives use real time instead."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock moved by a fixed offset, the same for all processes of an installation."""

    offset: timedelta = timedelta()

    @classmethod
    def from_environment(cls) -> "SystemClock":
        """Read the offset in seconds from `VISAVIS_CLOCK_OFFSET`; absent or empty means none. Raises InvalidInput."""
        text = os.environ.get(OFFSET_VARIABLE) or "0"
        try:
            return cls(timedelta(seconds=float(text)))
        except (ValueError, OverflowError):
            raise InvalidInput.of(OFFSET_VARIABLE, f"expected a number of seconds, got {text!r}") from None

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset  # noqa: TID251 - the one place that reads the machine's clock


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told to."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant

    def advance(self, by: timedelta) -> None:
        self.instant += by


def local_date(instant: datetime) -> date:
    """Return the calendar day of `instant` in the legal zone."""
    return instant.astimezone(LEGAL_ZONE).date()
