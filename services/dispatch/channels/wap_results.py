"""Listens for what a push gateway tells: PAP's result notifications, or Kannel's call-backs; stored before it is answered."""

import asyncio
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from services.dispatch.channels.gathering import Gathering
from services.dispatch.channels.wap_wire import Reports, WapAccount, receipt_of, to_receipt
from services.dispatch.channels.watch import GatewayWatch
from services.dispatch.ports import IncomingMessages, Receipt
from shared.web import WebListener
from shared.wire.cmpp.terminals import national_number
from shared.wire.pap import documents
from shared.wire.pap.codes import Code
from shared.wire.pap.errors import UnreadableError
from shared.wire.pap.kannel import read_report
from shared.wire.pap.messages import BadMessageResponse, PapMessage, ResultNotification, ResultNotificationResponse
from shared.wire.pap.xml import MAX_OCTETS

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_NOTIFICATIONS_PATH = "/pap/notifications"
_CALLBACKS_PATH = "/kannel/reports"
_RETRY_SECONDS = 2.0
_ACCEPTED = 202
_LOOPBACK, _EVERYWHERE = "127.0.0.1", frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound


class WapResults:
    """An async context manager that listens inside, and goes on trying where the port is taken: a push that leaves
    meanwhile is told about later, or never. `trouble` says so."""

    def __init__(self, account: WapAccount, incoming: IncomingMessages, watch: GatewayWatch) -> None:
        self._account = account
        self._watch = watch
        self._gathering = Gathering(incoming.on_receipts)
        self._path = _CALLBACKS_PATH if account.reports is Reports.KANNEL else _NOTIFICATIONS_PATH
        self._port = account.reports_port
        self._listening: asyncio.Task[None] | None = None
        self.trouble = ""

    @property
    def url(self) -> str:
        """Where the gateway is to tell."""
        host = _LOOPBACK if self._account.reports_host in _EVERYWHERE else self._account.reports_host
        return self._account.reports_url or f"http://{host}:{self._port}{self._path}"

    async def __aenter__(self) -> Self:
        if self._account.reports is not Reports.NONE:
            first = asyncio.Event()
            self._listening = asyncio.create_task(self._keep_listening(first))
            await first.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def _keep_listening(self, tried: asyncio.Event) -> None:
        account = self._account
        routes = [web.post(_NOTIFICATIONS_PATH, self._notified), web.get(_CALLBACKS_PATH, self._called_back)]
        while True:
            try:
                async with WebListener(
                    routes, host=account.reports_host, port=account.reports_port, max_body_bytes=MAX_OCTETS
                ) as listener:
                    self._port = listener.port
                    self.trouble = ""
                    tried.set()
                    await asyncio.Event().wait()
            except OSError as failure:
                self.trouble = (
                    f"what becomes of WAP pushes is not heard: cannot listen on {account.reports_host}:"
                    f"{account.reports_port} ({failure.strerror})"
                )
                log.warning("wap_listener_down", account=account.name, reason=self.trouble)
                tried.set()
                await asyncio.sleep(_RETRY_SECONDS)

    async def _notified(self, request: web.Request) -> web.Response:
        octets = await request.read()
        try:
            told = documents.read(octets)
        except UnreadableError as problem:
            return _document(documents.answer_to_unreadable(octets, problem))
        if not isinstance(told, ResultNotification):
            return _document(BadMessageResponse(Code.NOT_IMPLEMENTED, "a result notification expected"))
        code = await self._take(told)
        if code is None:
            return web.Response(status=503)
        return _document(ResultNotificationResponse(told.push_id, told.address, code, code.name.lower()))

    async def _take(self, told: ResultNotification) -> Code | None:
        """Store a notification, and return the code to answer; None if it must come again."""
        if not told.push_id.endswith(f"@{self._account.initiator}"):
            return Code.PUSH_ID_NOT_FOUND
        if not told.message_state.is_final:
            return Code.OK
        receipt = to_receipt(told, self._account.name)
        if receipt is None:
            return Code.ADDRESS_ERROR
        return Code.OK if await self._stored(receipt) else None

    async def _called_back(self, request: web.Request) -> web.Response:
        try:
            report = read_report(request.query)
        except UnreadableError as problem:
            return web.Response(status=400, text=str(problem))
        if report.state.is_final:
            number = national_number(report.number) or ""
            if not await self._stored(receipt_of(self._account.name, report.push_id, number, report.state)):
                return web.Response(status=503)
        return web.Response(text="ok")

    async def _stored(self, receipt: Receipt) -> bool:
        try:
            await self._gathering.take(receipt)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the gateway tells it again
            log.warning("wap_result_not_stored", failure=type(failure).__name__)
            return False
        self._watch.reported([receipt])
        return True


def _document(message: PapMessage) -> web.Response:
    return web.Response(status=_ACCEPTED, body=documents.write(message), content_type=documents.CONTENT_TYPE)
