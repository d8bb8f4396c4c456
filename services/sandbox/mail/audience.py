"""How the people who get a mail behave, as far as a gateway can see it."""

from dataclasses import dataclass
from typing import Protocol

from services.sandbox.mail.mailbox import Mail


@dataclass(frozen=True, slots=True)
class MailReaction:
    """What a mail meets with: whether it comes back (`bounce`: a status such as 5.1.1, empty if not), whether its reader
    unsubscribes, and what they answer, empty if nothing. `after`: seconds of real time until all that."""

    bounce: str = ""
    unsubscribes: bool = False
    answer: str = ""
    after: float = 0.2


class MailAudience(Protocol):
    """The holders of the mailboxes behind the gateway."""

    async def receive(self, mail: Mail) -> MailReaction:
        """Show one mail to its reader and return what they make of it."""
        ...
