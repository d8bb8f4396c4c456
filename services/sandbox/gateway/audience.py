"""How the people who get a message behave, as far as a gateway can see it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a message meets with: the report's word (DELIVRD, UNDELIV, …) and what the person writes back.

    Delays are seconds of real time; the first reply leaves `reply_after` the report, each further one as much later.
    """

    status: str = "DELIVRD"
    report_after: float = 0.2
    replies: tuple[str, ...] = ()
    reply_after: float = 1.0


class Audience(Protocol):
    """The subscribers behind the gateway."""

    async def receive(self, msisdn: str, text: str, src_id: str) -> Reaction:
        """Show one message, put together from its parts, to the holder of an eleven-digit number and return what they make of it."""
        ...
