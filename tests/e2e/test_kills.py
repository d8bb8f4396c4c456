"""Every process is killed during a cycle, and again while pushes leave by all channels: all is finished, nobody is lost, and
nothing is sent twice."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from services.sandbox.dialled import read_call_journal
from services.sandbox.gateway.journal import read_journal
from services.sandbox.mail.journal import read_mail_journal
from services.sandbox.ppg.journal import read_push_journal
from tests.e2e.installation import SERVICES, Installation, demonstration, leftovers

pytestmark = [pytest.mark.timeout(300)]

SLOW = {
    "VISAVIS_DISPATCH_SMS_RATE": "25",
    "VISAVIS_DISPATCH_WAP_RATE": "25",
    "VISAVIS_DISPATCH_MAIL_RATE": "25",
    "VISAVIS_SANDBOX_AGENTS": "5",
}
"""So that the pushes of each channel take about ten seconds, and none has ended when the last process is killed."""
PLANS = {
    "SMS": "New services by SMS",
    "WAP_PUSH": "Voice packs by WAP push",
    "MAIL_139": "Newspaper trial for the young by mail",
    "CALL": "Retention by call",
}
JOURNALS = ("gateway", "pushes", "mails", "calls")

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
        if kill(victim, installation):
            killed.append(victim)
    return killed


def kill(victim: str, installation: Installation) -> bool:
    """Kill a victim, once it lives: it may be on its way back from another's death. False when the demonstration has ended."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if installation.process.poll() is not None or (installation.home / "demo-report.json").exists():
            return False
        pid = pid_of(victim, installation)
        with suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                return True
        time.sleep(0.05)
    raise AssertionError(f"{victim} does not come back\n{installation.logs()}")


def wait_for(path: Path, seconds: float, installation: Installation) -> None:
    deadline = time.monotonic() + seconds
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < deadline, installation.logs()
        assert installation.process.poll() is None, installation.logs()
        time.sleep(0.05)


def received(home: Path) -> Mapping[str, Counter[tuple[str, object]]]:
    """Return what each gateway took, and what was dialled: channel -> number and what tells it from all others -> times."""
    sandbox = home / "sandbox"
    return {
        "SMS": Counter(
            (each.dest, (each.content, each.part))
            for each in read_journal(sandbox / "gateway.jsonl")
            if each.result == 0
        ),
        "WAP_PUSH": Counter(
            (each.dest, each.push_id)
            for each in read_push_journal(sandbox / "pushes.jsonl")
            if each.code < 2000 and not each.is_cancel
        ),
        "MAIL_139": Counter(
            (each.dest, each.subject) for each in read_mail_journal(sandbox / "mails.jsonl") if each.code == 250
        ),
        "CALL": Counter((each.dest, each.call) for each in read_call_journal(sandbox / "calls.jsonl")),
    }


def assert_nothing_twice_and_nothing_lost(running: Installation) -> None:
    """Compare what the gateways say with what the report counts, channel by channel."""
    report = cast("dict[str, Any]", running.report())
    assert report["problems"] == [], running.logs()
    taken = received(running.home)
    assert {channel: [each for each, times in found.items() if times > 1] for channel, found in taken.items()} == {
        channel: [] for channel in taken
    }
    for channel, plan in PLANS.items():
        states = report["pushes"][plan]
        assert states["sent"] + states["indeterminate"] > 0, plan  # of a few mails a kill may leave none certain
        if channel != "CALL":  # one push may take several
            people = len({number for number, _ in taken[channel]})
            assert states["sent"] <= people <= states["sent"] + states["indeterminate"], plan
    counted = datetime.fromisoformat(report["time"])  # calls that customers asked for go on coming due after the count
    calls = read_call_journal(running.home / "sandbox" / "calls.jsonl")
    dialled = {each.call for each in calls if datetime.fromisoformat(each.time) <= counted}
    assert report["calls_reported"] <= len(dialled) <= report["calls_leased"]


def test_the_cycle_and_the_pushes_by_all_channels_complete_through_kills_of_everything(tmp_path: Path) -> None:
    with demonstration(tmp_path, "--customers", "2000", "--once", **SLOW) as running:
        wait_for(running.home / "world.parquet", 90, running)
        killed = kill_in_turn(running, seed=11, pause=1.5)
        for journal in JOURNALS:
            wait_for(running.home / "sandbox" / f"{journal}.jsonl", 120, running)
        killed_again = kill_in_turn(running, seed=12, pause=0.5)
        code = running.process.wait(240)
        assert sorted(killed) == sorted(killed_again) == sorted(VICTIMS), "the end came too early for some"
        assert code == 0, running.logs()
    assert_nothing_twice_and_nothing_lost(running)
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
