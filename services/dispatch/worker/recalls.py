"""Asks gateways to take back what customers refused after it had left."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.dispatch.domain.pushes import ContactId
from services.dispatch.ports.channels import Recall, RecallAnswer, RecallingChannel
from services.dispatch.ports.store import WorkOpener
from services.dispatch.use_cases.incoming import take_receipts
from shared.clock import Clock
from shared.errors import Conflict, Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_ROUND_SECONDS = 0.5
_AT_ONCE = 64
_HOPE = timedelta(hours=72)
"""What is older is delivered or given up by any gateway."""


@dataclass(frozen=True, slots=True)
class Recaller:
    """Goes round what is due on one channel until told to stop. A gateway that does not answer is asked again."""

    work: WorkOpener
    channel: RecallingChannel
    account: str
    clock: Clock

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.go_round()
            except (Unavailable, Conflict) as failure:
                log.warning("recalls_wait", why=failure.message)
            try:
                async with asyncio.timeout(_ROUND_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue

    async def go_round(self) -> None:
        """Ask once for everything that is due, as far as the gateway can be reached."""
        if not self.channel.ready:
            return
        async with self.work() as work:
            due = await work.recalls.due(self.account, since=self.clock.now() - _HOPE, limit=_AT_ONCE)
        for contact_id, recall in due:
            await self._recall(contact_id, recall)

    async def _recall(self, contact_id: ContactId, recall: Recall) -> None:
        answer, receipt = await self.channel.recall(recall)
        if answer is RecallAnswer.UNKNOWN:
            return
        async with self.work() as work:
            await work.recalls.end(contact_id, answer)
            if receipt is not None:
                await take_receipts([receipt], work=work, now=self.clock.now())
        log.info("push_recalled", account=self.account, answer=answer)
