"""What comes back of a mail: bounces and answers by SMTP, unsubscribing by a POST; each is tried until it is taken."""

import asyncio
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from types import TracebackType
from typing import Self

import aiohttp
import structlog
from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from services.sandbox.mail.mailbox import Mail
from shared.clock import Clock

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_DOMAIN = "139.com"
_NOBODY = "<>"
_AGAIN_SECONDS = 0.5
_TIMEOUT_SECONDS = 15.0
_REPORT = """\
From: Mail Delivery System <MAILER-DAEMON@{domain}>
To: {sender}
Subject: Undelivered Mail Returned to Sender
Date: {date}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="report"

--report
Content-Type: text/plain; charset=utf-8

The mail could not be delivered: {status}
--report
Content-Type: message/delivery-status

Reporting-MTA: dns; {domain}

Final-Recipient: rfc822; {recipient}
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such mailbox

--report
Content-Type: text/rfc822-headers

Message-ID: <{message_id}>
--report--
"""


class Returning:
    """Brings things back while entered, in the background; `port` is where the sender's domain takes its mail."""

    def __init__(self, *, host: str, port: int, clock: Clock) -> None:
        self._host = host
        self._port = port
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers = 0

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.close()

    def bounce(self, mail: Mail, status: str, *, after: float, times: int = 1) -> None:
        """Send the report that a mail was not delivered, from nobody to its envelope's sender (RFC 3464)."""
        report = _REPORT.format(
            domain=_DOMAIN,
            sender=mail.sender,
            date=format_datetime(self._clock.now()),
            status=status,
            recipient=f"{mail.msisdn}@{_DOMAIN}",
            message_id=mail.message_id,
        )
        octets = report.replace("\n", "\r\n").encode()
        for _ in range(times):
            self._begin(partial(self._post, _NOBODY, mail.sender, octets), after)

    def answer(self, mail: Mail, words: str, *, after: float) -> None:
        """Let the reader answer the mail."""
        self._answers += 1
        answer = EmailMessage()
        answer["From"], answer["To"] = f"{mail.msisdn}@{_DOMAIN}", mail.reply_to
        answer["Subject"], answer["Date"] = f"Re: {mail.subject}", format_datetime(self._clock.now())
        answer["Message-ID"] = f"<{self._answers}.{mail.msisdn}@{_DOMAIN}>"
        quoted = "\n".join(f"> {line}" for line in mail.text.splitlines())
        answer.set_content(f"{words}\n\n{quoted}\n", cte="base64")
        self._begin(partial(self._post, f"{mail.msisdn}@{_DOMAIN}", mail.reply_to, answer.as_bytes()), after)

    def unsubscribe(self, mail: Mail, *, after: float) -> None:
        """Let the reader's program unsubscribe, as RFC 8058 has it, where the mail says how."""
        if mail.unsubscribe:
            self._begin(partial(self._click, mail.unsubscribe), after)

    def _begin(self, attempt: Callable[[], Awaitable[bool]], after: float) -> None:
        task = asyncio.create_task(self._until_taken(attempt, after))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_taken(self, attempt: Callable[[], Awaitable[bool]], after: float) -> None:
        await asyncio.sleep(after)
        while True:
            try:
                if await attempt():
                    return
            except (OSError, SMTPException, aiohttp.ClientError, TimeoutError) as failure:
                log.warning("mail_waits_to_return", failure=type(failure).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _post(self, sender: str, recipient: str, octets: bytes) -> bool:
        """Hand one mail over; what is refused for good is given up, as a server does with its own reports."""
        envelope_sender = "" if sender == _NOBODY else sender
        async with SMTP(hostname=self._host, port=self._port, timeout=_TIMEOUT_SECONDS, start_tls=False) as smtp:
            try:
                await smtp.ehlo()
                await smtp.execute_command(f"MAIL FROM:<{envelope_sender}>".encode())
                await smtp.rcpt(recipient)
                await smtp.data(octets)
            except SMTPResponseException as refused:
                log.warning("mail_not_returned", code=refused.code)
                return refused.code // 100 == 5
        return True

    async def _click(self, link: str) -> bool:
        async with self._http.post(link, data={"List-Unsubscribe": "One-Click"}) as answer:
            if answer.status >= 400:
                log.warning("unsubscribe_refused", status=answer.status)
            return answer.status < 500
