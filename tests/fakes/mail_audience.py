"""Readers of mail who do what the script says."""

from collections.abc import Mapping

from services.sandbox.mail.audience import MailReaction
from services.sandbox.mail.mailbox import Mail


class ScriptedReaders:
    """A `MailAudience` that reacts by number, and remembers what everybody read."""

    def __init__(
        self, default: MailReaction | None = None, by_number: Mapping[str, MailReaction] | None = None
    ) -> None:
        self.default = default or MailReaction()
        self.by_number = dict(by_number or {})
        self.read: list[Mail] = []

    async def receive(self, mail: Mail) -> MailReaction:
        self.read.append(mail)
        return self.by_number.get(mail.msisdn, self.default)
