"""Every process is killed once during a cycle and its dispatch: all is finished, nobody is lost, nothing is sent twice."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from services.sandbox.gateway.journal import read_journal
from tests.e2e.installation import SERVICES, Installation, demonstration, leftovers

pytestmark = [pytest.mark.timeout(300)]

VICTIMS = [*SERVICES, *(f"{service}-worker" for service in SERVICES), "postgres", "postmaster"]


def pid_of(victim: str, installation: Installation) -> int | None:
    if victim != "postmaster":
        return installation.processes().get(victim)
    found = list((installation.home / "postgres").rglob("postmaster.pid"))
    return int(found[0].read_text().splitlines()[0]) if found else None


def kill_in_turn(installation: Installation, *, seed: int, pause: float) -> list[str]:
    """Kill each victim once, in seeded order, while the demonstration works; return those that were killed."""
    order = random.Random(seed).sample(VICTIMS, len(VICTIMS))
    killed = []
    for victim in order:
        time.sleep(pause)
        if installation.process.poll() is not None or (installation.home / "demo-report.json").exists():
            break
        pid = pid_of(victim, installation)
        if pid is None:
            continue
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed.append(victim)
    return killed


def wait_for(path: Path, seconds: float, installation: Installation) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, installation.logs()
        assert installation.process.poll() is None, installation.logs()
        time.sleep(0.05)


def test_the_cycle_completes_through_kills_of_everything(tmp_path: Path) -> None:
    with demonstration(tmp_path, "--customers", "2000", "--once") as running:
        wait_for(running.home / "world.parquet", 90, running)
        killed = kill_in_turn(running, seed=11, pause=1.5)
        code = running.process.wait(240)
        assert sorted(killed) == sorted(VICTIMS), f"only {killed} were killed before the end"
        assert code == 0, running.logs()
        assert running.report()["problems"] == []
    journal = read_journal(running.home / "sandbox" / "gateway.jsonl")
    received = [(submit.dest, submit.content) for submit in journal if submit.result == 0]
    assert received
    assert len(received) == len(set(received))
    assert leftovers(running.home) == []


def test_nothing_is_left_when_the_supervisor_itself_is_killed(tmp_path: Path) -> None:
    with demonstration(tmp_path, "--customers", "300") as running:
        wait_for(running.home / "world.parquet", 90, running)
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
        deadline = time.monotonic() + 40
        while (left := leftovers(running.home)) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert left == []
