"""The 64-bit Msg_Id that a gateway gives a message: when, by which gateway, which one of that second."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from shared.clock import LEGAL_ZONE
from shared.wire.cmpp.errors import FieldError

# Each part and its width in bits, from the most significant on.
_PARTS = (("month", 4), ("day", 5), ("hour", 5), ("minute", 6), ("second", 6), ("gateway", 22), ("sequence", 16))


@dataclass(frozen=True, slots=True)
class MessageId:
    """The parts of a Msg_Id. There is no year: ids recur, at the latest after twelve months."""

    month: int
    day: int
    hour: int
    minute: int
    second: int
    gateway: int
    sequence: int

    @classmethod
    def at(cls, instant: datetime, *, gateway: int, sequence: int) -> "MessageId":
        """Name a message of `instant`, on the wall clock of the legal zone."""
        local = instant.astimezone(LEGAL_ZONE)
        return cls(local.month, local.day, local.hour, local.minute, local.second, gateway, sequence)

    @classmethod
    def packed_at(cls, instant: datetime, *, gateway: int, sequence: int) -> int:
        """Return what `at` and `pack` would; thousands of a second have all but the sequence in common."""
        return _first_of(instant.replace(microsecond=0), gateway) | sequence

    @classmethod
    def unpack(cls, value: int) -> "MessageId":
        parts = {}
        for name, bits in reversed(_PARTS):
            parts[name] = value & (1 << bits) - 1
            value >>= bits
        return cls(**parts)

    def pack(self) -> int:
        value = 0
        for name, bits in _PARTS:
            part: int = getattr(self, name)
            if not 0 <= part < 1 << bits:
                raise FieldError(f"msg_id.{name}", f"{part} does not fit in {bits} bits")
            value = value << bits | part
        return value


@lru_cache(maxsize=16)
def _first_of(second: datetime, gateway: int) -> int:
    return MessageId.at(second, gateway=gateway, sequence=0).pack()
