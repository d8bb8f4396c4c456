"""Runs everything that a worker process does, and ends it in an order that loses nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.dispatch.worker.housekeeping import Housekeeping
from services.dispatch.worker.presence import Presence
from services.dispatch.worker.recalls import Recaller
from services.dispatch.worker.sender import MessageSender
from shared.process import spare_from_collection

_ANSWER_SECONDS = 3.0
"""How long an ending worker waits for its gateways' answers; what is unanswered then is recorded as indeterminate."""


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What runs side by side in a worker."""

    presence: Presence
    senders: Sequence[MessageSender]
    """One for each channel that the worker serves."""
    recallers: Sequence[Recaller]
    """One for each channel whose gateway takes pushes back."""
    housekeeping: Housekeeping
    load_plans: Callable[[asyncio.Event], Awaitable[None]]
    close_channels: Callable[[], Awaitable[None]]
    batches: int
    """How many each channel has under way at a time."""


async def run_worker(parts: WorkerParts, stop: asyncio.Event) -> None:
    """Work until `stop` is set. The channels close before the key is let go: its claims are ours until they are recorded."""
    presence = asyncio.create_task(parts.presence.run())
    spare_from_collection()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(parts.housekeeping.run(stop))
            for recaller in parts.recallers:
                group.create_task(recaller.run(stop))
            group.create_task(_awaited(parts.load_plans(stop)))
            sending = [group.create_task(sender.run(stop, batches=parts.batches)) for sender in parts.senders]
            await stop.wait()
            if sending:
                await asyncio.wait(sending, timeout=_ANSWER_SECONDS)
            await parts.close_channels()
    finally:
        presence.cancel()
        await asyncio.gather(presence, return_exceptions=True)


async def _awaited(work: Awaitable[None]) -> None:
    await work
