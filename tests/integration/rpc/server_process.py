"""A server process that takes its time over each call: `python -m tests.integration.rpc.server_process PORT`."""

import asyncio
import sys

from shared import process
from shared.rpc.server import serve
from tests.integration.rpc.toy import SERVICE, ToyServicer, toy_settings


async def slowly(text: str) -> str:
    sys.stdout.write("began\n")
    sys.stdout.flush()
    await asyncio.sleep(1.5)
    return text


async def main(stop: asyncio.Event) -> None:
    await serve(
        toy_settings(port=int(sys.argv[1]), grace_seconds=10, drain_seconds=0.8),
        register=ToyServicer(slowly).register,
        service_names=[SERVICE],
        checks={},
        stop=stop,
    )


if __name__ == "__main__":
    process.run(main)
