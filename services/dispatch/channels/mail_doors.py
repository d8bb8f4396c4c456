"""The doors at which things come back: one for mail, one for the pages behind links; each is tried until it opens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog

from services.dispatch.channels.mail import MailChannel
from services.dispatch.channels.mail_account import MailAccount
from services.dispatch.channels.mail_incoming import IncomingMail, incoming_mail_listener
from services.dispatch.channels.mail_pages import UnsubscribePages
from services.dispatch.channels.mail_watch import MailWatch
from services.dispatch.ports import IncomingMessages, Refusals
from shared.clock import Clock
from shared.web import WebListener

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_AGAIN_SECONDS = 2.0


class Door:
    """One address that is listened on. While another process has it, the worker goes on without, and says so; where that one
    ends, this one opens."""

    def __init__(
        self, name: str, consequence: str, listener: Callable[[], AbstractAsyncContextManager[object]]
    ) -> None:
        self._name = name
        self._consequence = consequence
        self._listener = listener
        self.problem = ""

    async def keep_open(self, opened: asyncio.Event) -> None:
        """Listen until cancelled; `opened` is set when it was tried for the first time."""
        while True:
            try:
                async with self._listener():
                    self.problem = ""
                    opened.set()
                    await asyncio.Event().wait()
            except Exception as failure:  # noqa: BLE001 - whatever keeps it closed, sending goes on and it is tried again
                if not self.problem:
                    log.error("mail_door_closed", door=self._name, reason=str(failure))
                why = failure.strerror if isinstance(failure, OSError) else type(failure).__name__
                self.problem = f"{self._name} cannot be listened on ({why}): {self._consequence}"
                opened.set()
                await asyncio.sleep(_AGAIN_SECONDS)


@asynccontextmanager
async def open_mail(
    account: MailAccount, incoming: IncomingMessages, refusals: Refusals, *, clock: Clock
) -> AsyncIterator[MailChannel]:
    """Open the channel with its doors; what comes back is taken before anything is sent, and for a moment after."""
    watch = MailWatch(account.patience)
    doors = _doors(account, IncomingMail(account, incoming, refusals, watch=watch), UnsubscribePages(account, refusals))
    tried = [asyncio.Event() for _ in doors]
    keeping = [asyncio.create_task(door.keep_open(event)) for door, event in zip(doors, tried, strict=True)]
    try:
        for event in tried:
            await event.wait()
        async with MailChannel(
            account, watch, doors=lambda: [door.problem for door in doors if door.problem], clock=clock
        ) as channel:
            yield channel
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)


def _doors(account: MailAccount, handler: IncomingMail, pages: UnsubscribePages) -> Sequence[Door]:
    returns, links = account.returns, account.pages
    return (
        Door(
            f"{returns.host}:{returns.port}",
            "mails that come back wait at the gateway",
            lambda: incoming_mail_listener(handler, account, host=returns.host, port=returns.port),
        ),
        Door(
            f"{links.host}:{links.port}",
            "nobody can unsubscribe by link here",
            lambda: WebListener(pages.routes(), host=links.host, port=links.port),
        ),
    )
