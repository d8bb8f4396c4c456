"""Customers' texts that come in parts: collected, and handed on when they are whole or when the rest does not come.

A part is acknowledged when it is held here, in memory: of a process that is killed, half a text is lost. What comes in one
message never passes here; it is acknowledged when it is stored, so that an opt-out of one word is never lost.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from services.dispatch.channels.sms_wire import is_part, to_reply
from services.dispatch.ports import Reply
from shared.wire.cmpp.assembly import Assembled, Assembler
from shared.wire.cmpp.pdus import Deliver

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_HELD = 1000


class PartedReplies:
    """Keeps what could not be stored, too, and tries again: the gateway will not bring the parts a second time."""

    def __init__(self, account: str, on_reply: Callable[[Reply], Awaitable[None]]) -> None:
        self._account = account
        self._on_reply = on_reply
        self._assembler = Assembler(limit=_HELD)
        self._whole: deque[Reply] = deque(maxlen=_HELD)

    async def take(self, delivers: Sequence[Deliver]) -> None:
        """Collect the parts among `delivers`, and hand on what became whole. Never raises."""
        for deliver in delivers:
            if is_part(deliver):
                self._add(self._assembler.take(deliver))
        await self._hand_on()

    async def go_on(self) -> None:
        """Hand on what waited long enough for its other parts, or for the store. Never raises."""
        self._add(self._assembler.overdue())
        await self._hand_on()

    async def end(self) -> None:
        """Hand on all that is here, whole or not, as far as the store takes it."""
        self._add(self._assembler.drain())
        await self._hand_on()
        if self._whole:
            log.error("sms_parted_replies_lost", account=self._account, count=len(self._whole))

    def _add(self, assembled: Sequence[Assembled]) -> None:
        self._whole.extend(to_reply(each.first, each.text, self._account) for each in assembled)

    async def _hand_on(self) -> None:
        while self._whole:
            reply = self._whole.popleft()
            try:
                await self._on_reply(reply)
            except Exception as failure:  # noqa: BLE001 - whatever it is, the next round tries again
                self._whole.appendleft(reply)
                log.warning("sms_parted_replies_wait", count=len(self._whole), failure=type(failure).__name__)
                return
