"""What waits at the gateway for an SP, and brings it over whichever of the SP's lines is open, until acknowledged."""

import asyncio
from collections.abc import Callable
from functools import partial

from shared.wire.cmpp.errors import LineClosedError
from shared.wire.cmpp.link import Link
from shared.wire.cmpp.pdus import Deliver, DeliverResp

_AGAIN_SECONDS = 1.0


class PostBox:
    """Reports and messages for one SP. What an SP does not acknowledge comes again, on this line or the next; `brought` is
    told of what it does."""

    def __init__(self, *, brought: Callable[[Deliver], None] | None = None) -> None:
        self._brought = brought
        self._waiting: asyncio.Queue[Deliver] = asyncio.Queue()

    def post(self, deliver: Deliver) -> None:
        self._waiting.put_nowait(deliver)

    async def bring(self, link: Link, *, attempts: int) -> None:
        """Deliver over `link` until it closes. Several lines of one SP share the work."""
        while True:
            deliver = await self._waiting.get()
            try:
                ticket = await link.send(deliver, DeliverResp, attempts=attempts)
            except LineClosedError:
                self.post(deliver)
                return
            except BaseException:
                self.post(deliver)
                raise
            ticket.when_settled(partial(self._settle, deliver))

    def _settle(self, deliver: Deliver, answer: DeliverResp | None) -> None:
        if answer is None:
            self.post(deliver)
        elif answer.result != 0:
            asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self.post, deliver)
        elif self._brought is not None:
            self._brought(deliver)
