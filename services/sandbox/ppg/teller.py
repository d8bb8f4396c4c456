"""Tells push initiators what became of their pushes, until they say that they know."""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import structlog

from shared.wire.pap import documents
from shared.wire.pap.client import PpgClient
from shared.wire.pap.endpoints import Endpoint
from shared.wire.pap.errors import PapError
from shared.wire.pap.messages import ResultNotification, ResultNotificationResponse

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_ATTEMPTS = 12
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_ANSWER_SECONDS = 10.0
_AT_ONCE = 32


class Teller:
    """An async context manager; what is still to be told at its end is never told."""

    def __init__(self) -> None:
        self._clients: dict[str, PpgClient] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> Self:
        self._closing = AsyncExitStack()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._telling:
            task.cancel()
        if self._telling:
            await asyncio.wait(self._telling)
        await self._closing.aclose()

    def tell(self, url: str, notification: ResultNotification) -> None:
        """Tell it in the background."""
        task = asyncio.create_task(self._tell(url, notification))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, url: str, notification: ResultNotification) -> None:
        body = documents.write(notification)
        for attempt in range(_ATTEMPTS):
            async with self._turns:
                if await self._is_known(url, body):
                    return
            await asyncio.sleep(min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE))
        log.warning("push_result_not_taken", push_id=notification.push_id)

    async def _is_known(self, url: str, body: bytes) -> bool:
        client = await self._client(url)
        try:
            answer = documents.read((await client.post(documents.CONTENT_TYPE, body).answer()).body)
        except PapError:
            return False
        return isinstance(answer, ResultNotificationResponse) and 1000 <= answer.code < 2000

    async def _client(self, url: str) -> PpgClient:
        if url not in self._clients:
            self._clients[url] = PpgClient(Endpoint(url, answer_within=_ANSWER_SECONDS))
            await self._closing.enter_async_context(self._clients[url])
        return self._clients[url]
