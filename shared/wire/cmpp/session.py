"""The SP's end of a line: login, submits, and what the gateway delivers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from shared.clock import Clock
from shared.wire.cmpp.auth import is_ismg_authentic, source_authenticator
from shared.wire.cmpp.codec import decode, encode
from shared.wire.cmpp.errors import DecodeError, LineClosedError, LoginRefusedError
from shared.wire.cmpp.frames import read_frame
from shared.wire.cmpp.link import Link, LinkLimits, Ticket
from shared.wire.cmpp.pdus import Connect, ConnectResp, Deliver, DeliverResp, Submit, SubmitResp
from shared.wire.cmpp.times import login_timestamp

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DeliverHandler = Callable[[Sequence[Deliver]], Awaitable[None]]
SubmitTicket = Ticket[SubmitResp]

_RESULT_OK, _RESULT_FLOW_CONTROL = 0, 8
_DELIVERS_HELD = 256


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in: the six-character SP id and the secret shared with the gateway."""

    sp_id: str
    secret: str = field(repr=False)


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
    ) -> None:
        self._on_delivers = on_delivers
        self._batch = limits.window
        # Reading goes on while a handler waits: else a handler that waits for a sender, which waits for an answer, would
        # wait forever.
        self._delivers: asyncio.Queue[tuple[int, Deliver]] = asyncio.Queue(_DELIVERS_HELD)
        self._link = Link(reader, writer, limits=limits, on_request=self._hold)
        self._handling = asyncio.create_task(self._handle())

    @property
    def is_open(self) -> bool:
        return self._link.closed_because is None

    async def submit(self, pdu: Submit) -> SubmitTicket:
        """Write once, never again. If this raises or is cancelled, nothing was written; a ticket means written.

        Raises FieldError, or LineClosedError.
        """
        return await self._link.send(pdu, SubmitResp)

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

    def _hold(self, sequence: int, pdu: Submit | Deliver) -> None:
        if not isinstance(pdu, Deliver):
            log.warning("cmpp_pdu_ignored", command=type(pdu).__name__, problem="a gateway does not submit")
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
) -> ClientSession:
    """Open a line and log in, within so many seconds of real time.

    Raises LoginRefusedError, LineClosedError, DecodeError, OSError or TimeoutError. A gateway that does not prove that
    it knows the secret is used all the same, with a warning: too many compute the proof in their own way.
    """
    async with asyncio.timeout(within):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            await _log_in(reader, writer, credentials, login_timestamp(clock.now()))
        except BaseException:
            writer.close()
            raise
    return ClientSession(reader, writer, on_delivers=on_delivers, limits=limits)


async def _log_in(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, credentials: Credentials, timestamp: int
) -> None:
    authenticator = source_authenticator(credentials.sp_id, credentials.secret, timestamp)
    writer.write(encode(Connect(credentials.sp_id, authenticator, timestamp), sequence=0))
    frame = await read_frame(reader)
    if frame is None:
        raise LineClosedError("the gateway closed the connection instead of answering CONNECT")
    answer = decode(frame)
    if not isinstance(answer, ConnectResp):
        raise DecodeError(f"{type(answer).__name__} instead of an answer to CONNECT")
    if answer.status != 0:
        raise LoginRefusedError(answer.status)
    if not is_ismg_authentic(answer.authenticator_ismg, answer.status, authenticator, credentials.secret):
        log.warning("cmpp_gateway_not_authenticated", sp_id=credentials.sp_id)
