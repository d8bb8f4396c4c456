"""The supervisor over toy processes: it starts again what ends, stops all, and leaves nothing behind."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.console.supervisor.processes import ProcessSpec
from services.console.supervisor.supervisor import supervising
from shared.errors import Unavailable

STAYS = "import time; print('here', flush=True); time.sleep(600)"
TETHERED = """
import asyncio
from shared import process
async def main(stop):
    print('here', flush=True)
    await stop.wait()
process.run(main)
"""
OWNER = """
import asyncio, sys
from pathlib import Path
from tests.integration.console.test_supervisor import TETHERED, toy
from services.console.supervisor.supervisor import supervising
async def main():
    async with supervising(Path(sys.argv[1]), notice=print) as supervisor:
        await supervisor.start([toy('one', TETHERED), toy('two', TETHERED)])
        print('up', flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


def toy(name: str, program: str) -> ProcessSpec:
    return ProcessSpec(name, ("-c", program), dict(os.environ))


def pids(home: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((home / "processes.json").read_text())
    return found


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_killed_process_is_started_again_and_said_so(tmp_path: Path) -> None:
    notices: list[str] = []
    async with supervising(tmp_path, notice=notices.append) as supervisor:
        await supervisor.start([toy("worker", STAYS)])
        first = pids(tmp_path)["worker"]
        os.kill(first, signal.SIGKILL)
        await until(lambda: pids(tmp_path)["worker"] != first)
        assert lives(pids(tmp_path)["worker"])
    assert any("worker was killed by SIGKILL" in notice for notice in notices)


async def test_leaving_stops_everything_even_what_waits_to_be_started_again(tmp_path: Path) -> None:
    async with supervising(tmp_path, notice=print) as supervisor:
        await supervisor.start([toy("one", STAYS), toy("two", STAYS)])
        started = pids(tmp_path)
        os.kill(started["two"], signal.SIGKILL)
        await asyncio.sleep(0.05)
    assert not any(map(lives, started.values()))
    assert not (tmp_path / "processes.json").exists()


async def test_a_process_that_cannot_start_is_said_with_its_own_words(tmp_path: Path) -> None:
    broken = ProcessSpec(
        "broken", ("-c", "import sys; sys.exit('port 50051 is taken')"), dict(os.environ), "127.0.0.1:9"
    )
    with pytest.raises(Unavailable, match="port 50051 is taken"):
        async with supervising(tmp_path, notice=lambda _: None) as supervisor:
            await supervisor.start([broken])


async def test_two_supervisors_do_not_share_a_home(tmp_path: Path) -> None:
    async with supervising(tmp_path, notice=print):
        with pytest.raises(Unavailable, match="another `visavis up`"):
            async with supervising(tmp_path, notice=print):
                pass


async def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'shared' / 'gen'}"},
    )
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"up\n"
    children = pids(tmp_path)
    # The toys must have installed their watch: they say so in their logs.
    await until(lambda: all("here" in (tmp_path / "logs" / f"{name}.log").read_text() for name in children))
    owner.kill()
    await owner.wait()
    await until(lambda: not any(map(lives, children.values())))
