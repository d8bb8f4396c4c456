"""Runs the embedded PostgreSQL as one of the supervised processes: starts it, ends when it ends, stops it when told to."""

import asyncio
import sys

from services.console.settings import ConsoleSettings
from shared import process
from shared.db.embedded import EmbeddedPostgres
from shared.errors import Failure

_LOOK_SECONDS = 0.2


async def main(stop: asyncio.Event) -> None:
    """Keep a server running under VISAVIS_HOME/postgres until `stop`; a server that died by itself is an error."""
    server = EmbeddedPostgres(ConsoleSettings().home.resolve() / "postgres")
    await asyncio.to_thread(server.start)
    while not stop.is_set():
        if server.pid() is None:
            sys.exit("PostgreSQL ended by itself; its log is in VISAVIS_HOME/postgres/postgresql.log")
        try:
            await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
        except TimeoutError:
            continue
    await asyncio.to_thread(server.stop)


if __name__ == "__main__":
    try:
        process.run(main)
    except Failure as failure:
        sys.exit(failure.message)
