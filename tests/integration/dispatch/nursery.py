"""Forks workers of dispatch on request: a real process each, to be killed, without paying for the imports each time.

`python -m tests.integration.dispatch.nursery URL GATEWAY_PORT CHANNEL`; a line on stdin makes a worker, its pid is the answer.
End of input ends all of them.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

import structlog

from services.dispatch.domain.plans import Channel
from services.dispatch.worker.sender import MessageSender
from shared.clock import ManualClock
from shared.db.engine import open_database
from tests.factories.dispatch import MORNING
from tests.integration.dispatch.rig import Rig, sms_account, worker
from tests.integration.dispatch.wap_rig import wap_account, wap_worker


def worker_of(rig: Rig, channel: Channel, port: int) -> AbstractAsyncContextManager[MessageSender]:
    if channel is Channel.WAP_PUSH:
        return wap_worker(rig, wap_account(f"http://127.0.0.1:{port}/wappush"))
    return worker(rig, sms_account(port))


async def work(url: str, port: int, channel: Channel) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with (
        open_database(url, application_name="dispatch-worker", pool_size=8) as database,
        worker_of(Rig(database, ManualClock(MORNING)), channel, port),
    ):
        await stop.wait()


def main() -> None:
    url, port, channel = sys.argv[1], int(sys.argv[2]), Channel(sys.argv[3])
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    children = []
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            os.close(0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asyncio.run(work(url, port, channel))
            os._exit(0)
        children.append(child)
        print(child, flush=True)
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


class Nursery:
    """Makes and kills workers."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.pids: list[int] = []

    def spawn(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.pids.append(int(self._process.stdout.readline()))

    def kill(self, index: int) -> None:
        os.kill(self.pids.pop(index), signal.SIGKILL)


@contextmanager
def nursery_of(url: str, port: int, log: Path, channel: Channel = Channel.SMS) -> Iterator[Nursery]:
    argv = [sys.executable, "-m", "tests.integration.dispatch.nursery", url, str(port), channel]
    with (
        log.open("w") as out,
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True) as process,
    ):
        yield Nursery(process)


if __name__ == "__main__":
    main()
