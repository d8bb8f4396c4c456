"""A server process that takes its time over each call: `python -m tests.integration.rpc.server_process PORT`."""

import asyncio
import sys

from shared.rpc.server import serve, stop_on_signals
from tests.integration.rpc.toy import SERVICE, ToyServicer, toy_settings


async def slowly(text: str) -> str:
    sys.stdout.write("began\n")
    sys.stdout.flush()
    await asyncio.sleep(1.5)
    return text


async def main(port: int) -> None:
    await serve(
        toy_settings(port=port, grace_seconds=10, drain_seconds=0.8),
        register=ToyServicer(slowly).register,
        service_names=[SERVICE],
        checks={},
        stop=stop_on_signals(),
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
