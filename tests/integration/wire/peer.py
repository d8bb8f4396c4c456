"""The other end of a line, played by hand: a gateway that does exactly what a test tells it to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.wire.cmpp.auth import ismg_authenticator
from shared.wire.cmpp.codec import decode, encode
from shared.wire.cmpp.errors import CmppError
from shared.wire.cmpp.frames import Frame, read_frame
from shared.wire.cmpp.pdus import Connect, ConnectResp, Pdu
from shared.wire.cmpp.versions import Version

SECRET = "888888"  # noqa: S105 - shared with nobody but the tests


@dataclass
class HandPlayedGateway:
    """Answers CONNECT with `status`, or with `instead`, and nothing else by itself. Speaks one `version`, and finds a
    higher one too high if `refuses_higher`."""

    status: int = 0
    version: Version = Version.CMPP_2
    refuses_higher: bool = False
    proves_itself: bool = True
    logins: list[Connect] = field(default_factory=list)
    instead: bytes | None = None
    port: int = 0
    frames: list[Frame] = field(default_factory=list)
    pdus: list[Pdu] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    _writer: asyncio.StreamWriter | None = None

    @property
    def writer(self) -> asyncio.StreamWriter:
        assert self._writer is not None
        return self._writer

    def say(self, pdu: Pdu, sequence: int = 1) -> None:
        self.writer.write(encode(pdu, sequence, self.version))

    def heard(self, kind: type[Pdu]) -> list[int]:
        """Return the sequence numbers of the PDUs of this kind, in the order heard."""
        return [frame.sequence for frame, pdu in zip(self.frames, self.pdus, strict=True) if isinstance(pdu, kind)]

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        try:
            while (frame := await read_frame(reader)) is not None:
                self._hear(frame)
        except (OSError, CmppError):
            pass
        finally:
            self.hung_up.set()
            writer.close()

    def _hear(self, frame: Frame) -> None:
        pdu = decode(frame, self.version)
        if not isinstance(pdu, Connect):
            self.frames.append(frame)
            self.pdus.append(pdu)
        elif self.instead is not None:
            self.writer.write(self.instead)
            self.writer.close()
        else:
            self._answer(pdu, frame.sequence)

    def _answer(self, login: Connect, sequence: int) -> None:
        self.logins.append(login)
        status = 4 if self.refuses_higher and login.version > self.version else self.status
        octets = 4 if self.version is Version.CMPP_3 else 1
        proof = ismg_authenticator(status, login.authenticator_source, SECRET, status_octets=octets)
        self.say(ConnectResp(status, proof if self.proves_itself else bytes(16), self.version), sequence)
        if status != 0:
            self.writer.close()


@asynccontextmanager
async def listening(gateway: HandPlayedGateway) -> AsyncIterator[HandPlayedGateway]:
    server = await asyncio.start_server(gateway.play, "127.0.0.1", 0)
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        server.close()
        if gateway._writer is not None:
            gateway._writer.close()
            await gateway.hung_up.wait()
