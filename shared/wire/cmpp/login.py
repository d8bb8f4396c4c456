"""The SP's side of the login: who it is, which version it asks for, and what it makes of the answer."""

import asyncio
from dataclasses import dataclass, field

import structlog

from shared.wire.cmpp.auth import is_ismg_authentic, source_authenticator
from shared.wire.cmpp.codec import decode, encode
from shared.wire.cmpp.errors import DecodeError, GatewayUnprovenError, LineClosedError, LoginRefusedError
from shared.wire.cmpp.frames import Frame, read_frame
from shared.wire.cmpp.pdus import Connect, ConnectResp
from shared.wire.cmpp.versions import Version

log: structlog.stdlib.BoundLogger = structlog.get_logger()

VERSION_TOO_HIGH = 4
_NARROW_ANSWER = range(18, 21)
"""Octets of CONNECT_RESP in 2.0 and up to what it has in 3.0."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in: the six-character SP id, the secret shared with the gateway, and the version that the contract names.

    With `demand_proof` a gateway that does not prove that it knows the secret is not used; without, it is used with a
    warning, because too many compute the proof in their own way.
    """

    sp_id: str
    secret: str = field(repr=False)
    version: Version = Version.CMPP_2
    demand_proof: bool = False


async def log_in(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, credentials: Credentials, timestamp: int
) -> Version:
    """Send CONNECT, check the answer, and return the version to speak from now on.

    Raises LoginRefusedError, GatewayUnprovenError, LineClosedError, DecodeError or OSError.
    """
    authenticator = source_authenticator(credentials.sp_id, credentials.secret, timestamp)
    writer.write(encode(Connect(credentials.sp_id, authenticator, timestamp, credentials.version), sequence=0))
    frame = await read_frame(reader)
    if frame is None:
        raise LineClosedError("the gateway closed the connection instead of answering CONNECT")
    answer = decode(frame, credentials.version)
    if not isinstance(answer, ConnectResp):
        raise DecodeError(f"{type(answer).__name__} instead of an answer to CONNECT")
    if answer.status != 0:
        raise LoginRefusedError(answer.status)
    _check_proof(answer, authenticator, credentials)
    return _spoken(frame, credentials)


def _check_proof(answer: ConnectResp, authenticator: bytes, credentials: Credentials) -> None:
    if is_ismg_authentic(answer.authenticator_ismg, answer.status, authenticator, credentials.secret):
        return
    if credentials.demand_proof:
        raise GatewayUnprovenError("the gateway did not prove that it knows the secret: wrong gateway, or wrong secret")
    log.warning("cmpp_gateway_not_authenticated", sp_id=credentials.sp_id)


def _spoken(frame: Frame, credentials: Credentials) -> Version:
    """Return the version of the layout in which CONNECT was answered, but none above the one asked for.

    The layout is believed, not the answer's version octet, in which gateways write what they like.
    """
    if credentials.version is Version.CMPP_3 and len(frame.body) in _NARROW_ANSWER:
        log.warning("cmpp_gateway_speaks_older_version", sp_id=credentials.sp_id, asked="3.0", spoken="2.0")
        return Version.CMPP_2
    return credentials.version
