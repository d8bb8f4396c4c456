"""How the people who get a push behave, as far as a gateway can see it."""

from dataclasses import dataclass
from typing import Protocol

from shared.wire.pap.indication import ServiceIndication
from shared.wire.pap.messages import MessageState


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a push meets with, so many seconds of real time after it was passed on."""

    state: MessageState = MessageState.DELIVERED
    after: float = 0.2


class PushAudience(Protocol):
    """The subscribers behind the gateway."""

    async def receive(self, msisdn: str, indication: ServiceIndication) -> Arrival:
        """Show an indication on the telephone of an eleven-digit number."""
        ...

    def refuse(self, msisdn: str) -> None:
        """Let the holder of a number refuse all marketing, by SMS."""
        ...
