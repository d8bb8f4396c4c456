"""Stores what gateways bring before it is acknowledged."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.dispatch.domain.pushes import OptOut, PushId
from services.dispatch.ports.channels import Receipt, Reply
from services.dispatch.ports.store import ReceiptKeeper, WorkOpener
from services.dispatch.use_cases.incoming import keep_and_match, take_refusal, take_reply
from services.dispatch.use_cases.opt_outs import withdraw_pushes
from shared.clock import Clock

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredIncoming:
    """`services.dispatch.ports.channels.IncomingMessages` and `Refusals`; what it raises is brought again by the gateway."""

    work: WorkOpener
    receipts: ReceiptKeeper
    clock: Clock

    async def on_receipts(self, receipts: Sequence[Receipt]) -> None:
        await keep_and_match(receipts, keeper=self.receipts, open_work=self.work, now=self.clock.now())

    async def on_reply(self, reply: Reply) -> None:
        """An opt-out is acknowledged only when each push of the customer has left or been withdrawn."""
        async with self.work() as work:
            opt_out = await take_reply(reply, work=work, now=self.clock.now())
        if opt_out is not None:
            await self._withdraw(opt_out)

    async def on_refusal(self, push_id: str, source: str) -> bool:
        async with self.work() as work:
            opt_out = await take_refusal(PushId(int(push_id)), source, work=work, now=self.clock.now())
        if opt_out is None:
            return False
        await self._withdraw(opt_out)
        return True

    async def _withdraw(self, opt_out: OptOut) -> None:
        async with self.work() as work:
            cancelled = await withdraw_pushes(opt_out, work=work)
        log.info("opt_out_taken", source=opt_out.source, cancelled=cancelled)
