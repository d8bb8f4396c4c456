"""Forks toy workers on request: a real process each, to be killed, without paying for the imports each time.

`python -m tests.integration.runs.nursery URL FOLDER PAUSE`; a line on stdin makes a worker, its pid is the answer.
End of input ends all of them.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import structlog

from shared.clock import SystemClock
from shared.db.engine import open_database
from shared.runs.worker import RunWorker
from tests.integration.runs.toys import toy_handlers, toy_tables


async def work(url: str, folder: Path, pause: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    tables, _ = toy_tables()
    async with open_database(url, application_name="toy-worker", pool_size=4) as database:
        worker = RunWorker(
            database=database, tables=tables, handlers=toy_handlers(folder, pause=pause), clock=SystemClock()
        )
        await worker.run(stop)


def main() -> None:
    url, folder, pause = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    renderer = structlog.processors.KeyValueRenderer(key_order=["event"])
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.format_exc_info, renderer],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    children = []
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            os.close(0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asyncio.run(work(url, folder, pause))
            os._exit(0)
        children.append(child)
        print(child, flush=True)
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
