"""The mail gateway behind its lines: decides on each mail, notes it, and lets its reader react."""

import asyncio
from dataclasses import dataclass

import structlog

from services.sandbox.mail.audience import MailAudience
from services.sandbox.mail.faults import MailFaults
from services.sandbox.mail.journal import MailJournal, ReceivedMail
from services.sandbox.mail.mailbox import Mail, open_mail
from services.sandbox.mail.returning import Returning
from shared.clock import Clock
from shared.wire.cmpp.terminals import national_number

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_TAKEN = "250 2.0.0 queued as {number}"
_BUSY = "451 4.3.2 too busy, try again later"
_FULL = "452 4.2.2 mailbox full"
_UNKNOWN = "550 5.1.1 no such mailbox"
_ELSEWHERE = "550 5.1.2 no such domain here"
_BOUNCE = "5.1.1"
_DOMAIN = "139.com"


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """What a line does when a mail has ended: answer so many `times` after a delay, or never (`text` empty), or break."""

    text: str
    after: float = 0.0
    times: int = 1
    cut: bool = False


class MailExchange:
    """Everything that outlives a line."""

    def __init__(self, audience: MailAudience, returning: Returning, *, journal: MailJournal, clock: Clock) -> None:
        self._audience = audience
        self._returning = returning
        self._journal = journal
        self._clock = clock
        self._taken: asyncio.Queue[Mail] = asyncio.Queue()
        self._queued = 0
        self.set_faults(MailFaults())

    def set_faults(self, faults: MailFaults) -> None:
        self.faults = faults
        self._recipients = self._ends = self._readers = self._delivered = 0

    @property
    def is_cut_here(self) -> bool:
        """Whether the line is to break in the middle of the mail whose recipient came last."""
        return self._recipients == self.faults.cut_mid_data

    def admit(self, sender: str, recipient: str) -> str:
        """Decide on a recipient: the answer to RCPT, which is noted if it is a refusal."""
        self._recipients += 1
        answer = self._judge(recipient)
        if not answer.startswith("250"):
            number = recipient.partition("@")[0]
            self._journal.append(ReceivedMail(self._clock.now().isoformat(), sender, number, int(answer[:3])))
        return answer

    def take(self, sender: str, recipient: str, octets: bytes) -> MailAnswer:
        """Take a whole mail, note it, and hand it to its reader."""
        self._ends += 1
        self._queued += 1
        mail = open_mail(octets, sender=sender, recipient=recipient)
        self._journal.append(
            ReceivedMail(
                time=self._clock.now().isoformat(),
                sender=sender,
                dest=mail.msisdn,
                code=250,
                message_id=mail.message_id,
                subject=mail.subject,
                text=mail.text,
                unsubscribe=mail.unsubscribe,
            )
        )
        self._taken.put_nowait(mail)
        return self._answer()

    async def react(self) -> None:
        """Show every mail taken to its reader, one after the other, until cancelled."""
        while True:
            mail = await self._taken.get()
            try:
                await self._show(mail)
            except Exception as failure:  # noqa: BLE001 - one person's failure must not silence the province
                log.error("mail_audience_failed", failure=type(failure).__name__)

    def _judge(self, recipient: str) -> str:
        faults, (number, _, domain) = self.faults, recipient.partition("@")
        if self._recipients <= faults.throttle_first:
            return _BUSY
        if self._recipients <= faults.full_first:
            return _FULL
        if domain.lower() != _DOMAIN:
            return _ELSEWHERE
        refused = faults.refuse_every and self._recipients % faults.refuse_every == 0
        unknown = refused or number in faults.unknown_numbers or national_number(number) is None
        return _UNKNOWN if unknown else "250 2.1.5 go on"

    def _answer(self) -> MailAnswer:
        faults = self.faults
        if self._ends == faults.cut_at:
            return MailAnswer("", cut=True)
        if self._ends <= faults.silent_first:
            return MailAnswer("")
        text = _TAKEN.format(number=self._queued)
        return MailAnswer(text, faults.answer_after, times=2 if faults.answer_twice else 1)

    async def _show(self, mail: Mail) -> None:
        faults = self.faults
        self._delivered += 1
        reaction = await self._audience.receive(mail)
        bounce = _BOUNCE if faults.bounce_every and self._delivered % faults.bounce_every == 0 else reaction.bounce
        if bounce:
            self._returning.bounce(mail, bounce, after=reaction.after, times=2 if faults.bounce_twice else 1)
            return
        self._readers += 1
        if faults.opt_out_every and self._readers % faults.opt_out_every == 0:
            self._returning.unsubscribe(mail, after=0.0)
            return
        if reaction.unsubscribes:
            self._returning.unsubscribe(mail, after=reaction.after)
        if reaction.answer:
            self._returning.answer(mail, reaction.answer, after=reaction.after)
