"""Runs everything that a worker process does, and ends it in an order that loses nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.dispatch.worker.housekeeping import Housekeeping
from services.dispatch.worker.presence import Presence
from services.dispatch.worker.sender import SmsSender

_ANSWER_SECONDS = 3.0
"""How long an ending worker waits for the gateway's answers; what is unanswered then is recorded as indeterminate."""


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What runs side by side in a worker."""

    presence: Presence
    sender: SmsSender
    housekeeping: Housekeeping
    load_plans: Callable[[asyncio.Event], Awaitable[None]]
    close_channel: Callable[[], Awaitable[None]]
    batches: int


async def run_worker(parts: WorkerParts, stop: asyncio.Event) -> None:
    """Work until `stop` is set. The channel closes before the key is let go: its claims are ours until they are recorded."""
    presence = asyncio.create_task(parts.presence.run())
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(parts.housekeeping.run(stop))
            group.create_task(_awaited(parts.load_plans(stop)))
            sending = group.create_task(parts.sender.run(stop, batches=parts.batches))
            await stop.wait()
            await asyncio.wait([sending], timeout=_ANSWER_SECONDS)
            await parts.close_channel()
    finally:
        presence.cancel()
        await asyncio.gather(presence, return_exceptions=True)


async def _awaited(work: Awaitable[None]) -> None:
    await work
