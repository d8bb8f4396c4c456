"""A process ends when it is told to, and when its supervisor is gone."""

import asyncio
import os
import signal

import pytest

from shared import process


async def _waits(stop: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await stop.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_stop(number: signal.Signals) -> None:
    async def main(stop: asyncio.Event) -> None:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        await _waits(stop)

    process.run(main)


def test_the_end_of_the_supervisors_pipe_sets_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    tether, holder = os.pipe()
    monkeypatch.setenv(process.TETHER_VARIABLE, str(tether))

    async def main(stop: asyncio.Event) -> None:
        await asyncio.sleep(0.05)
        assert not stop.is_set()
        os.close(holder)
        await _waits(stop)

    process.run(main)
    os.close(tether)


def test_children_of_a_supervised_process_do_not_hold_its_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    tether, holder = os.pipe()
    os.set_inheritable(tether, True)
    monkeypatch.setenv(process.TETHER_VARIABLE, str(tether))

    async def main(_: asyncio.Event) -> None:
        assert not os.get_inheritable(tether)

    process.run(main)
    os.close(holder)
    os.close(tether)
