"""Posts documents to a push gateway, and knows of each whether any octet of it may have left."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace, TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp

from shared.wire.pap.endpoints import Endpoint, HttpAnswer
from shared.wire.pap.errors import GarbledError, LineCutError, NoAnswerError, NotSentError, PapError
from shared.wire.pap.xml import MAX_OCTETS

_SKIPPED = ("Accept", "Accept-Encoding", "User-Agent")
_KEPT_SECONDS = 10.0
"""How long an idle connection is kept: less than gateways do, or the next request meets one that is being closed."""


@dataclass(slots=True)
class _Trip:
    """What is known of one request: nothing has left before it had a connection."""

    connected: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has been written, or never will be."""


class Posting:
    """One request under way."""

    def __init__(self, trip: _Trip, task: "asyncio.Task[HttpAnswer]") -> None:
        self._trip = trip
        self._task = task
        task.add_done_callback(self._ended)

    @property
    def may_have_left(self) -> bool:
        """Whether any octet of it may have left; certain once `settled` has returned."""
        return self._trip.connected

    async def settled(self) -> None:
        """Wait until it has been written, or is known not to be."""
        await self._trip.settled.wait()

    async def stop(self) -> None:
        """End it, unless it has been written."""
        if not self._trip.settled.is_set():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def answer(self) -> HttpAnswer:
        """Raises NotSentError if no octet has left, NoAnswerError if some may have."""
        await asyncio.wait([self._task])
        failure = TimeoutError("given up") if self._task.cancelled() else self._task.exception()
        if failure is None:
            return self._task.result()
        told = _told(failure)
        raise (told if self._trip.connected else NotSentError(str(told))) from failure

    def _ended(self, task: "asyncio.Task[HttpAnswer]") -> None:
        """Look at the failure, if any: whoever gave up waiting for the answer will not."""
        if not task.cancelled():
            task.exception()
        self._trip.settled.set()


class PpgClient:
    """An HTTP client for one gateway. An async context manager: on leaving, requests under way are ended."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint: Final = endpoint
        self._tasks: set[asyncio.Task[HttpAnswer]] = set()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_SECONDS),
            timeout=aiohttp.ClientTimeout(total=None),
            headers=_authorization(self.endpoint),
            skip_auto_headers=_SKIPPED,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trace_configs=[_tracing()],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._session.close()

    def post(self, content_type: str, body: bytes, *, headers: Mapping[str, str] | None = None) -> Posting:
        """Start a request, once: it is never repeated. What headers it has may travel to the telephone, so that there are
        none but those that HTTP needs, and `headers`."""
        trip = _Trip()
        task = asyncio.create_task(self._exchange(trip, {"Content-Type": content_type, **(headers or {})}, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Posting(trip, task)

    async def reach(self) -> None:
        """Connect and hang up, to see whether anybody listens. Raises OSError or TimeoutError."""
        url = urlsplit(self.endpoint.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        async with asyncio.timeout(self.endpoint.connect_within):
            _, writer = await asyncio.open_connection(url.hostname, port)
        writer.close()

    async def _exchange(self, trip: _Trip, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        timeout = aiohttp.ClientTimeout(total=self.endpoint.answer_within, connect=self.endpoint.connect_within)
        async with self._session.post(
            self.endpoint.url,
            data=body,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            trace_request_ctx=trip,
        ) as response:
            return HttpAnswer(response.status, await _bounded(response.content))


async def _bounded(stream: aiohttp.StreamReader) -> bytes:
    """Read a body to its end. Raises GarbledError for one that is larger than any document."""
    body = b""
    async for piece in stream.iter_any():
        body += piece
        if len(body) > MAX_OCTETS:
            raise GarbledError(f"an answer of more than {MAX_OCTETS} octets")
    return body


def _tracing() -> aiohttp.TraceConfig:
    """Return what notes that a request got a connection, and that it was written."""

    async def connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connected = True

    async def written(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.settled.set()

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(connected)
    tracing.on_connection_reuseconn.append(connected)
    tracing.on_request_chunk_sent.append(written)
    return tracing


def _authorization(endpoint: Endpoint) -> dict[str, str]:
    if not endpoint.username:
        return {}
    return {"Authorization": aiohttp.encode_basic_auth(endpoint.username, endpoint.password)}


def _told(failure: BaseException) -> PapError:
    """Return what became of a request that had a connection. What the gateway said is not repeated: it may name customers."""
    match failure:
        case PapError():
            return failure
        case TimeoutError():
            return NoAnswerError("no answer before the time limit")
        case aiohttp.ClientConnectorError():
            return LineCutError(f"cannot connect: {failure.os_error.strerror or type(failure.os_error).__name__}")
        case aiohttp.ClientPayloadError():
            return LineCutError("the gateway cut the connection in the middle of its answer")
        case aiohttp.ClientConnectionError() | OSError():
            return LineCutError("the gateway cut the connection before it answered")
        case aiohttp.ClientError() | ValueError():
            return GarbledError("the gateway answered what is no HTTP")
        case _:
            raise failure
