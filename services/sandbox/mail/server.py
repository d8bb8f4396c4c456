"""The mail gateway on loopback, with the mailboxes behind it."""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from services.sandbox.mail.audience import MailAudience
from services.sandbox.mail.exchange import MailExchange
from services.sandbox.mail.faults import MailFaults
from services.sandbox.mail.journal import MailJournal
from services.sandbox.mail.mailbox import Mail
from services.sandbox.mail.returning import Returning
from services.sandbox.mail.session import MailSession
from shared.clock import Clock
from shared.wire.mail.listener import SmtpListener

HOST = "127.0.0.1"


class MailGateway:
    """An async context manager: takes mail inside. What comes back goes to `return_port`, where our domain takes its mail;
    it waits in memory, so that of a gateway that is killed only the journal remains."""

    def __init__(
        self, audience: MailAudience, *, journal: MailJournal, clock: Clock, return_port: int, port: int = 0
    ) -> None:
        self._returning = Returning(host=HOST, port=return_port, clock=clock)
        self._exchange = MailExchange(audience, self._returning, journal=journal, clock=clock)
        self._listener = SmtpListener(lambda: MailSession(self._exchange), host=HOST, port=port)

    @property
    def port(self) -> int:
        """The port listened on; where 0 was asked for, the one that the system chose."""
        return self._listener.port

    async def __aenter__(self) -> Self:
        """Raises OSError if the port is taken."""
        async with AsyncExitStack() as opening:
            await opening.enter_async_context(self._returning)
            await opening.enter_async_context(self._listener)
            self._open = opening.pop_all()
        self._reacting = asyncio.create_task(self._exchange.react())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reacting.cancel()
        await asyncio.wait([self._reacting])
        await self._open.aclose()

    def misbehave(self, faults: MailFaults) -> None:
        """Misbehave like this from now on; `MailFaults()` ends it."""
        self._exchange.set_faults(faults)

    def let_unsubscribe(self, mail: Mail) -> None:
        """Let the reader of a mail unsubscribe, unasked."""
        self._returning.unsubscribe(mail, after=0.0)

    def cut_lines(self) -> None:
        """Reset every connection, as a gateway does that falls over."""
        self._listener.cut_lines()
