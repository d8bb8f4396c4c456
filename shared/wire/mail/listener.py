"""An SMTP server on one socket of ours, around aiosmtpd's protocol; what it does with a mail is its handler's."""

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP

_LOG = "mail.log"


class SmtpListener:
    """Listens while entered, speaking what `protocol` makes for each connection. At the end it closes every connection,
    also in the middle of a mail: what has no answer was not taken."""

    def __init__(self, protocol: Callable[[], SMTP], *, host: str, port: int) -> None:
        # aiosmtpd logs every command with the addresses in it, and our addresses are numbers of customers.
        logging.getLogger(_LOG).setLevel(logging.CRITICAL)
        self._protocol = protocol
        self._host = host
        self._port = port
        self._sessions: set[SMTP] = set()

    @property
    def port(self) -> int:
        """The port listened on; where 0 was asked for, the one that the system chose."""
        return self._port

    async def __aenter__(self) -> Self:
        """Raises OSError if the address cannot be listened on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accepted, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut_lines()
        tasks = [task for session in self._sessions if (task := _task_of(session)) is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._sessions.clear()

    def cut_lines(self) -> None:
        """Reset every connection."""
        for session in self._sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.abort()

    def _accepted(self) -> SMTP:
        self._sessions = {session for session in self._sessions if not _has_ended(session)}
        session = self._protocol()
        self._sessions.add(session)
        return session


def _task_of(session: SMTP) -> asyncio.Task[None] | None:
    return session._handler_coroutine  # noqa: SLF001 - aiosmtpd has no other way to wait for a connection's end


def _has_ended(session: SMTP) -> bool:
    task = _task_of(session)
    return task is not None and task.done()
