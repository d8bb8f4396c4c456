"""The push gateway's HTTP: who may push, what is answered, and how answers go wrong."""

import asyncio
import hmac
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import structlog
from aiohttp import encode_basic_auth, web

from services.sandbox.ppg.audience import PushAudience
from services.sandbox.ppg.desk import PushDesk
from services.sandbox.ppg.faults import PpgFaults
from services.sandbox.ppg.journal import PushJournal
from services.sandbox.ppg.teller import Teller
from shared.clock import Clock
from shared.web import WebListener
from shared.wire.pap import documents
from shared.wire.pap.codes import Code
from shared.wire.pap.errors import UnreadableError
from shared.wire.pap.messages import BadMessageResponse, CancelMessage, PapMessage, PushResponse
from shared.wire.pap.multipart import MAX_BODY, read_push

log: structlog.stdlib.BoundLogger = structlog.get_logger()

HOST = "127.0.0.1"
PATH = "/wappush"
_ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class PpgAccount:
    """A push initiator known to the gateway."""

    username: str
    password: str = field(repr=False)


class PushGateway:
    """A PPG on loopback. An async context manager: listens inside. What it took is in memory, so that of a gateway that is
    killed only the journal remains."""

    def __init__(
        self, account: PpgAccount, audience: PushAudience, *, journal: PushJournal, clock: Clock, port: int = 0
    ) -> None:
        self._authorization = encode_basic_auth(account.username, account.password)
        self._teller = Teller()
        self._desk = PushDesk(audience, self._teller, journal=journal, clock=clock)
        self._listener = WebListener([web.post(PATH, self._posted)], host=HOST, port=port, max_body_bytes=MAX_BODY)
        self._ending = asyncio.Event()

    @property
    def port(self) -> int:
        """The port listened on; where 0 was asked for, the one that the system chose."""
        return self._listener.port

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}{PATH}"

    async def __aenter__(self) -> Self:
        self._closing = AsyncExitStack()
        await self._closing.enter_async_context(self._teller)
        await self._closing.enter_async_context(self._listener)
        self._reacting = asyncio.create_task(self._desk.react())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._reacting.cancel()
        await asyncio.wait([self._reacting])
        await self._closing.aclose()

    def misbehave(self, faults: PpgFaults) -> None:
        """Misbehave like this from now on; `PpgFaults()` ends it."""
        self._desk.set_faults(faults)

    async def _posted(self, request: web.Request) -> web.StreamResponse:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._authorization.encode()):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="push"'})
        octets = await request.read()
        try:
            if request.content_type.startswith("multipart/"):
                taken = self._desk.take(read_push(request.headers["Content-Type"], octets))
                return await self._answered(request, taken)
            message = documents.read(octets)
        except UnreadableError as problem:
            return _document(documents.answer_to_unreadable(octets, problem))
        if isinstance(message, CancelMessage):
            return _document(self._desk.cancel(message))
        return _document(BadMessageResponse(Code.NOT_IMPLEMENTED, f"{type(message).__name__} is not understood here"))

    async def _answered(self, request: web.Request, response: PushResponse) -> web.StreamResponse:
        """Answer a push as the faults of the moment have it."""
        faults, nth = self._desk.faults, self._desk.pushes
        if nth == faults.cut_at:
            return await self._cut(request, response, half=faults.cut_mid_answer)
        if nth <= faults.silent_first:
            await self._ending.wait()
        await asyncio.sleep(faults.answer_after + (faults.odd_answers_after if nth % 2 else 0))
        if nth <= faults.garble_first:
            return web.Response(status=200, body=b"<html>\xff\x00 it works", content_type="text/html")
        if nth <= faults.throttle_first and nth % 2 == 0:
            return web.Response(status=503)
        return _document(response)

    async def _cut(self, request: web.Request, response: PushResponse, *, half: bool) -> web.StreamResponse:
        body = documents.write(response)
        answer = web.StreamResponse(headers={"Content-Length": str(len(body))})
        if half:
            await answer.prepare(request)
            await answer.write(body[: len(body) // 2])
        if request.transport is not None:
            request.transport.close() if half else request.transport.abort()
        return answer


def _document(message: PapMessage) -> web.Response:
    return web.Response(status=_ACCEPTED, body=documents.write(message), content_type=documents.CONTENT_TYPE)
