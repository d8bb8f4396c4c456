"""Follows runs of the services to their end, showing their progress, through restarts of any process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from visavis.common.v1 import error_reason_pb2, run_pb2

from shared.errors import Failure, Unavailable

Resource = TypeVar("Resource")
Progress = Callable[[str, run_pb2.RunStatus], None]
"""Called with a step's name and its status whenever that was read."""

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.3


async def patient(call: Callable[[], Awaitable[Resource]]) -> Resource:
    """Repeat an idempotent call while its service is away, for two minutes at most: the supervisor may be restarting it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_SECONDS
    while True:
        try:
            return await call()
        except Unavailable:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)


@dataclass(frozen=True, slots=True)
class Follower:
    """Waits for runs and reports how they go."""

    progress: Progress

    async def finish(
        self,
        step: str,
        read: Callable[[], Awaitable[Resource]],
        status: Callable[[Resource], run_pb2.RunStatus],
    ) -> Resource:
        """Read a run until it ends and return it. Raises Failure with the run's own reason if it failed."""
        while True:
            resource = await patient(read)
            current = status(resource)
            self.progress(step, current)
            if current.state == run_pb2.RUN_STATE_SUCCEEDED:
                return resource
            if current.state == run_pb2.RUN_STATE_FAILED:
                reason = error_reason_pb2.ErrorReason.Name(current.failure.reason)
                raise Failure(f"{step}: {current.failure.message}", reason=reason, metadata={"stage": current.stage})
            await asyncio.sleep(_POLL_SECONDS)
