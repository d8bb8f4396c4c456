"""What every process of the house does alike: run until told to stop, and never outlive the supervisor that started it."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable

import uvloop

TETHER_VARIABLE = "VISAVIS_TETHER_FD"
"""Names the inherited read end of a pipe whose write end only the supervisor holds: end of file means that it is gone."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main(stop)` to its end; `stop` is set by SIGTERM, by SIGINT, or when the supervisor has died."""
    uvloop.run(until_stopped(main))


async def until_stopped(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Await `main(stop)` inside a loop that runs already, with the same meaning of `stop`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    if tether := os.environ.pop(TETHER_VARIABLE, ""):  # our children would read it, but do not get the pipe
        _stop_at_end_of_file(loop, int(tether), stop)
    try:
        await main(stop)
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def spare_from_collection() -> None:
    """Take what this process is made of, some 120,000 objects, out of the garbage collector's sight: once it is set up.

    It would look through all of them every few hundred calls, and whoever calls then waits 50 to 100 ms.
    """
    gc.collect()
    gc.freeze()


def _stop_at_end_of_file(loop: asyncio.AbstractEventLoop, descriptor: int, stop: asyncio.Event) -> None:
    def cut() -> None:
        loop.remove_reader(descriptor)
        stop.set()

    os.set_inheritable(descriptor, False)  # our own children are not the supervisor's
    loop.add_reader(descriptor, cut)
