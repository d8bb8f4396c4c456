"""The gateway's lines: logs SPs in, and carries messages between them and the exchange."""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

from services.sandbox.gateway.admission import GatewayAccount
from services.sandbox.gateway.audience import Audience
from services.sandbox.gateway.exchange import Answer, Exchange
from services.sandbox.gateway.faults import Faults
from services.sandbox.gateway.journal import Journal
from shared.clock import Clock
from shared.wire.cmpp.auth import ismg_authenticator, source_authenticator
from shared.wire.cmpp.codec import decode, encode
from shared.wire.cmpp.errors import CmppError
from shared.wire.cmpp.frames import read_frame
from shared.wire.cmpp.link import Link, LinkLimits, Served
from shared.wire.cmpp.pdus import Cancel, Connect, ConnectResp, Deliver, Query, Submit, SubmitResp
from shared.wire.cmpp.versions import Version

log: structlog.stdlib.BoundLogger = structlog.get_logger()

HOST = "127.0.0.1"
_LOGIN_SECONDS = 10.0


class Gateway:
    """An ISMG on loopback. An async context manager: listens inside, says TERMINATE to every line at the end.

    An SP may hold several lines. What is due to an SP without a line waits for its next one; it waits in memory, so that
    of a gateway that is killed only the journal remains.
    """

    def __init__(
        self,
        accounts: Sequence[GatewayAccount],
        audience: Audience,
        *,
        journal: Journal,
        clock: Clock,
        port: int = 0,
        number: int = 571001,
        limits: LinkLimits | None = None,
    ) -> None:
        self._exchange = Exchange(accounts, audience, journal=journal, clock=clock, number=number)
        self._port = port
        self._limits = limits or LinkLimits()
        self._links: set[Link] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port listened on; where 0 was asked for, the one that the system chose."""
        return self._port

    @property
    def connections(self) -> int:
        """How many lines are logged in."""
        return len(self._links)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self._reacting = asyncio.create_task(self._exchange.react())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await asyncio.gather(*(link.terminate() for link in list(self._links)))
        remaining = [self._reacting, *self._serving]
        for task in remaining:
            task.cancel()
        await asyncio.wait(remaining)

    def misbehave(self, faults: Faults) -> None:
        """Misbehave like this from now on; `Faults()` ends it."""
        self._exchange.set_faults(faults)

    def cut_lines(self) -> None:
        """Reset every connection, as a gateway does that falls over."""
        for link in list(self._links):
            link.abort("cut by the gateway")

    def post_reply(self, sp_id: str, msisdn: str, text: str) -> None:
        """Let the holder of `msisdn` write to the SP, unasked."""
        account = self._exchange.accounts[sp_id]
        self._exchange.post_reply(account, msisdn, text, dest_id=account.src_id)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            admitted = await self._log_in(reader, writer)
            if admitted is not None:
                await self._keep(*admitted, reader, writer)
        except (OSError, CmppError, TimeoutError) as failure:
            log.warning("gateway_login_failed", failure=str(failure))
        finally:
            writer.close()

    async def _log_in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[GatewayAccount, Version] | None:
        async with asyncio.timeout(_LOGIN_SECONDS):
            frame = await read_frame(reader)
        if frame is None:
            return None
        connect = decode(frame)
        if not isinstance(connect, Connect):
            raise CmppError(f"{type(connect).__name__} before CONNECT")
        account = self._exchange.accounts.get(connect.source_addr)
        status = _login_status(connect, account)
        if account is None or status != 0:
            writer.write(encode(ConnectResp(status, version=_highest(account)), frame.sequence, _highest(account)))
            return None
        version = Version.of(connect.version)
        octets = 4 if version is Version.CMPP_3 else 1
        proof = ismg_authenticator(status, connect.authenticator_source, account.secret, status_octets=octets)
        writer.write(encode(ConnectResp(status, proof, account.version), frame.sequence, version))
        return account, version

    async def _keep(
        self,
        account: GatewayAccount,
        version: Version,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        def take(sequence: int, pdu: Served) -> None:
            match pdu:
                case Submit():
                    self._answer(self._exchange.take(account, pdu, version), line, sequence)
                case Query():
                    link.respond(sequence, self._exchange.query(account, pdu))
                case Cancel():
                    link.respond(sequence, self._exchange.cancel(account, pdu))
                case Deliver():
                    log.warning("gateway_pdu_ignored", command="Deliver", problem="only a gateway delivers")

        link = Link(reader, writer, limits=self._limits, on_request=take, version=version)
        line = _Line(link, writer, version)
        self._links.add(link)
        post = self._exchange.post[account.sp_id]
        bringing = asyncio.create_task(post.bring(link, attempts=self._limits.attempts))
        try:
            log.info("gateway_line_closed", sp_id=account.sp_id, reason=await link.wait_closed())
        finally:
            link.close("gateway stopped")
            self._links.discard(link)
            bringing.cancel()
            await asyncio.wait([bringing])

    def _answer(self, answer: Answer, line: "_Line", sequence: int) -> None:
        if answer.cut:
            line.cut(answer.response, sequence)
        elif answer.response is not None:
            for _ in range(answer.times):
                self._respond(line.link, sequence, answer.response, answer.after)

    def _respond(self, link: Link, sequence: int, response: SubmitResp, after: float) -> None:
        if after:
            asyncio.get_running_loop().call_later(after, link.respond, sequence, response)
        else:
            link.respond(sequence, response)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with what is below it, to break it off in the middle of a frame."""

    link: Link
    writer: asyncio.StreamWriter
    version: Version

    def cut(self, half_of: SubmitResp | None, sequence: int) -> None:
        """End the line: with half of an answer where there is one, else by a reset."""
        if half_of is None:
            self.link.abort("cut by the gateway")
            return
        frame = encode(half_of, sequence, self.version)
        self.link.flush()
        self.writer.write(frame[: len(frame) // 2])
        self.link.close("cut by the gateway")


def _login_status(connect: Connect, account: GatewayAccount | None) -> int:
    if account is None:
        return 2
    expected = source_authenticator(account.sp_id, account.secret, connect.timestamp)
    if not hmac.compare_digest(expected, connect.authenticator_source):
        return 3
    return 4 if Version.of(connect.version) > account.version else 0


def _highest(account: GatewayAccount | None) -> Version:
    """Return the version in whose layout a login is refused: an unknown SP is told in the one that everybody reads."""
    return account.version if account else Version.CMPP_2
