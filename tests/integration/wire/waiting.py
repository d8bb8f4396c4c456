"""Waits for what another task will bring about."""

import asyncio
from collections.abc import Callable


async def eventually(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    """Return once `condition` holds; raise TimeoutError if it does not within so many seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - tests look from outside, where there is no event to wait for
            await asyncio.sleep(0.005)
