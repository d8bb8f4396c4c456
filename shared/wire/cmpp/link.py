"""One logged-in line, the same at both ends: requests in a window, their answers, keep-alive and an orderly end."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import structlog

from shared.wire.cmpp.codec import decode, encode
from shared.wire.cmpp.errors import CmppError, DecodeError, FramingError, LineClosedError, NoAnswerError
from shared.wire.cmpp.frames import Frame, FrameCutter
from shared.wire.cmpp.pdus import (
    ActiveTest,
    ActiveTestResp,
    Cancel,
    Deliver,
    Pdu,
    Query,
    Request,
    Response,
    Submit,
    Terminate,
    TerminateResp,
)
from shared.wire.cmpp.tickets import Ticket
from shared.wire.cmpp.versions import Version

log: structlog.stdlib.BoundLogger = structlog.get_logger()

R = TypeVar("R", bound=Response)
Served = Submit | Deliver | Query | Cancel
_GOODBYE_SECONDS = 2.0
_LAST_SEQUENCE = (1 << 32) - 1
_READ_OCTETS = 1 << 16


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """The specification's W, T, C and N (§7.1); times in seconds of real time."""

    window: int = 16
    response_timeout: float = 60.0
    idle: float = 180.0
    attempts: int = 3


@dataclass(slots=True)
class _Waiting:
    """A written request whose answer is awaited; holds its place in the window until it is settled."""

    frame: bytes
    expects: type[object]
    outcome: "asyncio.Future[Response | None]"
    attempts_left: int
    in_window: bool


class Link:
    """Owns the streams from login to close, in the layouts of the `version` agreed on. `on_request` gets every SUBMIT,
    DELIVER, QUERY and CANCEL and must not block; ACTIVE_TEST and TERMINATE are answered here. `on_stray` is called for each response that
    nothing waits for: a second one, or one that is too late."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        limits: LinkLimits,
        on_request: Callable[[int, Served], None],
        version: Version = Version.CMPP_2,
        on_stray: Callable[[], None] | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._version = version
        self._on_request = on_request
        self._on_stray = on_stray
        self._loop = asyncio.get_running_loop()
        self._window = asyncio.Semaphore(limits.window)
        self._sequence = 0
        self._waiting: dict[int, _Waiting] = {}
        # When each attempt's time is over, the first one first: all have as much, so one timer does for all.
        self._due: deque[tuple[float, int]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._outgoing: list[bytes] = []
        self._heard = time.monotonic()
        self._closed = asyncio.Event()
        self.closed_because: str | None = None
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._keep_alive())]

    async def send(self, request: Served, expects: type[R], *, attempts: int = 1) -> Ticket[R]:
        """Wait for a place in the window, then write. If this raises or is cancelled, nothing was written; if it
        returns, `request` counts as written. Only with `attempts` > 1 is it written again, with the same sequence.

        Raises FieldError, or LineClosedError.
        """
        await self._window.acquire()
        try:
            await self._until_writable()
            # No await from here on: a cancellation can no longer come between the bytes and the ticket for them.
            return self._write_request(request, expects, attempts=attempts, in_window=True)
        except BaseException:
            self._window.release()
            raise

    def respond(self, sequence: int, response: Response) -> None:
        """Answer a request; on a closed line this does nothing, since nobody listens."""
        if self.closed_because is None:
            self._write(encode(response, sequence, self._version))

    def flush(self) -> None:
        """Hand all to the transport that was written in this turn of the loop; where the connection is lost, it is, too."""
        if self._outgoing and not self._writer.is_closing():
            self._writer.write(b"".join(self._outgoing))
        self._outgoing.clear()

    async def terminate(self) -> None:
        """Say goodbye, wait briefly for the answer, close."""
        if self.closed_because is None:
            farewell = self._write_request(Terminate(), TerminateResp, attempts=1, in_window=False)
            with suppress(NoAnswerError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await farewell.response()
        self.close("terminated by us")
        await self.wait_closed()

    def close(self, reason: str) -> None:
        """End the line at once; every request without an answer is settled as unanswered. Idempotent."""
        if self.closed_because is not None:
            return
        self.closed_because = reason
        for sequence in list(self._waiting):
            self._settle(sequence, None)
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self.flush()
        self._writer.close()
        self._closed.set()

    def abort(self, reason: str) -> None:
        """As `close`, but drop what the transport has not sent yet."""
        self._outgoing.clear()
        self._writer.transport.abort()
        self.close(reason)

    async def wait_closed(self) -> str:
        """Wait until the line has ended and its socket is released; return why it ended."""
        await self._closed.wait()
        await asyncio.wait([task for task in self._tasks if task is not asyncio.current_task()])
        with suppress(OSError):
            await self._writer.wait_closed()
        return self.closed_because or ""

    async def _until_writable(self) -> None:
        self._raise_if_closed()
        try:
            await self._writer.drain()
        except OSError as broken:
            self.close(f"connection lost: {broken}")
        self._raise_if_closed()

    def _raise_if_closed(self) -> None:
        if self.closed_because is not None:
            raise LineClosedError(self.closed_because)

    def _write_request(self, request: Request, expects: type[R], *, attempts: int, in_window: bool) -> Ticket[R]:
        self._sequence = sequence = self._sequence % _LAST_SEQUENCE + 1
        frame = encode(request, sequence, self._version)
        outcome: asyncio.Future[Response | None] = self._loop.create_future()
        self._waiting[sequence] = _Waiting(frame, expects, outcome, attempts, in_window)
        self._attempt(sequence)
        return Ticket(outcome, expects)

    def _attempt(self, sequence: int) -> None:
        waiting = self._waiting[sequence]
        if waiting.attempts_left == 0:
            self._settle(sequence, None)
            return
        waiting.attempts_left -= 1
        self._due.append((self._loop.time() + self._limits.response_timeout, sequence))
        if self._timer is None:
            self._timer = self._loop.call_at(self._due[0][0], self._on_due)
        self._write(waiting.frame)

    def _write(self, frame: bytes) -> None:
        """Let it leave with all else of this turn of the loop: each write would be a call of the system, and wake the peer."""
        if not self._outgoing:
            self._loop.call_soon(self.flush)
        self._outgoing.append(frame)

    def _on_due(self) -> None:
        """Try again, or give up, what was not answered in time."""
        self._timer = None
        now = self._loop.time()
        while self._due and self._due[0][0] <= now:
            _, sequence = self._due.popleft()
            if sequence in self._waiting:
                self._attempt(sequence)
        if self._due and self._timer is None:
            self._timer = self._loop.call_at(self._due[0][0], self._on_due)

    def _settle(self, sequence: int, answer: Response | None) -> None:
        waiting = self._waiting.get(sequence)
        if waiting is None or not (answer is None or isinstance(answer, waiting.expects)):
            log.warning("cmpp_response_unexpected", sequence=sequence, response=type(answer).__name__)
            if self._on_stray is not None:
                self._on_stray()
            return
        waiting.outcome.set_result(answer)
        del self._waiting[sequence]
        while self._due and self._due[0][1] not in self._waiting:
            self._due.popleft()
        if waiting.in_window:
            self._window.release()

    async def _read(self) -> None:
        reason = "a failure of ours"
        try:
            cutter = FrameCutter()
            while octets := await self._reader.read(_READ_OCTETS):
                self._heard = time.monotonic()
                for frame in cutter.cut(octets):
                    self._take(frame)
            if cutter.is_inside:
                raise FramingError("the stream ended inside a PDU")
            reason = "closed by the peer"
        except (OSError, CmppError) as broken:
            reason = f"connection lost: {broken}"
        finally:
            self.close(reason)

    def _take(self, frame: Frame) -> None:
        try:
            pdu = decode(frame, self._version)
        except DecodeError as unreadable:
            log.warning("cmpp_pdu_ignored", command=f"0x{frame.command:08x}", problem=str(unreadable))
            return
        if isinstance(pdu, Response):
            self._settle(frame.sequence, pdu)
        else:
            self._serve(frame.sequence, pdu)

    def _serve(self, sequence: int, pdu: Pdu) -> None:
        match pdu:
            case ActiveTest():
                self.respond(sequence, ActiveTestResp())
            case Terminate():
                self.respond(sequence, TerminateResp())
                self.close("terminated by the peer")
            case Submit() | Deliver() | Query() | Cancel():
                self._on_request(sequence, pdu)
            case _:
                log.warning("cmpp_pdu_ignored", command=type(pdu).__name__, problem="not expected on a line in use")

    async def _keep_alive(self) -> None:
        while True:
            quiet = time.monotonic() - self._heard
            if quiet < self._limits.idle:
                await asyncio.sleep(self._limits.idle - quiet)
                continue
            try:
                test = self._write_request(
                    ActiveTest(), ActiveTestResp, attempts=self._limits.attempts, in_window=False
                )
                await test.response()
            except NoAnswerError:
                self.close(f"no answer to {self._limits.attempts} ACTIVE_TESTs")
                return
