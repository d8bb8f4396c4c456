"""Stores what gateways bring before it is acknowledged."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.dispatch.ports.channels import Receipt, Reply
from services.dispatch.ports.store import WorkOpener
from services.dispatch.use_cases.incoming import take_receipts, take_reply
from services.dispatch.use_cases.opt_outs import withdraw_pushes
from shared.clock import Clock

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredIncoming:
    """`services.dispatch.ports.channels.IncomingMessages`; what it raises is brought again by the gateway."""

    work: WorkOpener
    clock: Clock

    async def on_receipts(self, receipts: Sequence[Receipt]) -> None:
        async with self.work() as work:
            await take_receipts(receipts, work=work, now=self.clock.now())

    async def on_reply(self, reply: Reply) -> None:
        """An opt-out is acknowledged only when each push of the customer has left or been withdrawn."""
        async with self.work() as work:
            opt_out = await take_reply(reply, work=work, now=self.clock.now())
        if opt_out is not None:
            async with self.work() as work:
                cancelled = await withdraw_pushes(opt_out, work=work)
            log.info("opt_out_taken", source="sms", cancelled=cancelled)
