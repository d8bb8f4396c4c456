"""One line of the mail gateway: aiosmtpd's SMTP with reports on delivery (RFC 3461), and with the misbehaviour that is ordered."""

import asyncio
import re

from aiosmtpd.smtp import SMTP, Envelope, Session

from services.sandbox.mail.exchange import MailAnswer, MailExchange

_MOST_OCTETS = 1_048_576
_REPORTING = re.compile(r"\s+(?:RET|ENVID|NOTIFY|ORCPT)=\S+", re.IGNORECASE)


class MailSession(SMTP):
    """The library answers 555 to the parameters of RFC 3461, which a gateway of ours must know: they are left out before."""

    def __init__(self, exchange: MailExchange) -> None:
        super().__init__(_Handler(exchange), hostname="mx.139.com", data_size_limit=_MOST_OCTETS, ident="sandbox")
        self._exchange = exchange
        self.breaks_in_text = False
        """Set with the recipient: other lines go on counting before the text comes."""

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - the library calls it by this name
        if self._exchange.faults.hang_up:
            await self.push("421 4.3.2 closing")
            self._hang_up()
            return
        await super().smtp_MAIL(_REPORTING.sub("", arg) if arg else arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - the same
        await super().smtp_RCPT(_REPORTING.sub("", arg) if arg else arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the same
        if self.breaks_in_text:
            await self.push("354 go on")
            await self._reader.readline()
            self.cut()
            return
        await super().smtp_DATA(arg)

    def cut(self) -> None:
        """Reset the connection."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()


class _Handler:
    def __init__(self, exchange: MailExchange) -> None:
        self._exchange = exchange

    async def handle_EHLO(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]]

    async def handle_RCPT(  # noqa: N802 - the same
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._exchange.admit(envelope.mail_from or "", address)
        if isinstance(server, MailSession):
            server.breaks_in_text = self._exchange.is_cut_here
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        answer = self._exchange.take(envelope.mail_from or "", envelope.rcpt_tos[0], content)
        return await _given(answer, server)


async def _given(answer: MailAnswer, server: SMTP) -> str:
    """Give an answer in the way it is to be given; return what is left to say."""
    if answer.cut and isinstance(server, MailSession):
        server.cut()
    if not answer.text:
        await asyncio.Event().wait()  # until the other side gives up
    await asyncio.sleep(answer.after)
    return "\r\n".join([answer.text] * answer.times)
