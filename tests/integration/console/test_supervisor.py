"""The supervisor over toy processes: it starts again what ends, stops all, and leaves nothing behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.console.supervisor.ownership import sole_owner
from services.console.supervisor.processes import ProcessSpec
from services.console.supervisor.readiness import Locate, serving
from services.console.supervisor.supervisor import supervising
from shared.errors import Unavailable, WrongState

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


def toy(name: str, program: str, locate: Locate | None = None, *, grace_seconds: float = 15.0) -> ProcessSpec:
    return ProcessSpec(name, ("-c", program), dict(os.environ), locate, grace_seconds)


def written_in(place: Path) -> Locate:
    """Ready = the file `place` says where; where it is a pid, only as long as that lives."""

    def look() -> str | None:
        where = place.read_text() if place.exists() else ""
        return where if where and (not where.isdigit() or lives(int(where))) else None

    async def locate() -> str | None:
        return await asyncio.to_thread(look)

    return locate


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in found.split()]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


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
    broken = toy("broken", "import sys; sys.exit('port 50051 is taken')", serving("127.0.0.1:9"))
    with pytest.raises(Unavailable, match="port 50051 is taken"):
        async with supervising(tmp_path, notice=lambda _: None) as supervisor:
            await supervisor.start([broken])


async def test_a_process_that_ends_while_others_get_ready_is_said_at_once(tmp_path: Path) -> None:
    place = tmp_path / "place"
    slow = f"import time, pathlib; time.sleep(1.5); pathlib.Path({str(place)!r}).write_text('here'); time.sleep(600)"
    with pytest.raises(Unavailable, match="no such setting"):
        async with supervising(tmp_path, notice=lambda _: None) as supervisor:
            await supervisor.start(
                [toy("slow", slow, written_in(place)), toy("worker", "import sys; sys.exit('no such setting')")]
            )


async def test_stopping_while_a_process_is_started_again_leaves_none(tmp_path: Path) -> None:
    for pause in (0.0, 0.1, 0.2, 0.21, 0.22, 0.25):
        async with supervising(tmp_path, notice=lambda _: None) as supervisor:
            await supervisor.start([toy("one", STAYS)])
            os.kill(pids(tmp_path)["one"], signal.SIGKILL)
            await asyncio.sleep(pause)
        assert not [pid for pid in children_of(os.getpid()) if "time.sleep(600)" in command_of(pid)]


async def test_a_process_that_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
    )
    notices: list[str] = []
    async with supervising(tmp_path, notice=notices.append) as supervisor:
        await supervisor.start([toy("deaf", deaf, grace_seconds=0.3)])
        pid = pids(tmp_path)["deaf"]
        await until(lambda: "here" in (tmp_path / "logs" / "deaf.log").read_text())
    assert not lives(pid)
    assert notices == ["deaf did not stop within 0 s and is killed"]


async def test_leaving_while_a_process_is_not_ready_yet_stops_it(tmp_path: Path) -> None:
    async def use() -> None:
        async with supervising(tmp_path, notice=print) as supervisor:
            await supervisor.start([toy("slow", STAYS, written_in(tmp_path / "never"))])

    using = asyncio.create_task(use())
    await until((tmp_path / "processes.json").exists)
    pid = pids(tmp_path)["slow"]
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert not lives(pid)


async def test_what_depends_on_a_process_is_started_anew_when_that_comes_back_elsewhere(tmp_path: Path) -> None:
    place, notices = tmp_path / "place", list[str]()
    moves = f"import os, time, pathlib; pathlib.Path({str(place)!r}).write_text(str(os.getpid())); time.sleep(600)"
    async with supervising(tmp_path, notice=notices.append) as supervisor:
        await supervisor.start([toy("database", moves, written_in(place))])
        await supervisor.start([toy("service", STAYS)])
        before = pids(tmp_path)
        os.kill(before["database"], signal.SIGKILL)
        await until(lambda: pids(tmp_path).get("service", before["service"]) != before["service"])
    assert "database came back at another address; what was started after it is started anew" in notices


async def test_what_depends_on_a_process_stays_when_that_comes_back_where_it_was(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.write_text("127.0.0.1:1")
    async with supervising(tmp_path, notice=lambda _: None) as supervisor:
        await supervisor.start([toy("database", STAYS, written_in(place))])
        await supervisor.start([toy("service", STAYS)])
        before = pids(tmp_path)
        os.kill(before["database"], signal.SIGKILL)
        await until(lambda: pids(tmp_path).get("database", before["database"]) != before["database"])
        await asyncio.sleep(0.3)
        assert pids(tmp_path)["service"] == before["service"]


async def test_what_was_started_last_is_stopped_first(tmp_path: Path) -> None:
    says = """
import signal, sys, time
def end(*_):
    open(sys.argv[1], 'a').write(sys.argv[2])
    sys.exit()
signal.signal(signal.SIGTERM, end)
print('here', flush=True)
time.sleep(600)
"""
    order = tmp_path / "order"
    async with supervising(tmp_path, notice=print) as supervisor:
        for name in ("a", "b", "c"):
            await supervisor.start([ProcessSpec(name, ("-c", says, str(order), name), dict(os.environ))])
        await until(lambda: all("here" in (tmp_path / "logs" / f"{name}.log").read_text() for name in "abc"))
    assert order.read_text() == "cba"


def test_two_owners_do_not_share_a_home(tmp_path: Path) -> None:
    with sole_owner(tmp_path), pytest.raises(Unavailable, match="another `visavis up`"), sole_owner(tmp_path):
        pass


def test_a_home_that_cannot_be_used_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WrongState, match="set VISAVIS_HOME"), sole_owner(tmp_path / "file" / "home"):
        pass


def test_the_children_of_a_killed_supervisor_are_waited_for(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.7)"])
    threading.Thread(target=child.wait).start()  # or it would stay as a zombie of ours
    (tmp_path / "processes.json").write_text(json.dumps({"worker": child.pid}))
    with sole_owner(tmp_path):
        assert child.poll() is not None


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
