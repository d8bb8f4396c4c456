"""The SP's end of a line: login, submits, and what the gateway delivers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from shared.clock import Clock
from shared.wire.cmpp.errors import LoginRefusedError
from shared.wire.cmpp.link import Link, LinkLimits, Served
from shared.wire.cmpp.login import VERSION_TOO_HIGH, Credentials, log_in
from shared.wire.cmpp.pdus import (
    Cancel,
    CancelResp,
    Deliver,
    DeliverResp,
    Query,
    QueryResp,
    Submit,
    SubmitResp,
)
from shared.wire.cmpp.tickets import Ticket
from shared.wire.cmpp.times import login_timestamp
from shared.wire.cmpp.versions import Version

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DeliverHandler = Callable[[Sequence[Deliver]], Awaitable[None]]
SubmitTicket = Ticket[SubmitResp]

_RESULT_OK, _RESULT_FLOW_CONTROL = 0, 8
_DELIVERS_HELD = 256


class ClientSession:
    """A logged-in line. DELIVERs are handed on in their order, several at once where they queue, and acknowledged
    only when the handler has returned; where it raises they stay unacknowledged, and the gateway brings them again."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        on_delivers: DeliverHandler,
        limits: LinkLimits,
        version: Version = Version.CMPP_2,
        on_stray: Callable[[], None] | None = None,
    ) -> None:
        self.version = version
        self._on_delivers = on_delivers
        self._batch = limits.window
        # Reading goes on while a handler waits: else a handler that waits for a sender, which waits for an answer, would
        # wait forever.
        self._delivers: asyncio.Queue[tuple[int, Deliver]] = asyncio.Queue(_DELIVERS_HELD)
        self._link = Link(reader, writer, limits=limits, on_request=self._hold, version=version, on_stray=on_stray)
        self._handling = asyncio.create_task(self._handle())

    @property
    def is_open(self) -> bool:
        return self._link.closed_because is None

    async def submit(self, pdu: Submit) -> SubmitTicket:
        """Write once, never again. If this raises or is cancelled, nothing was written; a ticket means written.

        Raises FieldError, or LineClosedError.
        """
        return await self._link.send(pdu, SubmitResp)

    async def cancel(self, msg_id: int) -> Ticket[CancelResp]:
        """Ask the gateway to take a message back that it has not passed on. Raises LineClosedError."""
        return await self._link.send(Cancel(msg_id), CancelResp)

    async def query(self, query: Query) -> Ticket[QueryResp]:
        """Ask for the counts of one day. Raises FieldError, or LineClosedError."""
        return await self._link.send(query, QueryResp)

    async def wait_closed(self) -> str:
        """Wait until the line has ended, for whatever reason, and return that reason."""
        reason = await self._link.wait_closed()
        self._handling.cancel()
        await asyncio.wait([self._handling])
        return reason

    async def close(self) -> None:
        """Say TERMINATE and close. Submits without an answer by then are settled as unanswered."""
        await self._link.terminate()
        await self.wait_closed()

    def _hold(self, sequence: int, pdu: Served) -> None:
        if not isinstance(pdu, Deliver):
            log.warning("cmpp_pdu_ignored", command=type(pdu).__name__, problem="a gateway does not ask for that")
        elif self._delivers.full():
            self._link.respond(sequence, DeliverResp(pdu.msg_id, _RESULT_FLOW_CONTROL))
        else:
            self._delivers.put_nowait((sequence, pdu))

    async def _handle(self) -> None:
        while True:
            held = [await self._delivers.get()]
            while len(held) < self._batch and not self._delivers.empty():
                held.append(self._delivers.get_nowait())
            try:
                await self._on_delivers([deliver for _, deliver in held])
            except Exception as failure:  # noqa: BLE001 - whatever it is, the line lives and the gateway asks again
                log.error("cmpp_delivers_not_handled", count=len(held), failure=type(failure).__name__)
                continue
            for sequence, deliver in held:
                self._link.respond(sequence, DeliverResp(deliver.msg_id, _RESULT_OK))


async def connect(
    host: str,
    port: int,
    credentials: Credentials,
    *,
    on_delivers: DeliverHandler,
    clock: Clock,
    limits: LinkLimits,
    within: float = 10.0,
    on_stray: Callable[[], None] | None = None,
) -> ClientSession:
    """Open a line and log in, within so many seconds of real time. A gateway that finds 3.0 too high is asked once more,
    over a new connection, for 2.0. `on_stray`: see `Link`.

    Raises LoginRefusedError, GatewayUnprovenError, LineClosedError, DecodeError, OSError or TimeoutError.
    """
    timestamp = login_timestamp(clock.now())
    async with asyncio.timeout(within):
        try:
            reader, writer, version = await _open(host, port, credentials, timestamp)
        except LoginRefusedError as refused:
            if refused.status != VERSION_TOO_HIGH or credentials.version is Version.CMPP_2:
                raise
            log.warning("cmpp_gateway_refuses_version", sp_id=credentials.sp_id, refused="3.0", asking="2.0")
            older = replace(credentials, version=Version.CMPP_2)
            reader, writer, version = await _open(host, port, older, timestamp)
    return ClientSession(reader, writer, on_delivers=on_delivers, limits=limits, version=version, on_stray=on_stray)


async def _open(
    host: str, port: int, credentials: Credentials, timestamp: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Version]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        return reader, writer, await log_in(reader, writer, credentials, timestamp)
    except BaseException:
        writer.close()
        raise
