"""Blocking work of a stage in a thread, which tells how far it is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

_Result = TypeVar("_Result")
Heard: TypeAlias = Callable[[int, int], None]
"""Hears how many units are done, and of how many by the latest estimate. Called from the working thread."""

_SHOWING_SECONDS = 0.3


class _Abandoned(Exception):  # noqa: N818 - ends a thread whose result nobody waits for any more
    """The stage was cancelled, or is another worker's by now."""


async def in_thread(work: Callable[[Heard], _Result], *, show: Callable[[int, int], Awaitable[None]]) -> _Result:
    """Do `work` in a thread and hand what it tells to `show`, which is a stage's `context.progress`.

    When this is cancelled, or `show` raises, the thread ends at its next word.
    """
    latest = (0, 0)
    is_abandoned = False

    def heard(done: int, total: int) -> None:
        nonlocal latest
        if is_abandoned:
            raise _Abandoned
        latest = (done, total)

    working = asyncio.ensure_future(asyncio.to_thread(work, heard))
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=_SHOWING_SECONDS)
            await show(*latest)
        return working.result()
    finally:
        is_abandoned = True
        working.cancel()
