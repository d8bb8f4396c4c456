"""One connection to a mail gateway: logs in, and carries one mail after the other to its last line."""

import asyncio
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponse

from services.dispatch.channels.mail_account import MailAccount
from services.dispatch.channels.mail_answers import Stage
from services.dispatch.channels.mail_letters import Envelope
from shared.wire.mail.replies import MailReply

_GO_ON = 354
_LOGIN_SECONDS = 20.0


class LoginRefusedError(Exception):
    """The gateway does not know the account, today or tomorrow."""


class LineLostError(Exception):
    """The connection ended, or stopped to make sense, when a mail had got to `stage`."""

    def __init__(self, stage: Stage, why: str) -> None:
        super().__init__(why)
        self.stage = stage


class CalledBackError(Exception):
    """The mail was called back before its last line: nothing of it counts."""


class MailLine:
    """A connection as an async context manager. Raises OSError, SMTPException or LoginRefusedError if none comes about."""

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._smtp = SMTP(
            hostname=account.host,
            port=account.port,
            local_hostname=account.domain,
            username=account.user or None,
            password=account.password or None,
            use_tls=account.encryption == "tls",
            start_tls=account.encryption == "starttls",
            timeout=_LOGIN_SECONDS,
        )

    @property
    def is_open(self) -> bool:
        return self._smtp.is_connected

    async def __aenter__(self) -> Self:
        try:
            await self._smtp.connect()
            # The first one would be made by the library, in the middle of a mail.
            if self._smtp.is_ehlo_or_helo_needed:
                await self._smtp.ehlo()
        except SMTPAuthenticationError as refused:
            self._smtp.close()
            if refused.code // 100 == 5:
                raise LoginRefusedError(f"login refused: {MailReply.of(refused.code, refused.message)}") from refused
            raise
        except BaseException:
            self._smtp.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_open and self._smtp.protocol is not None:
            self._smtp.protocol.write(b"QUIT\r\n")  # nobody waits for the answer
        self._smtp.close()

    async def carry(self, envelope: Envelope, leave: Callable[[], bool]) -> tuple[Stage, MailReply, float]:
        """Carry one mail; return the last answer, where it was given, and how many seconds it took.

        `leave` is asked right before the last line, without which no server takes a mail (RFC 5321, 4.1.1.4). Raises
        LineLostError, or CalledBackError if `leave` said no; the line is closed then.
        """
        stage = Stage.SENDER
        try:
            for stage, words, expected in self._steps(envelope):
                reply = await self._ask(words)
                if reply.code != expected and not (stage is Stage.RECIPIENT and reply.code == 251):
                    return await self._refused(stage, reply)
            await self._write(_lines(envelope.content))
            if not leave():
                raise CalledBackError
            stage, began = Stage.END, time.monotonic()
            reply = await self._end()
            if reply.code // 100 not in {2, 4, 5} or reply.code == 421:
                self._smtp.close()
            return stage, reply, time.monotonic() - began
        except (SMTPException, OSError) as broken:
            self._smtp.close()
            raise LineLostError(stage, str(broken) or type(broken).__name__) from broken
        except BaseException:
            self._smtp.close()
            raise

    def _steps(self, envelope: Envelope) -> Sequence[tuple[Stage, bytes, int]]:
        reports = self._smtp.supports_extension("dsn")
        returning = f" RET=HDRS ENVID={envelope.push_id}" if reports else ""
        notify = f" NOTIFY=FAILURE,DELAY ORCPT=rfc822;{_xtext(envelope.recipient)}" if reports else ""
        size = f" SIZE={len(envelope.content)}" if self._smtp.supports_extension("size") else ""
        return (
            (Stage.SENDER, f"MAIL FROM:<{envelope.sender}>{size}{returning}".encode(), 250),
            (Stage.RECIPIENT, f"RCPT TO:<{envelope.recipient}>{notify}".encode(), 250),
            (Stage.DATA, b"DATA", _GO_ON),
        )

    async def _ask(self, words: bytes) -> MailReply:
        return _reply(await self._smtp.execute_command(words, timeout=self._account.answer_within))

    async def _refused(self, stage: Stage, reply: MailReply) -> tuple[Stage, MailReply, float]:
        """Be ready for the next mail after a refused one; where that fails, the line has ended, and this is all the same."""
        if self.is_open and reply.code // 100 in {4, 5}:
            try:
                await self._ask(b"RSET")
            except (SMTPException, OSError):
                self._smtp.close()
        else:
            self._smtp.close()
        return stage, reply, 0.0

    async def _write(self, octets: bytes) -> None:
        protocol = self._smtp.protocol
        if protocol is None:
            raise ConnectionResetError("connection lost")
        protocol.write(octets)
        await asyncio.sleep(0)  # a line that has ended shows it now: the mail has not left, then
        if not self.is_open:
            raise ConnectionResetError("connection lost")

    async def _end(self) -> MailReply:
        protocol = self._smtp.protocol
        if protocol is None:
            raise ConnectionResetError("connection lost")
        protocol.write(b".\r\n")
        return _reply(await protocol.read_response(timeout=self._account.answer_within))


def _reply(response: SMTPResponse) -> MailReply:
    return MailReply.of(response.code, response.message)


def _lines(content: bytes) -> bytes:
    """Return a mail as DATA has it: a line that begins with a dot gets one more (RFC 5321, 4.5.2)."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def _xtext(text: str) -> str:
    """Return printable text as a parameter of RFC 3461 has it."""
    return "".join(sign if 33 <= ord(sign) <= 126 and sign not in "+=" else f"+{ord(sign):02X}" for sign in text)
