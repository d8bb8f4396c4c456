"""Stores receipts that come one by one together, as many as came while the store was busy."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from services.dispatch.ports import Receipt

_AT_ONCE = 500


class Gathering:
    """Hands receipts on in the order in which they came, one call at a time."""

    def __init__(self, store: Callable[[Sequence[Receipt]], Awaitable[None]]) -> None:
        self._store = store
        self._waiting: list[tuple[Receipt, asyncio.Future[None]]] = []
        self._storing: asyncio.Task[None] | None = None

    async def take(self, receipt: Receipt) -> None:
        """Return when it is stored; raise what the store raised."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((receipt, stored))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all())
        await stored

    async def _store_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            failure: Exception | None = None
            try:
                await self._store([receipt for receipt, _ in batch])
            except Exception as raised:  # noqa: BLE001 - told to everybody who waits for it
                failure = raised
            for _, stored in batch:
                if not stored.done():
                    stored.set_result(None) if failure is None else stored.set_exception(failure)
        self._storing = None
