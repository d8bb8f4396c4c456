"""Sessions for tests: one logged in at a gateway that is played by hand."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from shared.clock import ManualClock
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.login import Credentials
from shared.wire.cmpp.pdus import (
    Deliver,
    Submit,
)
from shared.wire.cmpp.session import ClientSession, DeliverHandler, connect
from shared.wire.cmpp.versions import Version
from tests.integration.wire.peer import SECRET, HandPlayedGateway, listening

CLOCK = ManualClock(datetime(2026, 1, 9, 1, 2, 3, tzinfo=UTC))
BOTH = pytest.mark.parametrize("version", Version)
LIMITS = LinkLimits(window=16, response_timeout=30.0, idle=60.0, attempts=3)
SUBMIT = Submit("10658000", ("13800000001",), b"\x4f\x60", "900001", "MKT")


async def ignore(_: Sequence[Deliver]) -> None:
    return


@asynccontextmanager
async def session_with(
    gateway: HandPlayedGateway,
    *,
    limits: LinkLimits = LIMITS,
    on_delivers: DeliverHandler = ignore,
    asks: Version | None = None,
    demand_proof: bool = False,
) -> AsyncIterator[ClientSession]:
    async with listening(gateway):
        session = await connect(
            "127.0.0.1",
            gateway.port,
            Credentials("900001", SECRET, asks or gateway.version, demand_proof),
            on_delivers=on_delivers,
            clock=CLOCK,
            limits=limits,
            within=2.0,
        )
        try:
            yield session
        finally:
            gateway.writer.close()
            await session.wait_closed()
